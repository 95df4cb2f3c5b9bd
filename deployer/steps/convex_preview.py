"""The life of a Convex preview beyond its functions: filled once when it is new, kept as long as its lease, deleted.

Making and pushing are `convex`'s; a deployment of another type has none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deployer.adapters.convex import ConvexManagement, Preview
from deployer.adapters.files import digest_of
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.steps.convex import BACKEND, Backend
from deployer.steps.release_record import ReleaseRecord
from deployer.words import moment

SECTION: Final = "convex_seed"
# A preview outlives its lease by so much, so that whoever renews late still finds its data; and it is not written
# anew at each renewal.
MARGIN: Final = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class SeedRun(BaseStep[bool]):
    """The inventory's seed function has run on this deployment. One that Convex has made anew is filled again."""

    function: str
    record: ReleaseRecord

    def observe(self, context: Context) -> bool:
        """Whether the record says so of this very deployment."""
        backend: Backend | None = context.known_value(BACKEND)
        noted = self.record.section(SECTION)
        return backend is not None and (noted.get("deployment"), noted.get("function")) == (backend.url, self.function)

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """A run is one change."""
        if facts:
            return ()
        meaning = digest_of(self.function)
        return (Change(action=Action.RUN, address="convex:seed", summary=f"run {self.function}", meaning=meaning),)

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        """Run it, then record it: whoever is cut off in between runs it again."""
        backend: Backend = context.value(BACKEND)
        backend.deployment.run(self.function)
        self.record.write(SECTION, {"deployment": backend.url, "function": self.function})
        return {}


@dataclass(frozen=True)
class Expiry:
    """The preview that is there (None: none yet), and until when it is needed (None: without an end)."""

    preview: Preview | None
    needed: datetime | None


@dataclass(frozen=True, kw_only=True)
class PreviewKept(BaseStep[Expiry]):
    """The preview goes some time after its lease: not before, and not days later."""

    # None where nobody may ask.
    management: ConvexManagement | None
    preview: str
    needed: Callable[[], datetime | None]

    def observe(self, context: Context) -> Expiry:
        """When it goes."""
        if self.management is None:
            return Expiry(None, None)
        found = self.management.previews_called(self.preview)
        return Expiry(found[0] if found else None, self.needed())

    def diff(self, context: Context, facts: Expiry) -> Sequence[Change]:
        """One change, if it would go too early or much too late."""
        wanted = _wanted(facts.needed)
        until = "without an end, it is pinned" if wanted is None else f"kept until {moment(wanted)}"
        address = f"convex:preview/{self.preview}/expiry"
        if facts.preview is None and self.management is not None and context.check:
            # Convex gives a new one an end of its own.
            return (Change(action=Action.UPDATE, address=address, summary=until, certain=False),)
        if facts.preview is None or fits(facts.preview.expires, facts.needed):
            return ()
        return (Change(action=Action.UPDATE, address=address, summary=until),)

    def apply(self, context: Context, facts: Expiry, changes: Sequence[Change]) -> Mapping[str, object]:
        """Say when."""
        assert self.management is not None
        assert facts.preview is not None
        self.management.expire(facts.preview, _wanted(facts.needed))
        return {}


def fits(expires: datetime | None, needed: datetime | None) -> bool:
    """Whether a preview that goes at `expires` is there as long as it is `needed`, and not much longer."""
    if expires is None or needed is None:
        return expires is needed
    return needed <= expires <= needed + 2 * MARGIN


def align(management: ConvexManagement, preview: str, needed: datetime | None) -> None:
    """The same for those who have changed the lease by hand."""
    for found in management.previews_called(preview):
        if not fits(found.expires, needed):
            management.expire(found, _wanted(needed))


def _wanted(needed: datetime | None) -> datetime | None:
    return None if needed is None else needed + MARGIN


@dataclass(frozen=True, kw_only=True)
class PreviewDeleted(BaseStep[Sequence[Preview]]):
    """No preview of this name, its data and files included."""

    management: ConvexManagement
    preview: str

    def observe(self, context: Context) -> Sequence[Preview]:
        """Those that are there."""
        return self.management.previews_called(self.preview)

    def diff(self, context: Context, facts: Sequence[Preview]) -> Sequence[Change]:
        """One change for each."""
        address = f"convex:preview/{self.preview}"
        return tuple(Change(action=Action.DELETE, address=address, summary=f"deployment {each.name}") for each in facts)

    def apply(self, context: Context, facts: Sequence[Preview], changes: Sequence[Change]) -> Mapping[str, object]:
        """Delete them."""
        for each in facts:
            self.management.delete(each)
        return {}
