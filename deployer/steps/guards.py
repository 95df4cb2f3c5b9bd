"""What is looked at before anything is changed: mistakes and guard rails that would otherwise stop a run half-way."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from deployer.adapters.cloudflare import CloudflareApi, custom_domain
from deployer.adapters.state import Bucket
from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import GuardRefused
from deployer.steps.application import Application
from deployer.steps.holdings import Holdings
from deployer.steps.state_file import StateFile
from deployer.steps.state_object import StateObject

# How Terraform calls what is looked for in states.
BUCKET = "cloudflare_r2_bucket"
_DOMAIN = "cloudflare_workers_custom_domain"


@dataclass(frozen=True, kw_only=True)
class _Guard(BaseStep[None]):
    """A step that only looks."""

    def diff(self, context: Context, facts: None) -> Sequence[Change]:
        """Looking changes nothing."""
        return ()


@dataclass(frozen=True, kw_only=True)
class DeployGuards(_Guard):
    """The application is where the inventory says, and no other Worker serves the host."""

    application: Application
    holdings: Holdings
    cloudflare: CloudflareApi
    worker: str
    # None for an environment without a host of its own.
    host: str | None
    place: str

    def observe(self, context: Context) -> None:
        """Look at both."""
        self.application.require()
        if self.host is not None:
            self._require_host(self.host)

    def _require_host(self, host: str) -> None:
        """Attaching a host moves it, without a word, away from the Worker to which it leads."""
        found = custom_domain(self.cloudflare, host)
        if found is None or found.service == self.worker or found.id in self.holdings.values(_DOMAIN, "id"):
            return
        raise GuardRefused(
            f"the host {host} leads to another Worker, `{found.service}`, and no deploy from here attached it",
            place=self.place,
            hint=f"choose another `host`; or, if the site may go, take {host} off `{found.service}` in the dashboard "
            "(Workers, Settings, Domains & Routes), then run the same command again",
        )


@dataclass(frozen=True, kw_only=True)
class DestroyGuards(_Guard):
    """No state would be orphaned, and no object deleted that the inventory protects."""

    holdings: Holdings
    # All stacks that the inventory names, whether they are removed or kept.
    stacks: Collection[str]
    # Every stack that this checkout could remove.
    known_stacks: Collection[str]
    bucket: Callable[[str], Bucket]
    # The inventory's guard `empty_buckets_on_destroy`.
    may_empty: bool
    place: str
    # The states of those stacks.
    states: Sequence[StateFile] = ()

    def observe(self, context: Context) -> None:
        """Look at the states, and at the objects if they may not go."""
        for state in self.states:
            if not state.exists():
                state.require_not_lost()
        for stack in sorted(self.holdings.states().keys() - set(self.stacks)):
            count = len(self.holdings.resources(stack))
            if count:
                self._refuse_orphan(stack, count)
        if not self.may_empty:
            filled = filled_buckets(self.holdings, self.bucket)
            if filled:
                listed = ", ".join(f"`{name}` ({count})" for name, count in sorted(filled.items()))
                raise GuardRefused(
                    f"buckets hold objects, and the inventory does not let destroy delete them: {listed}",
                    place=self.place,
                    hint="empty them yourself, or set guards.empty_buckets_on_destroy = true; nothing was touched",
                )

    def _refuse_orphan(self, stack: str, count: int) -> None:
        hint = f"remove what it holds with the Terraform configuration of stack `{stack}`, then run destroy again"
        if stack in self.known_stacks:
            stacks = json.dumps([*self.stacks, stack], separators=(",", ":"))
            hint = f"name it in `stacks`, so that it is looked after as well: --set 'stacks={stacks}'"
        raise holding(self.holdings.states()[stack], count, hint)


def holding(state: StateObject, count: int, hint: str) -> GuardRefused:
    """The error for a state that is needed as long as it holds something."""
    things = "a resource" if count == 1 else f"{count} resources"
    return GuardRefused(f"a Terraform state still holds {things} and is not thrown away", place=state.place, hint=hint)


def filled_buckets(holdings: Holdings, bucket: Callable[[str], Bucket]) -> Mapping[str, int]:
    """How many objects each bucket holds that a deploy has made; those that hold none are left out."""
    names = sorted(holdings.values(BUCKET, "name"))
    counts = {name: sum(1 for _ in bucket(name).list_keys()) for name in names}
    return {name: count for name, count in counts.items() if count}
