"""What the providers really have of ephemeral environments: listings, and whose each thing is by its name.

A provider that does not answer is told apart from one that has nothing. Nothing is asked per environment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from deployer.adapters.cloudflare import CloudflareApi, listing
from deployer.adapters.cloudflare.listing import Listed
from deployer.adapters.convex import ConvexManagement
from deployer.adapters.state import Bucket
from deployer.errors import DeployError
from deployer.inventory.state_keys import STATES, owner_of
from deployer.steps.state_copies import FOLDER as COPIES
from deployer.steps.sweep import Kind, Thing
from deployer.steps.sweep_names import EphemeralNames, Whose

# Folders in the state bucket that belong to environments, each with what lies before the environment's name.
OBJECTS: Final = (f"{COPIES}{STATES}", "releases/", "heartbeats/")
HEADS: Final = "ledger-heads/"
_LISTERS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Providers:
    """Whom to ask. Without `previews` nobody may ask Convex."""

    names: EphemeralNames
    cloudflare: CloudflareApi
    zone: str
    bucket: Bucket
    previews: ConvexManagement | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found. `unseen` are the listings that could not be had, each with why."""

    things: tuple[Thing, ...]
    # By the ledger: when somebody last worked on an environment.
    worked: dict[str, datetime] = field(default_factory=dict)
    unseen: tuple[tuple[str, DeployError], ...] = ()


def look(providers: Providers) -> Seen:
    """List everything. The state bucket must answer; what else does not is noted."""
    api, names = providers.cloudflare, providers.names
    listings: dict[str, Callable[[], Iterable[Thing]]] = {
        "Workers": lambda: _known(names, Kind.WORKER, listing.workers(api)),
        "custom domains": lambda: _leading(names, Kind.HOST, listing.custom_domains(api)),
        "KV namespaces": lambda: _known(names, Kind.NAMESPACE, listing.namespaces(api)),
        "R2 buckets": lambda: _known(names, Kind.BUCKET, listing.buckets(api)),
        "notification policies": lambda: _known(names, Kind.ALERT, listing.notification_policies(api)),
        "DNS records and routes": lambda: _of_zone(names, api, api.require_zone_id(providers.zone)),
    }
    if providers.previews is not None:
        listings["Convex previews"] = functools.partial(_previews, names, providers.previews)
    things: list[Thing] = []
    unseen: list[tuple[str, DeployError]] = []
    with ThreadPoolExecutor(_LISTERS) as pool:
        kept = pool.submit(lambda: (list(_stored(providers)), _worked(providers)))
        asked = {what: pool.submit(_all, call) for what, call in listings.items()}
        for what, answer in asked.items():
            try:
                things += answer.result()
            except DeployError as error:
                unseen.append((what, error))
        stored, worked = kept.result()
    return Seen(things=(*things, *stored), worked=worked, unseen=tuple(unseen))


def _all(listed: Callable[[], Iterable[Thing]]) -> list[Thing]:
    return list(listed())


def _of_zone(names: EphemeralNames, api: CloudflareApi, zone: str) -> Iterator[Thing]:
    yield from _known(names, Kind.RECORD, listing.records(api, zone))
    yield from _leading(names, Kind.ROUTE, listing.routes(api, zone))


def _known(names: EphemeralNames, kind: Kind, listed: Iterable[Listed]) -> Iterator[Thing]:
    for each in listed:
        yield from _thing(kind, each, names.whose(kind, each.name))


def _thing(kind: Kind, listed: Listed, whose: Whose | None) -> Iterator[Thing]:
    """The thing, if it is somebody's."""
    if whose is not None:
        yield Thing(
            kind=kind,
            name=listed.name,
            environment=whose.environment,
            number=whose.number,
            id=listed.id,
            made=listed.made,
        )


def _leading(names: EphemeralNames, kind: Kind, listed: Iterable[Listed]) -> Iterator[Thing]:
    """What somebody has led to a Worker of another environment is not one of ours to take away."""
    for each in listed:
        worker = names.whose(Kind.WORKER, each.leads_to) if each.leads_to else None
        for thing in _known(names, kind, [each]):
            if not each.leads_to or (worker is not None and worker.environment == thing.environment):
                yield thing


def _previews(names: EphemeralNames, previews: ConvexManagement) -> Iterator[Thing]:
    for each in previews.previews():
        if each.name.lower() not in names.never and each.identifier:
            yield from _known(names, Kind.PREVIEW, [Listed(id=each.name, name=each.identifier, made=each.made)])


def _stored(providers: Providers) -> Iterator[Thing]:
    """States one by one; of everything else one thing for each folder."""
    bucket, names = providers.bucket, providers.names
    for entry in bucket.entries(STATES):
        owner = owner_of(entry.key)
        whose = names.environment(owner[0]) if owner else None
        yield from _thing(Kind.STATE, Listed(id=entry.key, name=entry.key, made=entry.modified), whose)
    for folder in OBJECTS:
        youngest: dict[str, datetime] = {}
        for entry in bucket.entries(folder):
            key = _key_of(folder, entry.key)
            youngest[key] = max(entry.modified, youngest.get(key, entry.modified))
        for key, made in youngest.items():
            whose = names.environment(key.removeprefix(folder).removesuffix("/").removesuffix(".json"))
            yield from _thing(Kind.OBJECT, Listed(id=key, name=key, made=made), whose)


def _key_of(folder: str, key: str) -> str:
    """The environment's part of a key: its folder with the slash, or its one object."""
    first, slash, _ = key.removeprefix(folder).partition("/")
    return f"{folder}{first}{slash}"


def _worked(providers: Providers) -> dict[str, datetime]:
    return {
        entry.key.removeprefix(HEADS).removesuffix(".json"): entry.modified for entry in providers.bucket.entries(HEADS)
    }
