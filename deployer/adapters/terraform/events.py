"""Reads the lines that Terraform writes with `-json`: what it plans, what came out, what went wrong.

Pure. An error of Terraform becomes the class of ours that says who has to do something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from deployer.adapters.files import tells_of_a_full_disk
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    LocalDisk,
    PlanChanged,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    StateLocked,
    ToolFailed,
)

_STATUS = re.compile(r'(?:"[^"]*": |StatusCode: |: )(\d{3})\b')
_UNREACHABLE = (
    "connection refused", "no such host", "i/o timeout", "connection reset", "context deadline exceeded", "EOF",
    "network is unreachable", "broken pipe", "TLS handshake timeout",
)  # fmt: skip
# What Cloudflare says when a host or route is to lead to a Worker without a deployed version. The code alone means
# "unknown error" everywhere else.
_NO_VERSION = re.compile(r'/workers/(?:domains|routes)\b.*"code":10013\b', re.DOTALL)
_LOCK_FIELD = re.compile(r"^\s*(ID|Path|Operation|Who|Version|Created|Info):[ \t]*(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning. `address` is the resource, `place` file and line, where Terraform knows them."""

    severity: str
    summary: str
    detail: str
    address: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class LockHolder:
    """Who holds a state lock, as Terraform wrote it down."""

    id: str
    who: str
    since: str
    operation: str
    path: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self | None:
        """From the fields of a lock; None if it bears no id."""
        if not fields.get("ID"):
            return None
        return cls(*(str(fields.get(name, "")) for name in ("ID", "Who", "Created", "Operation", "Path")))


@dataclass(frozen=True)
class Planned:
    """One change that was announced, in Terraform's words."""

    action: str
    address: str
    reason: str | None = None
    # The address that the thing had before, and how it is found to be imported.
    previous: str | None = None
    importing: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Events:
    """Everything of interest in one command's output; changes in Terraform's order."""

    planned: tuple[Planned, ...]
    changed_outputs: tuple[str, ...]
    outputs: Mapping[str, Any]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that made the command fail."""
        return tuple(found for found in self.diagnostics if found.severity == "error")


def parse_events(text: str) -> Events:
    """Read the output of a command that ran with `-json`; lines that are no JSON are skipped."""
    planned: list[Planned] = []
    changed_outputs: list[str] = []
    outputs: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []
    for event in _objects(text.splitlines()):
        kind = event.get("type")
        if kind == "planned_change":
            planned.append(_planned(event["change"]))
        elif kind == "outputs":
            for name, output in event["outputs"].items():
                if output.get("action", "noop") != "noop":
                    changed_outputs.append(name)
                if "value" in output:
                    outputs[name] = output["value"]
        elif kind == "diagnostic":
            diagnostics.append(_diagnostic(event["diagnostic"]))
    return Events(tuple(planned), tuple(changed_outputs), outputs, tuple(diagnostics))


def _planned(change: Mapping[str, Any]) -> Planned:
    previous = change.get("previous_resource")
    return Planned(
        change["action"],
        change["resource"]["addr"],
        change.get("reason"),
        previous=previous["addr"] if previous else None,
        importing=change.get("importing"),
    )


def lock_holder(text: str) -> LockHolder | None:
    """The holder named in Terraform's message about a lock it could not get."""
    return LockHolder.of(dict(_LOCK_FIELD.findall(text)))


def failure(errors: Sequence[Diagnostic], *, title: str, place: str, unlock: str) -> DeployError:
    """Our error for what Terraform reports. `unlock` is the command for a lock whose owner is gone."""
    details = [line for error in errors for line in _lines(error)]
    # Terraform keeps a lock file of its own beside the lock in the bucket: where that finds no room, nobody holds it.
    if tells_of_a_full_disk("\n".join(details)):
        return LocalDisk.met_by(title, log=place, details=details)
    first = errors[0]
    for error in errors:
        if "state lock" in error.summary.lower():
            return state_locked(lock_holder(error.detail), place=place, unlock=unlock, said=error.detail)
        if "saved plan is stale" in error.summary.lower():
            return PlanChanged(
                f"{title}: the state has changed since the plan was made",
                place=place,
                hint="somebody else applied meanwhile; run the same command again",
            )
    where = first.place or first.address
    text = f"{first.summary}\n{first.detail}"
    message = f"{title}: {first.summary}" + (f" ({where})" if where else "")
    again = "run the same command again; it goes on from here"
    status = _STATUS.search(text)
    code = int(status.group(1)) if status else 0
    if code in (401, 403):
        hint = "`inv doctor` names the credential in use, docs/guide/credentials.md what it must be allowed to do"
        return CredentialsRefused(message, place=place, hint=hint, details=details)
    if code == 429:
        return RateLimited(message, place=place, hint=f"wait, then {again}", details=details)
    if _NO_VERSION.search(text):
        hint = "a host needs a deployed Worker: run `inv deploy` without --tags, so that the Worker comes first"
        return ServiceFailed(message, place=place, hint=hint, details=details)
    if code >= 500:
        return ServiceFailed(message, place=place, hint=again, details=details)
    if any(words in text for words in _UNREACHABLE):
        return ServiceUnreachable(message, place=place, hint=f"check the network, then {again}", details=details)
    return ToolFailed(message, place=place, hint=f"mend what Terraform says above, then {again}", details=details)


def state_locked(holder: LockHolder | None, *, place: str, unlock: str, said: str = "") -> StateLocked:
    """The error that says who holds the lock and since when, or what Terraform `said` if it does not tell.

    `unlock` is the command about one whose owner is gone.
    """
    hint = f"wait for it with `--lock-timeout 10m`; if its owner is gone: `{unlock}`"
    if holder is None:
        return StateLocked("the Terraform state is locked", place=place, details=_without_advice(said), hint=hint)
    return StateLocked(
        f"the Terraform state is locked by {holder.who or 'somebody'} since {holder.since or 'an unknown time'}",
        place=holder.path or place,
        hint=hint,
        details=[f"operation {holder.operation or 'unknown'}, lock id {holder.id}"],
    )


def _without_advice(detail: str) -> list[str]:
    """What Terraform found; how locking can be turned off is nothing to tell anybody."""
    found = detail.partition("Terraform acquires a state lock")[0]
    return [line for line in found.splitlines() if line.strip() and "-lock=false" not in line]


def _objects(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    position = data.get("range") or {}
    line = (position.get("start") or {}).get("line")
    place = f"{position['filename']}:{line}" if position.get("filename") and line else position.get("filename")
    return Diagnostic(
        data.get("severity", "error"), data.get("summary", ""), data.get("detail", ""), data.get("address"), place
    )


def _lines(error: Diagnostic) -> list[str]:
    where = " at ".join(part for part in (error.address, error.place) if part)
    lines = [f"{error.summary}{f' ({where})' if where else ''}"]
    return [*lines, *(f"  {line}" for line in error.detail.splitlines() if line.strip())]
