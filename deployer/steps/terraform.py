"""One Terraform stack: planned while observing, applied exactly as planned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from deployer.adapters.terraform import Plan, PlannedChange, Reading, Stack, meaning_of, outputs_meaning
from deployer.adapters.terraform.plan import LEFT_STANDING, UnknownOutput
from deployer.engine.change import Action, Change, Unknown
from deployer.engine.step import BaseStep, Context
from deployer.errors import ServiceFailed, ServiceUnreachable, ToolFailed
from deployer.steps.adoption import Adoption
from deployer.steps.ahead import Ahead, HeadStart
from deployer.steps.reviewing import Kept, Reviewing, StateStamp
from deployer.steps.secrets import VALUE, Secrets
from deployer.steps.state_file import StateFile

_REASONS = {
    "cannot_update": "replaced, it cannot be updated",
    "replace_because_cannot_update": "replaced, it cannot be updated",
    LEFT_STANDING: "replaced, the old one stays and leaves the state",
}
_ADOPTED = " (made by a deploy that was cut off, taken into the state)"


@dataclass(frozen=True)
class StackFacts:
    """The plan, and what exists already because an apply was cut off: address to import id."""

    plan: Plan
    adopted: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TerraformStack(BaseStep[StackFacts]):
    """A stack as the inventory wishes it; provides `<stack>.outputs`."""

    stack: Callable[[], Stack]
    state: StateFile
    stack_name: str
    adoption: Adoption
    # Ends, once per run, what a killed run has left running.
    recover: Callable[[], None]
    # This stack's plan, begun by the apply of an earlier stack; and those that this one's apply begins.
    ahead: Ahead
    begins: tuple[Ahead, ...] = ()
    # This stack's plan, begun before the run.
    head_start: HeadStart | None = None
    review: Reviewing = field(default_factory=Reviewing)
    # Raises if a rule of the inventory forbids these changes.
    permit: Callable[[str, Plan, Sequence[Change]], None] = lambda _stack, _plan, _changes: None
    # Whether a difference in this attribute of a change is noise.
    tolerated: Callable[[str, str], bool] = lambda _address, _path: False

    def observe(self, context: Context) -> StackFacts:
        """Plan it. Where there is no bucket yet, check mode predicts against an empty state."""
        if not context.check:
            self.recover()
        stack = self.stack()
        begun = self._begun(stack)
        if self.state.bucket.exists():
            plan, stamp = begun or self._plan(stack)
            if plan.changes and all(change.word == "create" or change.imports for change in plan.changes):
                self.state.require_not_lost()
        elif context.check:
            plan, stamp = stack.plan(with_backend=False, details=True), None
        else:
            raise ServiceFailed("the bucket of the state does not exist", place=self.state.bucket.place())
        facts = StackFacts(plan, self._adopted(stack, plan))
        saved = plan.file is not None and not facts.adopted
        self.review.keep(self.stack_name, stack, Kept(plan=plan, stamp=stamp, saved=saved))
        return facts

    def _begun(self, stack: Stack) -> tuple[Plan, StateStamp | None] | None:
        """The plan that was begun before the run. Waited for in any case: it is made in the same folder."""
        plan = self.head_start.take() if self.head_start else None
        if plan is not None:
            self.state.bucket.seen()
        state = stack.prior_state(plan) if plan else None
        if plan is None or state is None:
            return None
        # Which state it was made from it tells itself; a look at the bucket might find a later one.
        stamp = StateStamp(serial=state["serial"], lineage=state["lineage"]) if state["lineage"] else None
        return plan, stamp

    def _plan(self, stack: Stack) -> tuple[Plan, StateStamp | None]:
        # Before planning: should it move meanwhile, the older stamp is the one that is refused later.
        stamp = self.state.stamp() if self.review.stamped else None
        with self.state.blamed():
            plan = self.review.saved(self.stack_name, stamp) or self._planned_ahead() or stack.plan(details=True)
        return plan, stamp

    def _adopted(self, stack: Stack, plan: Plan) -> Mapping[str, str]:
        if not self.adoption.concerns(plan.changes):
            return {}
        return self.adoption.existing(plan.changes)

    def _planned_ahead(self) -> Plan | None:
        plan = self.ahead.take()
        return plan if plan is not None and not self.state.exists() else None

    def diff(self, context: Context, facts: StackFacts) -> Sequence[Change]:
        """One change per resource, in Terraform's words."""
        reading = self._reading(context) if facts.plan.shown else None
        reviewed = self.review.reviewed(self.stack_name)
        changes = plan_changes(facts.plan, self.stack_name, facts.adopted, reading=reading, reviewed=reviewed)
        if changes:
            self.permit(self.stack_name, facts.plan, changes)
        return changes

    def _reading(self, context: Context) -> Reading:
        secrets: Secrets = context.value(VALUE)
        prefix = f"{self.stack_name}:"
        return Reading(
            fingerprint=secrets.fingerprint, tolerated=lambda address, path: self.tolerated(prefix + address, path)
        )

    def known(self, facts: StackFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """The outputs: those of the state if nothing changes, else what the plan says of them."""
        if changes and not facts.plan.outputs:
            return {}
        return {f"{self.stack_name}.outputs": _with_unknowns(facts.plan.outputs, self.name)}

    def apply(self, context: Context, facts: StackFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Apply the plan that was shown; what an earlier apply had made already is taken into the state first."""
        for other in self.begins:
            other.begin()
        stack = self.stack()
        with self.state.copied(context):
            plan = facts.plan
            if facts.adopted:
                plan = self._adopt(stack, facts.adopted, context)
            creating = [change.address for change in plan.changes if change.word == "create"]
            if creating:
                self.adoption.note.write(creating)
            outputs = plan.outputs if plan.empty else self._apply(stack, plan, context)
        if creating or facts.adopted:
            self.adoption.note.clear()
        return {f"{self.stack_name}.outputs": outputs}

    def _apply(self, stack: Stack, plan: Plan, context: Context) -> Mapping[str, Any]:
        """Apply; where an answer was lost, what was made all the same is taken into the state, and the rest follows."""
        try:
            return self.state.unlocking(lambda: stack.apply(plan), context)
        except (ToolFailed, ServiceFailed, ServiceUnreachable):
            rest = stack.plan(details=True)
            if not self.adoption.concerns(rest.changes):
                raise
            # Before the apply none of them existed, so whatever is there now is ours.
            made = self.adoption.existing(rest.changes)
            if not made:
                raise
        rest = self._adopt(stack, made, context)
        return rest.outputs if rest.empty else self.state.unlocking(lambda: stack.apply(rest), context)

    def _adopt(self, stack: Stack, adopted: Mapping[str, str], context: Context) -> Plan:
        for address, identifier in adopted.items():
            context.say(f"taking {address} into the state")
            self.state.unlocking(partial(stack.import_resource, address, identifier), context)
        self.state.keep_copy()
        plan = stack.plan(details=True)
        self.review.accept(self.stack_name, plan, self._reading(context), adopted=adopted)
        return plan


def plan_changes(
    plan: Plan,
    stack_name: str,
    adopted: Collection[str] = (),
    *,
    reading: Reading | None = None,
    reviewed: Mapping[str, PlannedChange] = MappingProxyType({}),
) -> tuple[Change, ...]:
    """A plan as changes; one whose outputs alone would change is one change. With a `reading` they have a meaning."""
    # By address: the two ways in which a plan is read list them in different orders.
    changes = tuple(
        Change(
            action=Action.UPDATE if change.address in adopted else Action(change.word),
            address=f"{stack_name}:{change.address}",
            summary=_summary(change) + (_ADOPTED if change.address in adopted else ""),
            detail=change.detail,
            meaning=meaning_of(change, reading, reviewed=reviewed.get(change.address)) if reading else "",
            forces=change.forces,
        )
        for change in sorted(plan.changes, key=lambda change: change.address)
    )
    if changes or not plan.changed_outputs:
        return changes
    names = ", ".join(sorted(plan.changed_outputs))
    meaning = outputs_meaning(plan.shown, reading) if reading else ""
    address = f"{stack_name}:outputs"
    return (Change(action=Action.UPDATE, address=address, summary=f"outputs {names}", meaning=meaning),)


def _summary(change: PlannedChange) -> str:
    parts = [part for part in change.address.replace('"', "").split(".") if part not in ("module", "data")]
    kind = parts[-2] if len(parts) > 1 else change.address
    words = kind.removeprefix("cloudflare_").replace("_", " ")
    notes = "; ".join(_notes(change))
    return f"{words} ({notes})" if notes else words


def _notes(change: PlannedChange) -> Iterator[str]:
    """What the action does not say: what becomes of the state, and why."""
    also = f", and {change.word}" if change.alters else ""
    if change.moved_from:
        yield f"move from {change.moved_from}{also}"
    if change.imports:
        yield f"import of {change.imports}{also}"
    if change.word == "forget":
        yield "stays, and leaves the state"
    if change.reason in _REASONS:
        yield _REASONS[change.reason]


def _with_unknowns(value: Any, step: str) -> Any:
    if isinstance(value, UnknownOutput):
        return Unknown(step)
    if isinstance(value, Mapping):
        return {key: _with_unknowns(item, step) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_unknowns(item, step) for item in value]
    return value
