"""What differs between a plan bundle and the world in which it is to be applied, and between two lists of changes.

Pure. Every difference is found before any is reported: whoever meets three of them should not run three times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deployer.engine.change import Change
from deployer.review.manifest import Manifest, Project

_SHOWN: Final = 12
# Sections of the inventory by which a plan is judged: no fresh plan makes up for other ones.
_RULES: Final = frozenset({"approvals", "guards", "policy", "freezes", "plan", "project"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was planned. `kind` is a word for machines, `text` says what and how."""

    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a plan depends on, as it is now: the parts of a manifest that are compared with it."""

    project: Project
    environment: str
    target: str
    commit: str | None
    dirty: bool
    tools: Mapping[str, str]
    locks: Mapping[str, str]
    inputs: Mapping[str, str]
    live: Mapping[str, str | None]
    secrets: Mapping[str, str] = field(repr=False)


def differences(manifest: Manifest, now: Snapshot) -> Iterator[Difference]:
    """Everything that is not as it was when the plan was made; states and approvals are looked at elsewhere."""
    yield from misplaced(manifest, now.project, environment=now.environment, target=now.target)
    if manifest.commit != now.commit:
        yield Difference("commit", f"it was made from commit {short(manifest.commit)}, here is {short(now.commit)}")
    elif manifest.dirty != now.dirty:
        how = "with uncommitted changes" if manifest.dirty else "without uncommitted changes"
        yield Difference("commit", f"it was made {how} over commit {short(manifest.commit)}; here it is otherwise")
    yield from _table("tool", "version of", manifest.tools, now.tools)
    yield from _table("lock-file", "lock file", manifest.locks, now.locks)
    yield from _table("input", "input", manifest.inputs, now.inputs)
    for name in sorted({*manifest.secrets, *now.secrets}):
        if manifest.secrets.get(name) != now.secrets.get(name):
            yield Difference("secret", f"secret {name} has another value than when the plan was made")
    for name in sorted({*manifest.live, *now.live}):
        planned, present = manifest.live.get(name), now.live.get(name)
        if planned != present:
            yield Difference("live", f"another {name} is live: {short(planned)} when planned, now {short(present)}")


def _is_rule(name: str) -> bool:
    """Whether an input decides what may be done with a plan, and not only what it does."""
    return name.removeprefix("inventory.") in _RULES and name.startswith("inventory.")


def misplaced(manifest: Manifest, project: Project, *, environment: str, target: str) -> Iterator[Difference]:
    """What says that the plan is for another infrastructure, environment or target."""
    for name in Project.model_fields:
        planned, present = getattr(manifest.project, name), getattr(project, name)
        if planned != present:
            yield Difference("project", f"it is for another project: {name} {planned}, here {present}")
    if manifest.environment != environment:
        yield Difference("environment", f"it is for environment `{manifest.environment}`, not `{environment}`")
    if manifest.target != target:
        flag = "without `--sandbox`" if target == "sandbox" else "with `--sandbox`"
        yield Difference("target", f"it is for target {manifest.target}, not {target}: run it {flag}")


def _table(
    kind: str, word: str, planned: Mapping[str, str | None], now: Mapping[str, str | None]
) -> Iterator[Difference]:
    for name in sorted({*planned, *now}):
        if planned.get(name) != now.get(name):
            values = f"planned {short(planned.get(name))}, now {short(now.get(name))}"
            yield Difference("rules" if _is_rule(name) else kind, f"{word} {name}: {values}")


def unlike(reviewed: Sequence[Change], fresh: Sequence[Change], *, all_of_them: bool) -> Iterator[Difference]:
    """How the changes of one step differ from the reviewed ones; what stays on this machine is nobody's business.

    With `all_of_them` the two must be the same; otherwise part of the reviewed ones may have been done already.
    """
    known = {change.address: change for change in reviewed if not change.local}
    present = {change.address: change for change in fresh if not change.local}
    for address, change in present.items():
        before = known.get(address)
        if before is None:
            yield Difference("change", f"would {change.action} {address}, which nobody has reviewed")
        elif before.meaning != change.meaning:
            yield Difference("change", f"would {change.action} {address} to something else than was reviewed")
        elif all_of_them and before.over != change.over:
            yield Difference("change", f"would {change.action} {address} over something else than was reviewed")
    if all_of_them:
        for address, change in known.items():
            if address not in present and change.certain:
                yield Difference("change", f"would no longer {change.action} {address}")


def short(value: str | None) -> str:
    """A digest or a commit as people compare them; versions stay whole."""
    if value is None:
        return "none"
    return value[:_SHOWN] if len(value) >= 32 else value
