"""Whether an event gives a pull request its environment: the rules of [ci.previews], over facts.

Pure. What the event does not say (the commit of a comment's pull request, whether it is a fork) is asked of GitHub
before, and given.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployer.adapters.actions import Event
from deployer.inventory.ci import Previews


@dataclass(frozen=True, kw_only=True)
class Pull:
    """What GitHub says of a pull request."""

    number: int
    open: bool
    fork: bool
    commit: str
    # Whether it is of a bot from which GitHub keeps our secrets. A person's comment must not hand them over either.
    bot: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether, for which number and commit, and why (or why not)."""

    wanted: bool
    why: str
    number: int | None = None
    commit: str | None = None


def asks(event: Event, previews: Previews) -> str | None:
    """Why the event asks for nothing; None if it does. GitHub need not be asked for that."""
    if event.number is None:
        return f"a {event.name} event is about no pull request"
    match event.name:
        case "issue_comment":
            return _comment_asks(event, previews)
        case "workflow_dispatch":
            return None
        case "pull_request":
            return _change_asks(event, previews)
        case _:
            return f"a {event.name} event asks for none"


def decide(event: Event, previews: Previews, pull: Pull | None) -> Decision:
    """The decision; `pull` is what GitHub says, None if it was not asked or does not know the number."""
    refusal = asks(event, previews)
    if refusal:
        return Decision(wanted=False, why=refusal, number=event.number)
    if event.untrusted:
        return _no(event, "it comes from a fork, or from a bot that gets no secrets: static checks are all it gets")
    if pull is None and event.head is None:
        return _no(event, f"GitHub knows no pull request {event.number}")
    if pull is not None and pull.fork:
        return _no(event, "it comes from a fork: static checks are all it gets")
    if pull is not None and pull.bot:
        return _no(event, "it comes from a bot that gets no secrets: static checks are all it gets")
    if pull is not None and not pull.open:
        return _no(event, "it is closed")
    commit = event.head or (pull.commit if pull else None)
    return Decision(wanted=True, why=f"{_what(event, previews)} asks for one", number=event.number, commit=commit)


def _no(event: Event, why: str) -> Decision:
    return Decision(wanted=False, why=why, number=event.number)


def _what(event: Event, previews: Previews) -> str:
    words = {"issue_comment": f"the comment {previews.comment}", "workflow_dispatch": "a person"}
    if event.name in words:
        return words[event.name]
    return f"the label `{previews.label}`" if previews.on == "label" else "each pull request"


def _comment_asks(event: Event, previews: Previews) -> str | None:
    if not event.on_pull_request:
        return "the comment is on an issue"
    if event.action != "created" or event.comment.strip() != previews.comment:
        return f"the comment is not {previews.comment}"
    if event.association not in previews.listens_to:
        return "who wrote the comment may not ask for one"
    return None


def _change_asks(event: Event, previews: Previews) -> str | None:
    if event.action == "labeled":
        # The other labels change nothing, and neither does this one where it is not asked for.
        return None if previews.on == "label" and event.label == previews.label else "that label asks for none"
    if event.action not in ("opened", "synchronize", "reopened"):
        return f"`{event.action}` asks for none"
    if previews.on == "label" and previews.label not in event.labels:
        return f"it has not the label `{previews.label}`"
    if previews.on == "comment":
        return f"it is given one for the comment {previews.comment}"
    return None
