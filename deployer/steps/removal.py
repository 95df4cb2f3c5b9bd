"""Removes what deploy made, thing by thing; each step finds out what is still there and is done when nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployer.adapters.cloudflare import CloudflareApi
from deployer.adapters.state import Bucket
from deployer.adapters.terraform import Plan, Stack
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import GuardRefused, StepFailed
from deployer.steps.terraform import StateFile, plan_changes

# How Terraform addresses a Worker.
_WORKER = ".cloudflare_worker."


@dataclass(frozen=True, kw_only=True)
class StackRemoved(BaseStep[Plan | None]):
    """Terraform's destroy, planned while observing. Where there is no state, nothing was made."""

    stack: Callable[[], Stack]
    state: StateFile
    stack_name: str
    recover: Callable[[], None]

    def observe(self, context: Context) -> Plan | None:
        """Plan the destroy."""
        if not context.check:
            self.recover()
        if not self.state.exists():
            return None
        return self.stack().plan(destroy=True, details=context.check)

    def diff(self, context: Context, facts: Plan | None) -> Sequence[Change]:
        """One change per resource that is still there; outputs go with the state."""
        return plan_changes(facts, self.stack_name) if facts is not None and facts.changes else ()

    def known(self, facts: Plan | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """What goes is what the plan says."""
        return {f"{self.stack_name}.removed": [change.address for change in changes]}

    def apply(self, context: Context, facts: Plan | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """Carry out the plan that was shown."""
        assert facts is not None
        self.state.keep_copy()
        stack = self.stack()
        self.state.unlocking(lambda: stack.apply(facts), context)
        return self.known(facts, changes)


@dataclass(frozen=True, kw_only=True)
class WorkerRemoved(BaseStep[bool]):
    """A Worker that Terraform does not know of: one whose state was lost, or that a killed deploy left behind."""

    cloudflare: CloudflareApi
    worker: str
    # Addresses that Terraform removes before this step's turn.
    removed: tuple[str, ...]

    def observe(self, context: Context) -> bool:
        """Whether it is there, and nobody has removed it by then."""
        planned = [address for name in self.removed for address in context.value(name)]
        if context.check and any(_WORKER in address for address in planned):
            return False
        return self.cloudflare.worker_exists(self.worker)

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


@dataclass(frozen=True, kw_only=True)
class BucketsEmptied(BaseStep[Mapping[str, int]]):
    """Objects in the application's buckets: Cloudflare refuses to delete a bucket that holds some."""

    buckets: Sequence[Bucket]
    # The inventory's guard `empty_buckets_on_destroy`.
    allowed: bool
    place: str

    def observe(self, context: Context) -> Mapping[str, int]:
        """How many objects each bucket holds."""
        counts = {bucket.name: sum(1 for _ in bucket.list_keys()) for bucket in self.buckets}
        filled = {name: count for name, count in counts.items() if count}
        if filled and not self.allowed:
            listed = ", ".join(f"`{name}` ({count})" for name, count in filled.items())
            raise GuardRefused(
                f"buckets hold objects, and the inventory does not let destroy delete them: {listed}",
                place=self.place,
                hint="empty them yourself, or set guards.empty_buckets_on_destroy = true",
            )
        return filled

    def diff(self, context: Context, facts: Mapping[str, int]) -> Sequence[Change]:
        """One change per bucket that holds something."""
        return tuple(
            Change(action=Action.DELETE, address=f"r2:{name}/*", summary=f"{count} object{'s' if count > 1 else ''}")
            for name, count in sorted(facts.items())
        )

    def apply(self, context: Context, facts: Mapping[str, int], changes: Sequence[Change]) -> Mapping[str, object]:
        """Delete the objects."""
        for bucket in self.buckets:
            if bucket.name in facts:
                bucket.delete(list(bucket.list_keys()))
        return {}


@dataclass(frozen=True, kw_only=True)
class StateRemoved(BaseStep[Sequence[str]]):
    """The environment's objects in the state bucket, once its states are empty. The bucket is shared and stays."""

    bucket: Bucket
    environment: str
    state_keys: Sequence[str]
    # A protected environment keeps the copies of its states.
    keep_backups: bool

    def observe(self, context: Context) -> Sequence[str]:
        """Keys of what is there."""
        prefixes = [f"terraform/{self.environment}/", f"releases/{self.environment}/"]
        if not self.keep_backups:
            prefixes.append(f"backups/terraform/{self.environment}/")
        return [key for prefix in prefixes for key in self.bucket.list_keys(prefix)]

    def diff(self, context: Context, facts: Sequence[str]) -> Sequence[Change]:
        """One change for all of them: how many there are depends on what is removed before."""
        if not facts:
            return ()
        address = f"r2:{self.bucket.name}/{self.environment}"
        return (Change(action=Action.DELETE, address=address, summary="states, their copies, release record"),)

    def apply(self, context: Context, facts: Sequence[str], changes: Sequence[Change]) -> Mapping[str, object]:
        """Delete them, if no state holds a resource any more."""
        for key in self.state_keys:
            found = self.bucket.get(key)
            if found is not None and json.loads(found.body).get("resources"):
                raise StepFailed(
                    "a Terraform state still holds resources and is not thrown away",
                    place=f"bucket `{self.bucket.name}`, `{key}`",
                    hint="run the same command again; it removes what is left first",
                )
        self.bucket.delete(list(self.observe(context)))
        return {}
