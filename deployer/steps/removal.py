"""Removes what deploy made, thing by thing; each step finds out what is still there and is done when nothing is.

Nothing goes because of its name alone: a state, a note or a record has to show that a deploy made it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from deployer.adapters.cloudflare import CloudflareApi, LiveVersion
from deployer.adapters.state import Bucket
from deployer.adapters.terraform import Plan, Stack
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import PlanChanged, StateLocked
from deployer.inventory.state_keys import folder_of
from deployer.steps.adoption import Adoption
from deployer.steps.guards import filled_buckets, holding
from deployer.steps.holdings import Holdings
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.state_copies import FOLDER
from deployer.steps.state_file import StateFile
from deployer.steps.terraform import plan_changes

# How Terraform addresses a Worker.
_WORKER = ".cloudflare_worker."
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RemovalFacts:
    """The planned destroy, and what a cut off deploy has made outside the state: address to import id."""

    plan: Plan
    adopted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StackRemoved(BaseStep[RemovalFacts | None]):
    """Terraform's destroy, planned while observing. Where there is neither state nor note, nothing was made."""

    stack: Callable[[], Stack]
    state: StateFile
    stack_name: str
    adoption: Adoption
    recover: Callable[[], None]

    def observe(self, context: Context) -> RemovalFacts | None:
        """Plan the destroy."""
        if not context.check:
            self.recover()
        noted = self.adoption.note.read()
        if not noted and not self.state.exists():
            self.state.require_not_lost()
            return None
        stack = self.stack()
        with self.state.blamed():
            adopted = self.adoption.ours(stack.plan(details=True).changes) if noted else {}
            return RemovalFacts(stack.plan(destroy=True, details=context.check), adopted)

    def diff(self, context: Context, facts: RemovalFacts | None) -> Sequence[Change]:
        """One change per resource that is still there; outputs go with the state."""
        if facts is None:
            return ()
        adopted = [
            Change(
                action=Action.DELETE,
                address=f"{self.stack_name}:{address}",
                summary="made by a deploy that was cut off",
            )
            for address in facts.adopted
        ]
        planned = plan_changes(facts.plan, self.stack_name) if facts.plan.changes else ()
        return sorted((*planned, *adopted), key=lambda change: change.address)

    def known(self, facts: RemovalFacts | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """What goes is what the plan says."""
        return {f"{self.stack_name}.removed": [change.address for change in changes]}

    def apply(self, context: Context, facts: RemovalFacts | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """Carry out the plan that was shown."""
        assert facts is not None
        with self.state.copied(context):
            self._carry_out(facts, changes, context)
        return self.known(facts, changes)

    def _carry_out(self, facts: RemovalFacts, changes: Sequence[Change], context: Context) -> None:
        stack = self.stack()
        plan = facts.plan
        if facts.adopted:
            for address, identifier in facts.adopted.items():
                context.say(f"taking {address} into the state")
                self.state.unlocking(partial(stack.import_resource, address, identifier), context)
            self.state.keep_copy()
            plan = stack.plan(destroy=True)
            self._check_shown(plan, changes)
        self.state.unlocking(lambda: stack.apply(plan), context)

    def _check_shown(self, plan: Plan, changes: Sequence[Change]) -> None:
        """A plan that was made anew must not remove what nobody has seen."""
        shown = {change.address for change in changes}
        more = [change.address for change in plan_changes(plan, self.stack_name) if change.address not in shown]
        if more and plan.changes:
            raise PlanChanged(
                f"more would be removed than was shown: {', '.join(more)}",
                place=self.stack_name,
                hint="run the same command again, and look at what it lists",
            )


@dataclass(frozen=True, kw_only=True)
class StackKept(BaseStep[bool]):
    """A stack that destroy leaves alone, because others need what it manages."""

    state: StateFile
    stack_name: str
    why: str

    def observe(self, context: Context) -> bool:
        """Whether there is anything to keep."""
        there = self.state.exists()
        if there:
            context.say(self.why)
        return there

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """Nothing is removed."""
        return ()

    def known(self, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        """Nothing goes."""
        return {f"{self.stack_name}.removed": []}


@dataclass(frozen=True, kw_only=True)
class WorkerRemoved(BaseStep[bool]):
    """A Worker of ours that Terraform does not know of: one whose state was lost."""

    cloudflare: CloudflareApi
    worker: str
    record: ReleaseRecord
    # What our Terraform writes on every Worker of this environment.
    marks: frozenset[str]
    # Addresses that Terraform removes before this step's turn.
    removed: tuple[str, ...]

    def observe(self, context: Context) -> bool:
        """Whether it is there, is ours, and nobody has removed it by then."""
        planned = [address for name in self.removed for address in context.value(name)]
        if context.check and any(_WORKER in address for address in planned):
            return False
        if not self.cloudflare.worker_exists(self.worker):
            return False
        ours = self.marks <= self.cloudflare.worker_tags(self.worker) or self._released()
        if not ours:
            context.say(f"`{self.worker}` is left alone: nothing shows that a deploy of this environment made it")
        return ours

    def _released(self) -> bool:
        """Whether what is live was uploaded by a deploy."""
        live = self.cloudflare.live_version(self.worker)
        recorded = self.record.section("worker")
        return live is not None and (live.id == recorded.get("version") or _annotated_by_us(live))

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """One change, if it is."""
        if not facts:
            return ()
        summary = "with its versions and secrets"
        return (Change(action=Action.DELETE, address=f"worker:{self.worker}", summary=summary),)

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        """Remove it."""
        self.cloudflare.delete_worker(self.worker)
        return {}


def _annotated_by_us(live: LiveVersion) -> bool:
    """Whether the version bears a release's digest, as tag and in its message."""
    tag = live.tag or ""
    return bool(_DIGEST.fullmatch(tag)) and (live.message or "").startswith(f"release {tag[:12]},")


@dataclass(frozen=True, kw_only=True)
class BucketsEmptied(BaseStep[Mapping[str, int]]):
    """Objects in the buckets that Terraform is going to delete: Cloudflare refuses to delete one that holds some.

    Whether they may go was asked before anything was touched.
    """

    holdings: Holdings
    bucket: Callable[[str], Bucket]

    def observe(self, context: Context) -> Mapping[str, int]:
        """How many objects each bucket holds."""
        return filled_buckets(self.holdings, self.bucket)

    def diff(self, context: Context, facts: Mapping[str, int]) -> Sequence[Change]:
        """One change per bucket that holds something."""
        return tuple(
            Change(action=Action.DELETE, address=f"r2:{name}/*", summary=f"{count} object{'s' if count > 1 else ''}")
            for name, count in sorted(facts.items())
        )

    def apply(self, context: Context, facts: Mapping[str, int], changes: Sequence[Change]) -> Mapping[str, object]:
        """Delete the objects."""
        for name in facts:
            bucket = self.bucket(name)
            bucket.delete(list(bucket.list_keys()))
        return {}


@dataclass(frozen=True, kw_only=True)
class StateRemoved(BaseStep[Sequence[str]]):
    """The environment's objects in the state bucket, once its states are empty. The bucket is shared and stays."""

    holdings: Holdings
    # Stacks that destroy leaves alone, with everything that belongs to them.
    kept: Collection[str]
    # A protected environment keeps the copies of its states.
    keep_copies: bool

    def observe(self, context: Context) -> Sequence[str]:
        """Keys of what is there."""
        if not context.check:
            self._require_empty()
        environment = self.holdings.environment
        states = [state.key for stack, state in self.holdings.states().items() if stack not in self.kept]
        others = list(self.holdings.bucket.list_keys(f"releases/{environment}/"))
        if not self.keep_copies:
            others += self.holdings.bucket.list_keys(f"{FOLDER}{folder_of(environment)}")
        return [*states, *(key for key in others if not self._belongs_to_kept(key))]

    def diff(self, context: Context, facts: Sequence[str]) -> Sequence[Change]:
        """One change for all of them: how many there are depends on what is removed before."""
        if not facts:
            return ()
        address = f"r2:{self.holdings.bucket.name}/{self.holdings.environment}"
        what = "states, release record; copies stay" if self.keep_copies else "states, their copies, release record"
        return (Change(action=Action.DELETE, address=address, summary=what),)

    def apply(self, context: Context, facts: Sequence[str], changes: Sequence[Change]) -> Mapping[str, object]:
        """Delete what was looked at, if no state holds a resource any more."""
        self._require_empty()
        self.holdings.bucket.delete(list(facts))
        return {}

    def _require_empty(self) -> None:
        locked = self.holdings.locked()
        for stack in sorted(locked.keys() - set(self.kept)):
            raise StateLocked(
                "somebody holds this Terraform state, or has left it locked; it is not thrown away",
                place=locked[stack].place,
                hint="wait, then run the same command again; if nobody holds it: docs/runbooks/state-locked.md",
            )
        for stack, state in self.holdings.states().items():
            count = 0 if stack in self.kept else len(self.holdings.resources(stack))
            if count:
                again = f"{self.holdings.named.command('destroy')} without --tags removes what is left first"
                raise holding(state, count, again)

    def _belongs_to_kept(self, key: str) -> bool:
        environment = self.holdings.environment
        return any(
            key.startswith(f"{FOLDER}{folder_of(environment)}{stack}/")
            or key == f"releases/{environment}/unfinished-{stack}.json"
            for stack in self.kept
        )
