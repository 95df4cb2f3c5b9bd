"""Keeps one comment per environment on a pull request, with its newest plan or why there is none.

A plan is made only where a commit can change something. Where it cannot, nobody would write over the plan of a commit
before it: that is done here as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.cli.subject import open_run
from deployer.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.adapters.github import GitHub
    from deployer.cli.plan_runs import Planned, PlanWish
    from deployer.cli.session import Session
    from deployer.playbooks.reporting import Told
    from deployer.playbooks.wiring import Wiring

# The hidden line by which the comment is found again, and its end.
_MARKER_ROOM: Final = 256
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


def commenter(session: Session, wish: PlanWish, environment: str) -> Commenter | None:
    """Who comments, if that was asked for; what is missing for it is said before anything is planned."""
    if not wish.comment:
        return None
    if not _NUMBER.fullmatch(wish.comment):
        raise UsageError(f"`--comment {wish.comment}` is no number of a pull request", hint="e.g. --comment 12")
    from deployer.playbooks.github_wiring import require_hub

    wiring = open_run(session, env=environment, sandbox=wish.sandbox)
    return Commenter(session, wiring, require_hub(wiring, purpose="comments on the pull request"), int(wish.comment))


class Commenter:
    """Writes on one pull request."""

    def __init__(self, session: Session, wiring: Wiring, hub: GitHub, number: int) -> None:
        self.session = session
        self.wiring = wiring
        self.hub = hub
        self.number = number

    @property
    def environment(self) -> str:
        """The environment that was named first, by its own name."""
        return self.wiring.environment.name

    def write(self, planned: Sequence[Planned], *, link: str | None, summarized: bool) -> None:
        """One comment for each environment. A token that may only read is a note; the text goes to the summary."""
        from deployer.cli.ci_runs import actions_of
        from deployer.playbooks.reporting import put_comment

        talk = self.session.sink.talk
        for each in planned:
            if isinstance(each.error, Interrupted):
                continue
            body = self.session.redactor.text(_body(each, link=link))
            told = put_comment(self.hub, self.number, marker=marker_of(each.environment), body=body)
            for note in told.notes:
                talk(f"note: {note}")
            if told.comment is not None:
                talk(f"{told.comment}: plan of {each.environment}" + ("" if told.changed else ", as it said already"))
            elif not summarized and actions_of(self.session).summary(body):
                talk("note: the text is in the step's summary instead")


def outdate(session: Session, *, number: str, base: str, sandbox: bool) -> int:
    """Say so where an older plan stands and this commit changes nothing, and return the exit code."""
    from deployer.cli.ci_runs import actions_of, affected_by
    from deployer.playbooks.affected import names
    from deployer.playbooks.environments import written_out
    from deployer.playbooks.github_wiring import require_hub
    from deployer.playbooks.reporting import Told, put_comment

    event = actions_of(session).event()
    number = number or str((event.number if event else None) or "")
    if not _NUMBER.fullmatch(number):
        raise UsageError(f"`{number}` is no number of a pull request", hint="e.g. --number 12")
    talk, told = session.sink.talk, dict[str, Told]()
    if event is not None and event.untrusted:
        # What it can affect was not planned: that nothing changes there would not be true.
        talk("note: it comes from a fork, or from a bot that gets no secrets: no plan of it is shown")
    else:
        affected = names(affected_by(session, event, base=base))
        wiring = open_run(session, env=session.inventory().sample_name(), sandbox=sandbox)
        hub = require_hub(wiring, purpose="comments on the pull request")
        for name in written_out(session.inventory()):
            if name not in affected:
                body = session.redactor.text(_outdated(name))
                told[name] = put_comment(hub, int(number), marker=marker_of(name), body=body, anew=False)
    for name, each in told.items():
        for note in each.notes:
            talk(f"note: {note}")
        if each.comment is not None:
            talk(f"{each.comment}: no plan of {name}" + ("" if each.changed else ", as it said already"))
    _conclude(session, int(number), told)
    return 0


def _conclude(session: Session, number: int, told: Mapping[str, Told]) -> None:
    found = {name: each for name, each in told.items() if each.comment is not None}
    notes = [note for each in told.values() for note in each.notes]
    if session.json:
        outdated = [
            {"environment": name, "comment": each.comment, "changed": each.changed} for name, each in found.items()
        ]
        session.answer({"number": number, "outdated": outdated, "notes": notes})
    elif not found and not notes:
        session.sink.talk("no plan of an older commit stands where this one changes nothing")


def marker_of(environment: str) -> str:
    """By what the comment is found again. Two hyphens would end what hides it, and no name has a point."""
    return f"plan {environment.replace('--', '-.')}"


def _outdated(environment: str) -> str:
    from deployer.report.markdown import code

    # Without the commit: a push that changes nothing there again leaves the comment alone.
    return (
        f"### Plan for {code(environment)}\n\nThere is none for this commit: it changes nothing there. "
        "The plan that was shown here was for an older commit.\n"
    )


def _body(planned: Planned, *, link: str | None) -> str:
    from deployer.report.markdown import code, prose
    from deployer.report.plan_diff import shortened
    from deployer.report.plan_markdown import COMMENT_LIMIT, plan_markdown

    if planned.view is not None:
        return plan_markdown(planned.view, limit=COMMENT_LIMIT - _MARKER_ROOM, full=link, plan=planned.kept)
    # An older plan must not pass for the one of this commit.
    why = prose(shortened(planned.error.message, room=1_000)) if planned.error else "nobody knows why"
    return f"### Plan for {code(planned.environment)}\n\nThere is none for this commit: {why}\n"
