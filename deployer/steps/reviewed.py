"""Applying what was reviewed: one step that compares the bundle with the world, and a wrapper around every other step.

Whatever differs is found before anything is touched, and said all at once. The wrapper refuses, step by step, changes
that nobody has reviewed, so that there is no way around the review.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context, Step
from deployer.errors import PlanChanged, PlanUnusable
from deployer.review.compare import Difference, Snapshot, differences, unlike
from deployer.review.manifest import Manifest, StackState
from deployer.steps.reviewing import StateStamp
from deployer.steps.secrets import VALUE, Secrets
from deployer.steps.snapshot import SNAPSHOT
from deployer.words import moment

VERIFIED: Final = "reviewed plan"
# Clocks of two machines may differ by this much.
SKEW: Final = dt.timedelta(minutes=5)
# What a fresh plan with the same meaning makes up for.
_MADE_UP_FOR: Final = frozenset({"commit", "tool", "lock-file", "input", "state", "live"})
# What a run of this very bundle, cut off, has moved itself.
_MOVED_BY_US: Final = frozenset({"state", "live"})


@dataclass(frozen=True, kw_only=True)
class PlanVerified(BaseStep[None]):
    """The bundle is whole, is for here and now, and may be applied; raises whatever speaks against it."""

    manifest: Manifest
    # Plan afresh and compare meanings.
    replan: bool
    # Whether a run of this bundle was cut off, so that part of it is done; raises if one came to its end.
    begun: Callable[[], bool]
    # The states as they are now, and who wrote one last and when, as far as it is known.
    stamps: Mapping[str, Callable[[], StateStamp | None]]
    writer: Callable[[str], str]
    # What a run of this bundle that failed has said of states and Worker: since then nobody may have touched them.
    left: Callable[[], Mapping[str, Any]]
    # Policy, protection, freezes, approvals: each raises its own error.
    permits: Sequence[Callable[[], None]]
    now: Callable[[], dt.datetime]
    again: str

    def observe(self, context: Context) -> None:
        """Look at everything, then say it."""
        secrets: Secrets = context.value(VALUE)
        broken = self.manifest.broken_seals(secrets.fingerprint)
        if broken:
            whole = len(broken) == len(self.manifest.seals)
            what = "all of it: another project.fingerprint_key" if whole else ", ".join(broken)
            raise PlanUnusable(
                f"the plan's manifest was edited after it was made, or sealed with another key: {what}",
                place=f"plan `{self.manifest.id}`",
                hint=f"plan again: `{self.again}`",
            )
        begun = self.begun()
        snapshot: Snapshot = context.value(SNAPSHOT)
        found = [*untimely(self.manifest, self.now()), *differences(self.manifest, snapshot), *self._moved()]
        excused = (_MADE_UP_FOR if self.replan else frozenset()) | (_MOVED_BY_US if begun else frozenset())
        found += self._touched(snapshot)
        refuse(self.manifest, [each for each in found if each.kind not in excused], again=self.again)
        for permit in self.permits:
            permit()
        if begun:
            context.say("a run of this plan was cut off; what is left of it is applied")

    def _moved(self) -> Iterator[Difference]:
        for stack, planned in self.manifest.stacks.items():
            now = self.stamps[stack]()
            if (now.serial if now else None, now.lineage if now else None) != (planned.serial, planned.lineage):
                yield Difference(
                    "state", f"the state of stack {stack} has moved: {_moved(planned, now)}{self.writer(stack)}"
                )

    def _touched(self, snapshot: Snapshot) -> Iterator[Difference]:
        """What somebody has changed since a run of this plan failed."""
        left = self.left()
        for stack, recorded in (left.get("terraform") or {}).items():
            now = self.stamps[stack]() if stack in self.stamps else None
            found = {"serial": now.serial, "lineage": now.lineage} if now else None
            if stack in self.stamps and recorded != found and "unknown" not in (recorded or {}):
                yield Difference("touched", f"the state of stack {stack} was written since a run of this plan failed")
        version = (left.get("worker") or {}).get("version")
        if version is not None and version not in snapshot.live.values():
            yield Difference("touched", "another Worker version was deployed since a run of this plan failed")

    def diff(self, context: Context, facts: None) -> Sequence[Change]:
        """Looking changes nothing."""
        return ()


def _moved(planned: StackState, now: StateStamp | None) -> str:
    if now is None:
        return "it is gone"
    if planned.serial is None:
        return f"there was none, now serial {now.serial}"
    if planned.lineage != now.lineage:
        return f"it is another one, lineage {planned.lineage} then, {now.lineage} now"
    return f"serial {planned.serial} when planned, now {now.serial}"


def untimely(manifest: Manifest, now: dt.datetime) -> Iterator[Difference]:
    """What says that the bundle's time is over, or yet to come."""
    if now >= manifest.expires:
        yield Difference("expired", f"it expired at {moment(manifest.expires)}")
    if manifest.dirty and manifest.needed:
        # Whoever approves must know what is approved, the rules and the list of approvers included.
        yield Difference("dirty", "it was made with uncommitted changes, and it has to be approved: commit, then plan")
    if now + SKEW < manifest.created:
        yield Difference("clock", f"it was made at {moment(manifest.created)}, which is yet to come: a clock is wrong")


def refuse(manifest: Manifest, found: Iterable[Difference], *, again: str) -> None:
    """One error for all differences; none, and nothing happens."""
    differing = list(found)
    lines = [each.text for each in differing]
    if lines:
        things = "one thing speaks" if len(lines) == 1 else f"{len(lines)} things speak"
        hint = f"plan again, and have that reviewed: `{again}`"
        if {each.kind for each in differing} <= _MADE_UP_FOR:
            hint += "; `inv apply` with `--replan` goes on if a fresh plan means the same"
        raise PlanChanged(
            f"{things} against this plan",
            place=f"plan `{manifest.id}`",
            details=lines,
            hint=hint,
        )


@dataclass(frozen=True, kw_only=True)
class Reviewed(BaseStep[Any]):
    """Another step, whose changes must be the reviewed ones."""

    inner: Step[Any]
    reviewed: tuple[Change, ...]
    # Whether nothing of the reviewed changes may be missing: part of them may have been done before.
    all_of_them: Callable[[], bool]
    plan: str
    again: str

    def observe(self, context: Context) -> Any:
        """Observe as the step itself does."""
        return self.inner.observe(context)

    def diff(self, context: Context, facts: Any) -> Sequence[Change]:
        """The step's changes, if they were reviewed."""
        changes = tuple(self.inner.diff(context, facts))
        found = [each.text for each in unlike(self.reviewed, changes, all_of_them=self.all_of_them())]
        if found:
            raise PlanChanged(
                f"`{self.name}` is not what was reviewed; it has changed nothing",
                place=f"plan `{self.plan}`",
                details=found,
                hint=f"plan again, and have that reviewed: `{self.again}`",
            )
        return changes

    def known(self, facts: Any, changes: Sequence[Change]) -> Mapping[str, object]:
        """What the step knows."""
        return self.inner.known(facts, changes)

    def apply(self, context: Context, facts: Any, changes: Sequence[Change]) -> Mapping[str, object]:
        """What the step does."""
        return self.inner.apply(context, facts, changes)
