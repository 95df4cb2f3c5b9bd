"""Events as GitHub sends them, for rehearsals: what people do is told to the stand-in, which knows the forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.cli.event_names import EVENTS, PULLS
from deployer.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What is to happen: an event, and what it is about."""

    event: str
    number: int | None
    head: str
    base: str
    label: str = ""
    comment: str = ""
    person: str = ""
    inputs: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """An event as a workflow gets it."""

    name: str
    ref: str
    branch: str
    payload: Mapping[str, Any]


def send(happening: Happening, *, repository: Mapping[str, Any], tell: Callable[[str, Any], dict[str, Any]]) -> Sent:
    """Let it happen at the stand-in (`tell` a path of its control something) and return the event."""
    if happening.event not in EVENTS:
        what = f"`--event {happening.event}` is none of" if happening.event else "`--event` is missing, one of"
        raise UsageError(f"{what} {', '.join(EVENTS)}", hint="e.g. --event opened")
    base = {"repository": repository, "sender": {"login": happening.person, "type": "User"}}
    branch = str(repository["default_branch"])
    main = f"refs/heads/{branch}"
    if happening.event in PULLS:
        return _pull(happening, base, tell)
    if happening.event == "push":
        tell("branches", {"name": branch, "sha": happening.head})
        payload = {
            **base,
            "ref": main,
            "before": happening.base,
            "after": happening.head,
            "created": False,
            "deleted": False,
            "forced": False,
            "head_commit": {"id": happening.head},
            "commits": [{"id": happening.head}],
        }
        return Sent(name="push", ref=main, branch=branch, payload=payload)
    if happening.event == "comment":
        return _comment(happening, base, tell, ref=main, branch=branch)
    if happening.event == "schedule":
        return Sent(name="schedule", ref=main, branch=branch, payload={**base, "schedule": "17 4 * * *"})
    number = {"number": str(happening.number)} if happening.number else {}
    inputs = {**number, **(happening.inputs or {})}
    payload = {**base, "ref": main, "inputs": inputs}
    return Sent(name="workflow_dispatch", ref=main, branch=branch, payload=payload)


def _number(happening: Happening) -> int:
    if happening.number is None:
        raise UsageError(f"`--event {happening.event}` is about a pull request", hint="add e.g. --number 12")
    return happening.number


def _pull(happening: Happening, base: Mapping[str, Any], tell: Callable[[str, Any], dict[str, Any]]) -> Sent:
    number = _number(happening)
    action, change = PULLS[happening.event]
    head = {"sha": happening.head, **change.get("head", {})}
    labels = {"labels": [happening.label]} if happening.label else {}
    pull = tell("pulls", {"number": number, **change, **labels, "head": head})
    # What is compared with is a commit that this checkout has.
    pull["base"]["sha"] = happening.base
    payload = {"action": action, "number": number, "pull_request": pull, **base}
    if action == "synchronize":
        payload |= {"before": happening.base, "after": happening.head}
    if action == "labeled":
        payload["label"] = {"name": happening.label}
    return Sent(name="pull_request", ref=f"refs/pull/{number}/merge", branch=str(pull["head"]["ref"]), payload=payload)


def _comment(
    happening: Happening,
    base: Mapping[str, Any],
    tell: Callable[[str, Any], dict[str, Any]],
    *,
    ref: str,
    branch: str,
) -> Sent:
    number = _number(happening)
    comment = tell("comments", {"number": number, "body": happening.comment, "user": happening.person})
    issue = {"number": number, "state": "open", "pull_request": {"url": f"{base['repository']['url']}/pulls/{number}"}}
    payload = {"action": "created", "issue": issue, "comment": comment, **base}
    return Sent(name="issue_comment", ref=ref, branch=branch, payload=payload)
