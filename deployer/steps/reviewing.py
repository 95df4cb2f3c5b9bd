"""What a review adds to a Terraform stack: a plan that is kept to be reviewed, or one that was and is applied.

A deploy reviews nothing: it plans and applies in one run. `inv plan` keeps what it has planned (`PlanKept`);
`inv apply` hands out what was reviewed and refuses everything else (`PlanGiven`).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deployer.adapters.terraform import Plan, PlannedChange, Reading, Stack, meaning_of
from deployer.adapters.terraform.plan import word_of
from deployer.errors import PlanChanged, PlanUnusable


@dataclass(frozen=True, kw_only=True)
class StateStamp:
    """Which version of a state this is: its serial counts the writes, its lineage tells states apart."""

    serial: int
    lineage: str


# What of Terraform's own description decides what is done.
_SHOWN: Final = ("resource_changes", "output_changes")


class Reviewing:
    """A run without a review."""

    # Whether it matters which version of its state a plan is made from, and rules are held against the plan as a whole.
    stamped: bool = False
    judged: bool = False

    def saved(self, name: str, stamp: StateStamp | None) -> Plan | None:
        """The reviewed plan of a stack, if its state (`stamp`) is still the one that it was made from."""
        return None

    def keep(self, name: str, stack: Stack, kept: Kept) -> None:
        """Take note of what was planned."""

    def reviewed(self, name: str) -> Mapping[str, PlannedChange]:
        """The reviewed changes of a stack by address."""
        return {}

    def accept(self, name: str, plan: Plan, reading: Reading, *, adopted: Collection[str]) -> None:
        """Refuse a plan that was made while applying and does what nobody has reviewed."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What was planned for one stack. A plan that needs an adoption first, or has no backend, cannot be saved."""

    plan: Plan
    stamp: StateStamp | None
    saved: bool
    # How many resources stay as they are.
    unchanged: int = 0


@dataclass(frozen=True)
class PlanKept(Reviewing):
    """Keeps the plans of all stacks for a bundle."""

    stamped = True
    judged = True
    # Whether Terraform's own description is wanted where nothing changes, too: a bundle has it, and it costs a process.
    whole: bool = True
    stacks: dict[str, Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def keep(self, name: str, stack: Stack, kept: Kept) -> None:
        """Take note of the plan, and of what stays as it is."""
        plan, state = kept.plan, None if self.whole or not kept.plan.empty else stack.prior_state(kept.plan)
        if state is None:
            plan = stack.read_details(plan)
        unchanged = _managed(state) if state is not None else _kept_as_they_are(plan.shown)
        with self._lock:
            self.stacks[name] = replace(kept, plan=plan, unchanged=unchanged)


def _managed(state: Mapping[str, Any]) -> int:
    return sum(len(found["instances"]) for found in state["resources"] if found["mode"] == "managed")


def _kept_as_they_are(shown: Mapping[str, Any]) -> int:
    return sum(
        found["change"]["actions"] == ["no-op"] and found.get("mode") != "data" and word_of(found) is None
        for found in shown.get("resource_changes", ())
    )


@dataclass(frozen=True)
class PlanGiven(Reviewing):
    """Hands out the plans of a bundle. A stack whose state has moved is planned afresh.

    The same object serves the look before an apply and the apply: what was planned afresh and found to mean the same is
    what is applied.
    """

    stamped = True
    judged = True
    stacks: Mapping[str, Kept]
    # Plan afresh in any case: what counts is that it means the same.
    replan: bool
    again: str
    _fresh: dict[str, Kept] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def saved(self, name: str, stamp: StateStamp | None) -> Plan | None:
        """The plan of the bundle, or one that was made afresh, for the state that it was made from."""
        given = None if self.replan else self.stacks.get(name)
        for kept in (given, self._fresh.get(name)):
            if kept is not None and kept.saved and kept.stamp == stamp:
                return kept.plan
        return None

    def keep(self, name: str, stack: Stack, kept: Kept) -> None:
        """A plan that was made afresh is the one that is applied, if it passes; a saved one must be what was shown."""
        given = self.stacks.get(name)
        if given is not None and kept.plan is given.plan and name not in self._fresh and not given.plan.empty:
            saved = stack.read_details(replace(kept.plan, shown={})).shown
            if any(saved.get(part) != kept.plan.shown.get(part) for part in _SHOWN):
                raise PlanUnusable(
                    "the plan that Terraform saved is not the one that is shown",
                    place=f"stack `{name}`",
                    hint=f"plan again: `{self.again}`",
                )
        with self._lock:
            self._fresh[name] = kept

    def reviewed(self, name: str) -> Mapping[str, PlannedChange]:
        """The reviewed changes of a stack by address."""
        kept = self.stacks.get(name)
        return {change.address: change for change in kept.plan.changes} if kept else {}

    def accept(self, name: str, plan: Plan, reading: Reading, *, adopted: Collection[str]) -> None:
        """Each change must be a reviewed one, or bring up to date what has just been taken into the state."""
        reviewed = self.reviewed(name)
        for change in plan.changes:
            known = reviewed.get(change.address)
            if known is not None:
                if change.word == "update" and change.address in adopted:
                    continue
                if meaning_of(change, reading, reviewed=known) == meaning_of(known, reading):
                    continue
            raise PlanChanged(
                f"after part of the plan was applied, what is left would {change.word} {change.address} otherwise than "
                "was reviewed",
                place=f"stack `{name}`",
                hint=f"plan what is left, and have it reviewed: `{self.again}`",
            )
