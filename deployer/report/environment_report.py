"""How an ephemeral environment stands, for a comment on its pull request: facts in, harmless pieces of Markdown out.

The text itself is a template (`templates/pull-request-comment.md.j2`); whatever comes from elsewhere (branches, errors,
names of things) is made harmless here, so that a template cannot forget it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from deployer.report.markdown import code, link, prose
from deployer.report.plan_diff import shortened
from deployer.report.text import seconds
from deployer.words import moment

State = Literal["coming", "up", "failed", "removed"]
Tests = Literal["passed", "failed", "skipped"]
STATES: Final[tuple[str, ...]] = get_args(State)
TESTS: Final[tuple[str, ...]] = get_args(Tests)
TEMPLATE: Final = "pull-request-comment.md.j2"
_LONGEST: Final = 300
_MOST: Final = 40
_SHORT: Final = 12


@dataclass(frozen=True, kw_only=True)
class EnvironmentReport:
    """What is known of it; None and empty are what nobody knows, and are said so."""

    environment: str
    state: State
    url: str
    commit: str | None = None
    # The release that the live host has proven to serve.
    release: str | None = None
    took: float | None = None
    tests: Tests | None = None
    tests_url: str = ""
    log_url: str = ""
    expires: dt.datetime | None = None
    pinned: bool = False
    # Why it failed, and what finishes it: a command as it is typed.
    failure: str = ""
    command: str = ""
    # What failed is its removal.
    closing: bool = False
    # Why it was removed, in the words of its tombstone.
    why: str = ""
    removed: Sequence[str] = ()
    # What is still there although it should not be.
    left: Sequence[str] = ()

    @property
    def description(self) -> str:
        """One plain line, for a deployment or a commit's status."""
        return {
            "coming": f"{self.environment} is being made",
            "up": f"{self.environment} is up" + (f", tests {self.tests}" if self.tests else ""),
            "failed": f"{self.environment} is {self._failed()}" + (f": {self.failure}" if self.failure else ""),
            "removed": f"{self.environment} is removed" + (", something is left" if self.left else ""),
        }[self.state]

    def values(self) -> Mapping[str, object]:
        """What the template is given."""
        return {
            "state": self.state,
            "name": code(self.environment),
            "url": link(_without_scheme(self.url), self.url, longest=_LONGEST) if self.url else "",
            "commit": code(self.commit[:_SHORT]) if self.commit else "unknown",
            "release": code(self.release[:_SHORT]) if self.release else "not proven",
            "took": seconds(self.took) if self.took is not None else "unknown",
            "tests": self._tests(),
            "ends": self._ends(),
            "log": link("log", self.log_url, longest=_LONGEST) if self.log_url else "",
            "failed": self._failed(),
            "failure": prose(shortened(self.failure, room=_LONGEST)) if self.failure else "",
            "command": code(self.command) if self.command else "",
            "why": prose(shortened(self.why, room=_LONGEST)) if self.why else "",
            "removed": _listed(self.removed),
            "left": _listed(self.left),
        }

    def _failed(self) -> str:
        return "not removed as a whole" if self.closing else "not up"

    def _tests(self) -> str:
        if self.tests is None:
            return "not run"
        return link(self.tests, self.tests_url, longest=_LONGEST) if self.tests_url else self.tests

    def _ends(self) -> str:
        if self.pinned:
            return "pinned: it stays until the pull request is closed"
        return moment(self.expires) if self.expires else "unknown"


def _listed(names: Sequence[str]) -> list[str]:
    shown = [code(shortened(name, room=_LONGEST)) for name in names[:_MOST]]
    return [*shown, f"and {len(names) - _MOST} more"] if len(names) > _MOST else shown


def _without_scheme(url: str) -> str:
    """What a person reads of an address; as code, for a host name is linked by GitHub a second time otherwise."""
    return code(url.partition("://")[2] or url)
