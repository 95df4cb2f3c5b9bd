"""One sample of a plan with 5,000 changes, in a process of its own, so that its peak of memory is its own.

    python -m benchmarks.rendering render|dump|read|load

`render` makes every rendering, `dump` only the JSON of the same document; `read` makes changes of Terraform's plan in
JSON, `load` only parses it. Prints seconds (without what comes before: making the plan, imports), peak and size.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

CHANGES = 5_000


def render() -> Callable[[], int]:
    """Everything that a bundle holds of a plan; gives the bytes of the comment."""
    from deployer.report.document import dumps
    from deployer.report.plan_document import plan_document
    from deployer.report.plan_markdown import plan_markdown, plan_summary
    from deployer.report.plan_text import plan_lines
    from tests.support import plans

    view = plans.huge(CHANGES)

    def work() -> int:
        for text in ("\n".join(plan_lines(view)), "\n".join(plan_lines(view, diff=True)), plan_summary(view)):
            assert text
        assert dumps(plan_document(view))
        return len(plan_markdown(view).encode())

    return work


def dump() -> Callable[[], int]:
    """The plain JSON of the document; gives its bytes."""
    from deployer.report.plan_document import plan_document
    from tests.support import plans

    document = plan_document(plans.huge(CHANGES))
    return lambda: len(json.dumps(document, indent=2, ensure_ascii=False).encode())


def read() -> Callable[[], int]:
    """From Terraform's JSON to changes; gives their number."""
    from deployer.adapters.terraform.plan import planned_changes

    text = _terraform_plan()
    return lambda: len(planned_changes(json.loads(text)))


def load() -> Callable[[], int]:
    """Terraform's JSON alone."""
    text = _terraform_plan()
    return lambda: len(json.loads(text)["resource_changes"])


def _terraform_plan() -> str:
    """A third created, a third updated, a third deleted, with attributes as rulesets have them."""
    from tests.support import plans

    def resource(n: int) -> dict[str, Any]:
        rules = [{"expression": f"http.host eq {k}", "enabled": True, "action": {"block": k}} for k in range(5)]
        now = plans.values(f"host-{n}", comment="x" * 50, rules=rules)
        return plans.record(f"r{n}", now if n % 3 else None, {**now, "ttl": n + 2} if n % 3 < 2 else None)

    return json.dumps({"resource_changes": [resource(n) for n in range(CHANGES)]})


def main() -> int:
    """Take the sample that is asked for."""
    work = {"render": render, "dump": dump, "read": read, "load": load}[sys.argv[1]]()
    start = time.perf_counter()
    size = work()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "size": size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
