"""Asks the live host whether it serves this release and reaches its backend.

A tool's exit code proves nothing; this does. It changes nothing, so that it is the same step on every run.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deployer.adapters.http import Http, Response
from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import DeployError, Interrupted, Unverified
from deployer.steps.application import RELEASE_DOCUMENT
from deployer.steps.worker import RELEASE

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_SHOWN = 300


@dataclass(frozen=True, kw_only=True)
class Proof(BaseStep[str | None]):
    """The release document and the health path, asked until they are right or the time is up."""

    http: Http
    base: str
    headers: dict[str, str]
    url: str
    health: str
    seconds: float

    def observe(self, context: Context) -> str | None:
        """None when there is nothing to prove yet (check mode with changes above), else the digest that is live."""
        digest = context.known_value(RELEASE)
        if digest is None or context.pending:
            return None
        return self.wait(str(digest), stop=context.stop.requested, say=context.say)

    def wait(self, digest: str, *, stop: threading.Event, say: Callable[[str], None]) -> str:
        """Ask until the live host serves the release of this digest and is well; returns the digest."""
        limit = time.monotonic() + self.seconds
        pause = _FIRST_PAUSE
        while True:
            doubt = self._doubt(digest)
            if doubt is None:
                return digest
            if time.monotonic() + pause > limit:
                raise Unverified(
                    f"{self.url} does not prove the release within {self.seconds:g} s",
                    place=self.url,
                    hint=f"`curl {self.url}{self.health}` has the application's own words; "
                    "docs/runbooks/proof-failed.md tells the causes apart",
                    details=[doubt, f"expected release digest {digest}"],
                )
            say(doubt)
            if stop.wait(pause):
                raise Interrupted("the proof was interrupted", place=self.url)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def diff(self, context: Context, facts: str | None) -> Sequence[Change]:
        """Looking changes nothing."""
        return ()

    def _doubt(self, digest: str) -> str | None:
        """What is not right yet, in one line."""
        try:
            release = self._get(f"/{RELEASE_DOCUMENT}")
            if release.status != 200:
                return f"/{RELEASE_DOCUMENT} answers with status {release.status}"
            try:
                served = json.loads(release.body).get("digest")
            except (ValueError, AttributeError):
                return f"/{RELEASE_DOCUMENT} is not a release document"
            if served != digest:
                return f"/{RELEASE_DOCUMENT} names another release ({str(served)[:12]})"
            health = self._get(self.health)
        except Interrupted:
            raise
        except DeployError as error:
            return error.message
        if health.status != 200:
            return f"{self.health} answers with status {health.status}: {' '.join(health.text.split())[:_SHOWN]}"
        return None

    def _get(self, path: str) -> Response:
        return self.http.request(
            "GET",
            f"{self.base}{path}",
            service="the live host",
            headers={**self.headers, "Cache-Control": "no-cache"},
            accept=range(300, 600),
            attempts=1,
        )
