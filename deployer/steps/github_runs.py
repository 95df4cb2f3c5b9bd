"""Whether the GitHub run in which somebody worked has ended, which proves that nobody works there any more.

It is asked only where nothing else proves it. A run that gave a sign of life after GitHub called it completed is none
that has ended: a runner that lost GitHub may go on. Both times are ages, by the clocks of those who tell them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.adapters.github import GitHub, WorkflowRun

SYSTEM: Final = "github"
# Whoever waits for a lock looks every second; GitHub is not asked that often.
_ASK_EVERY: Final = 15.0
# Services round their times, and an answer is on its way for a while.
_SLACK: Final = timedelta(seconds=5)
_URL: Final = re.compile(r"https?://[^/]+/([^/]+/[^/]+)/actions/runs/\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """`proven` to have ended, or `text` says why that is not known."""

    text: str
    proven: bool = False


@dataclass(frozen=True, kw_only=True)
class GitHubRuns:
    """Knows runs of the repository that `hub` is; None where GitHub cannot be asked, and `why_not` then says why."""

    hub: Callable[[], GitHub | None]
    why_not: Callable[[], str]
    _answers: dict[tuple[str, str], tuple[float, WorkflowRun | str]] = field(default_factory=dict, repr=False)

    def ended(self, ci: Mapping[str, Any], *, sign: timedelta) -> Ending | None:
        """Whether the run that an entry's `ci` names has ended; None if it names none. `sign` is the last one's age."""
        run, attempt = str(ci.get("run") or ""), str(ci.get("attempt") or "")
        if ci.get("system") != SYSTEM or not run.isdigit():
            return None
        where = str(ci.get("repository") or _repository(str(ci.get("url") or "")))
        found = self._asked(where, run, attempt if attempt.isdigit() else "")
        if isinstance(found, str):
            return Ending(text=found)
        called = f"GitHub's run {run}" + (f", attempt {attempt}," if attempt else "")
        if not found.completed:
            return Ending(text=f"{called} is `{found.status}`")
        if found.untouched_for is None or sign + _SLACK < found.untouched_for:
            return Ending(text=f"{called} is completed, and something of it gave a sign of life after that")
        return Ending(proven=True, text=f"{called} has ended ({found.conclusion})")

    def _asked(self, where: str, run: str, attempt: str) -> WorkflowRun | str:
        known = self._answers.get((run, attempt))
        if known is not None and time.monotonic() - known[0] < _ASK_EVERY:
            return known[1]
        answer = self._ask(where, run, attempt)
        self._answers[run, attempt] = (time.monotonic(), answer)
        return answer

    def _ask(self, where: str, run: str, attempt: str) -> WorkflowRun | str:
        try:
            hub = self.hub()
            if hub is None:
                return self.why_not()
            if where.lower() != hub.repository.lower():
                return f"its run is one of `{where or 'an unknown repository'}`, and asked can be `{hub.repository}`"
            found = hub.run(int(run), attempt=int(attempt) if attempt else None)
        except DeployError as error:
            return f"GitHub could not be asked: {error.message}"
        if found is None:
            return f"GitHub does not know its run {run}"
        if found.repository.lower() != hub.repository.lower() or found.id != int(run):
            return f"GitHub answered for another run ({found.repository}, {found.id})"
        return found


def _repository(url: str) -> str:
    found = _URL.match(url)
    return found[1] if found else ""
