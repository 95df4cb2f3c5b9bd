"""Help texts of flags that several tasks share, so that one flag reads the same everywhere."""

from __future__ import annotations

from typing import Final

ENV: Final = "environment: a name or alias from environments.toml, or pr-<number>"
SANDBOX: Final = "act on the embedded sandbox on this machine; it is started when needed"
SET: Final = "change one value for this run, e.g. worker.logs.enabled=false; may be repeated"

RUN: Final = {
    "env": ENV,
    "sandbox": SANDBOX,
    "check": "only say what would change; nothing is written anywhere",
    "diff": "show the changes in detail",
    "tags": "run only steps with one of these tags, e.g. terraform,worker",
    "skip_tags": "leave out steps with one of these tags",
    "list_steps": "list the steps with their tags and needs, then stop",
    "set": SET,
    "timeout": "end the run after this long, e.g. 90, 10m, 1h",
    "detailed_exitcode": "with --check: exit 10 when something would change",
}
