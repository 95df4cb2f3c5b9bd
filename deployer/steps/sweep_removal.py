"""Removes what is left of an ephemeral environment once a destroy has had its turn, thing by thing by its listing.

There is no state that knows of these things: they are found by name, looked at once more, and deleted by what the
provider calls them. One that refuses does not keep the others; what tells of them goes last, and only after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deployer.adapters.cloudflare import CloudflareApi
from deployer.adapters.convex import ConvexManagement
from deployer.adapters.state import Bucket
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import DeployError, GuardRefused, Interrupted, Unswept
from deployer.steps.sweep import Kind, Thing

_PATHS: Final = {
    Kind.HOST: "{account}/workers/domains",
    Kind.NAMESPACE: "{account}/storage/kv/namespaces",
    Kind.BUCKET: "{account}/r2/buckets",
    Kind.ALERT: "{account}/alerting/v3/policies",
    Kind.RECORD: "{zone}/dns_records",
    Kind.ROUTE: "{zone}/workers/routes",
}


@dataclass(frozen=True, kw_only=True)
class Removers:
    """How things are looked at and removed."""

    cloudflare: CloudflareApi
    zone_id: Callable[[], str]
    bucket: Callable[[str], Bucket]
    state_bucket: Bucket
    # None where nobody may ask Convex.
    previews: ConvexManagement | None
    # Whether objects in a bucket may go with it.
    may_empty: bool

    def is_there(self, thing: Thing) -> bool:
        """Whether it is still there."""
        if thing.kind is Kind.WORKER:
            return self.cloudflare.worker_exists(thing.id)
        if thing.kind is Kind.PREVIEW:
            assert self.previews is not None
            return any(each.name == thing.id for each in self.previews.previews())
        if thing.kind in (Kind.STATE, Kind.OBJECT):
            return next(iter(self.state_bucket.list_keys(thing.id)), None) is not None
        return self.cloudflare.get(self._path(thing)) is not None

    def remove(self, thing: Thing) -> None:
        """Remove it; one that is gone already is no error."""
        if thing.kind is Kind.WORKER:
            self.cloudflare.delete_worker(thing.id)
        elif thing.kind is Kind.PREVIEW:
            assert self.previews is not None
            for preview in self.previews.previews():
                if preview.name == thing.id:
                    self.previews.delete(preview)
        elif thing.kind is Kind.OBJECT:
            self.state_bucket.delete(list(self.state_bucket.list_keys(thing.id)))
        elif thing.kind is Kind.STATE:
            raise GuardRefused(
                "a state is not deleted, it says what there is to remove",
                place=self.state_bucket.place(thing.id),
                hint="`inv destroy` of the environment removes what it holds, and then the state",
            )
        else:
            if thing.kind is Kind.BUCKET:
                self._empty(thing)
            self.cloudflare.delete(self._path(thing))

    def _empty(self, thing: Thing) -> None:
        bucket = self.bucket(thing.name)
        keys = list(bucket.list_keys())
        if keys and not self.may_empty:
            raise GuardRefused(
                f"it holds {len(keys)} object{'s' if len(keys) > 1 else ''}, and they may not go",
                place=bucket.place(),
                hint="guards.empty_buckets_on_destroy of the kind is false; empty it by hand, then sweep again",
            )
        bucket.delete(keys)

    def _path(self, thing: Thing) -> str:
        path = _PATHS[thing.kind]
        zone = f"/zones/{self.zone_id()}" if path.startswith("{zone}") else ""
        return f"{path.format(account=f'/accounts/{self.cloudflare.account}', zone=zone)}/{thing.id}"


@dataclass(frozen=True, kw_only=True)
class LeftoversRemoved(BaseStep[Sequence[Thing]]):
    """None of the things that a sweep has found is there any more."""

    things: Sequence[Thing]
    removers: Removers
    # What could not be removed and why, for who reports.
    failures: dict[Thing, DeployError] = field(default_factory=dict, compare=False)

    def observe(self, context: Context) -> Sequence[Thing]:
        """Those that the steps before have not removed. One that cannot be asked about is taken to be there."""
        return [thing for thing in self.things if self._may_be_there(thing)]

    def _may_be_there(self, thing: Thing) -> bool:
        try:
            return self.removers.is_there(thing)
        except Interrupted:
            raise
        except DeployError:
            return True

    def diff(self, context: Context, facts: Sequence[Thing]) -> Sequence[Change]:
        """One change for each."""
        return tuple(
            Change(action=Action.DELETE, address=f"{thing.kind}:{thing.name}", summary="left over") for thing in facts
        )

    def apply(self, context: Context, facts: Sequence[Thing], changes: Sequence[Change]) -> Mapping[str, object]:
        """Remove all that can be; objects that tell of the others only if those are gone."""
        for thing in facts:
            if thing.kind is Kind.OBJECT and self.failures:
                continue
            context.say(f"removing {thing.kind} {thing.name}")
            try:
                self.removers.remove(thing)
            except Interrupted:
                raise
            except DeployError as error:
                self.failures[thing] = error
        if self.failures:
            raise unswept(self.failures)
        return {}


def unswept(failures: Mapping[Thing, DeployError]) -> Unswept:
    """One error for all that could not be removed."""
    count = len(failures)
    return Unswept(
        f"{count} thing{'s' if count > 1 else ''} could not be removed",
        place=next(iter(failures)).environment,
        details=[f"{thing.kind} `{thing.name}`: {error.message}" for thing, error in failures.items()],
        hint="run the same command again once what is said above is mended; it goes on from here",
    )
