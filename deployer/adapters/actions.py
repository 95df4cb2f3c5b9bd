"""GitHub Actions seen from within a job: the event that it is about, and the files and lines by which it answers.

What comes in was written by strangers (titles, branch names, comments): it is checked here and handed on as values,
never as a piece of a command. What goes out is written so that no text of theirs can become a command of the runner.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deployer.adapters.files import disk_errors
from deployer.errors import ConfigError

COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NO_COMMIT: Final = re.compile(r"0+")
_SUMMARY: Final = 1_048_576
BOTS_WITHOUT_SECRETS: Final = frozenset({"dependabot[bot]"})


@dataclass(frozen=True, kw_only=True)
class Event:
    """What has happened, as far as we decide by it. What the event does not say is None or empty."""

    name: str
    action: str = ""
    number: int | None = None
    # What a push or a pull request brings, and what that is compared with.
    head: str | None = None
    base: str | None = None
    # Whether it comes from a fork, or from somebody for whom GitHub keeps secrets back. A comment does not say it.
    untrusted: bool = False
    labels: tuple[str, ...] = ()
    # The label that was just put on.
    label: str = ""
    comment: str = ""
    association: str = ""
    on_pull_request: bool = True
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Actions:
    """The job that this process runs in. Outside Actions nothing is written anywhere."""

    variables: Mapping[str, str] = field(repr=False)
    redact: Callable[[str], str] = field(repr=False, default=str)

    @property
    def running(self) -> bool:
        """Whether a job runs us."""
        return self.variables.get("GITHUB_ACTIONS") == "true"

    def event(self) -> Event | None:
        """The event; None if there is none."""
        path, name = self.variables.get("GITHUB_EVENT_PATH"), self.variables.get("GITHUB_EVENT_NAME")
        if not path or not name:
            return None
        try:
            payload = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the event cannot be read: {error}", place=path) from None
        if not isinstance(payload, dict):
            raise ConfigError("the event is no JSON object", place=path)
        return parse_event(name, payload, place=path)

    def output(self, name: str, value: str) -> None:
        """Hand a value to later steps and jobs."""
        self._assign("GITHUB_OUTPUT", name, value)

    def export(self, name: str, value: str) -> None:
        """Set a variable for the later steps of this job."""
        self._assign("GITHUB_ENV", name, value)

    def summary(self, markdown: str) -> bool:
        """Add to what GitHub shows of the job; False where there is no such page, or no room left on it."""
        return self._append("GITHUB_STEP_SUMMARY", self.redact(markdown).rstrip("\n") + "\n\n", limit=_SUMMARY)

    def _assign(self, file: str, name: str, value: str) -> None:
        assert _NAME.fullmatch(name), name
        # Whoever wrote the value cannot know where it ends.
        delimiter = f"end-{secrets.token_hex(16)}"
        self._append(file, f"{name}<<{delimiter}\n{self.redact(value)}\n{delimiter}\n")

    def _append(self, file: str, text: str, *, limit: int | None = None) -> bool:
        path, body = self.variables.get(file), text.encode()
        if not path or not self.running:
            return False
        with disk_errors(Path(path)), Path(path).open("ab") as opened:
            # A page over the limit is not shown at all.
            if limit is not None and opened.tell() + len(body) > limit:
                return False
            opened.write(body)
        return True


def annotation(message: str, *, level: str = "error", place: str | None = None, title: str = "") -> str:
    """The line by which the runner shows `message` at a place of the sources (`environments.toml:12`)."""
    properties = {}
    if found := re.fullmatch(r"([^:\s][^:]*?):(\d+)(?::(\d+))?", place or ""):
        properties = {"file": found[1], "line": found[2], **({"col": found[3]} if found[3] else {})}
    elif place and re.fullmatch(r"[\w./-]+\.\w+", place) and not place.startswith("/"):
        properties = {"file": place}
    elif place:
        message = f"{message} ({place})"
    if title:
        properties["title"] = title
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level}{' ' if listed else ''}{listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def parse_event(name: str, payload: Mapping[str, Any], *, place: str) -> Event:
    """Take out of a payload what we decide by; what has not the form that GitHub gives it is refused."""
    part = _Part(payload, place)
    match name:
        case "pull_request":
            pull = part.part("pull_request")
            base, head = pull.part("base"), pull.part("head")
            return Event(
                name=name,
                action=part.text("action"),
                number=pull.number("number"),
                head=head.commit("sha"),
                base=base.commit("sha"),
                untrusted=_untrusted(part, pull, head),
                labels=tuple(_Part(label, place).text("name") for label in pull.items("labels")),
                label=part.part("label").text("name") if payload.get("label") else "",
            )
        case "issue_comment":
            issue, comment = part.part("issue"), part.part("comment")
            return Event(
                name=name,
                action=part.text("action"),
                number=issue.number("number"),
                comment=comment.text("body"),
                association=comment.text("author_association"),
                on_pull_request=bool(issue.values.get("pull_request")),
            )
        case "push":
            return Event(name=name, head=part.commit("after"), base=part.commit("before"))
        case "merge_group":
            group = part.part("merge_group")
            return Event(name=name, head=group.commit("head_sha"), base=group.commit("base_sha"))
        case "workflow_dispatch":
            given = payload.get("inputs") or {}
            inputs = {str(key): str(value) for key, value in given.items() if value is not None}
            number = inputs.get("number", "")
            if number and not re.fullmatch(r"[1-9][0-9]{0,8}", number):
                raise ConfigError(f"`{number}` is no number of a pull request", place=place)
            return Event(name=name, inputs=inputs, number=int(number) if number else None)
        case _:
            return Event(name=name)


def _untrusted(payload: _Part, pull: _Part, head: _Part) -> bool:
    """A fork, one that is gone by now included, or a bot from which GitHub keeps our secrets."""
    here = payload.part("repository").text("full_name")
    from_repository = head.values.get("repo")
    where = from_repository.get("full_name") if isinstance(from_repository, Mapping) else None
    user = pull.values.get("user")
    author = user.get("login") if isinstance(user, Mapping) else None
    return where != here or author in BOTS_WITHOUT_SECRETS


@dataclass(frozen=True)
class _Part:
    """A part of a payload, read with complaint."""

    values: Mapping[str, Any]
    place: str

    def part(self, key: str) -> _Part:
        found = self.values.get(key)
        if not isinstance(found, Mapping):
            raise self._odd(key, "an object")
        return _Part(found, self.place)

    def items(self, key: str) -> list[Any]:
        found = self.values.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
            raise self._odd(key, "a list of objects")
        return found

    def text(self, key: str) -> str:
        found = self.values.get(key)
        if not isinstance(found, str):
            raise self._odd(key, "a text")
        return found

    def number(self, key: str) -> int:
        found = self.values.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise self._odd(key, "a number")
        return found

    def commit(self, key: str) -> str | None:
        """A commit; None for the zeros that GitHub writes where there is none."""
        found = self.text(key)
        if _NO_COMMIT.fullmatch(found):
            return None
        if not COMMIT.fullmatch(found):
            raise self._odd(key, "a commit")
        return found

    def _odd(self, key: str, wanted: str) -> ConfigError:
        return ConfigError(f"the event's `{key}` is not {wanted}", place=self.place)
