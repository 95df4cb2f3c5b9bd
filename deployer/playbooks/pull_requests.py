"""How a run comes to know whether a pull request is open: GitHub, or on the sandbox its stand-in.

On the sandbox nobody opens pull requests, so that a number that nobody knows there is opened on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deployer.playbooks.ephemeral import Pulls
from deployer.playbooks.ephemeral_wiring import number_of
from deployer.playbooks.github_wiring import hub_of, why_not_asked

if TYPE_CHECKING:
    from deployer.adapters.github import GitHub
    from deployer.playbooks.wiring import Wiring

Say = Callable[[str], None]
_NO_COMMIT = "0" * 40


def pulls_of(wiring: Wiring, *, say: Say, opens: bool = False, check: bool = False) -> Pulls:
    """The pull request of the wiring's environment. `opens`: on the sandbox it is opened if nobody knows it."""
    hub, number = hub_of(wiring), number_of(wiring)
    if hub is None:
        unasked = why_not_asked(wiring.target, loaded=wiring.loaded)
        return Pulls(ask=None, number=number, named=wiring.named, say=say, unasked=unasked)

    def ask() -> str | None:
        pull = hub.pull(number)
        if pull is None and wiring.target.name == "sandbox" and opens:
            if check:
                say(f"note: pull request {number} would be opened on the sandbox's GitHub")
                return "open"
            _open_in_sandbox(wiring, hub, number)
            say(f"note: pull request {number} was opened on the sandbox's GitHub")
            pull = hub.pull(number)
        if pull is None:
            return None
        return "open" if pull.open else "merged" if pull.merged else "closed"

    return Pulls(ask=ask, number=number, named=wiring.named, say=say)


def _open_in_sandbox(wiring: Wiring, hub: GitHub, number: int) -> None:
    """What a person does in the browser, by the stand-in's own door."""
    commit, _ = wiring.checkout.standing()
    head = {"sha": commit or _NO_COMMIT, "ref": f"pull-{number}", "fork": False}
    wiring.http.request(
        "POST",
        f"{hub.base}/__sandbox/pulls",
        service="sandbox",
        data={"number": number, "state": "open", "head": head},
    )
