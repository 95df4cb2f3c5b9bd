"""What GitHub's API says, as frozen values: only what somebody here reads, and nothing of it is trusted as text.

A shape that is not the documented one raises KeyError, TypeError or ValueError; whoever calls makes an error of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
StatusState = Literal["error", "failure", "pending", "success"]
_OPEN = "open"
_COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """One pull request. `fork` says that its commits come from another repository, or from one that is gone."""

    number: int
    state: str
    merged: bool
    head_sha: str
    fork: bool
    author: str

    @property
    def open(self) -> bool:
        """Whether it is."""
        return self.state == _OPEN

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> PullRequest:
        """From `GET /pulls/{number}`, or one of `GET /pulls`, which does not say `merged`."""
        head, base = data["head"], data["base"]
        source, ours = head.get("repo") or {}, base["repo"]
        return cls(
            number=int(data["number"]),
            state=str(data["state"]),
            merged=bool(data.get("merged") or data.get("merged_at")),
            head_sha=str(head["sha"]),
            fork=str(source.get("full_name", "")).lower() != str(ours["full_name"]).lower(),
            author=_login(data.get("user")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a pull request. `changed` says whether this very call has written it."""

    id: int
    author: str
    body: str
    url: str
    changed: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any], *, changed: bool = False) -> Comment:
        """From the issue comments' API."""
        return cls(
            id=int(data["id"]),
            author=_login(data.get("user")),
            # The browser's form of a line end comes back when a person has edited it.
            body=str(data.get("body") or "").replace("\r\n", "\n"),
            url=str(data.get("html_url") or ""),
            changed=changed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as GitHub lists it: that something was to be at an environment."""

    id: int
    environment: str
    sha: str
    ref: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Deployment:
        """From the deployments' API."""
        return cls(id=int(data["id"]), environment=str(data["environment"]), sha=str(data["sha"]), ref=str(data["ref"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """The newest thing that was said about a deployment."""

    state: str
    url: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> DeploymentStatus:
        """From the deployment statuses' API."""
        return cls(state=str(data["state"]), url=str(data.get("environment_url") or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """A run of a workflow, or one attempt of it.

    `untouched_for` is the time since GitHub changed it last, by GitHub's own clock: of a completed one, since its end.
    """

    id: int
    status: str
    conclusion: str | None
    head_sha: str
    repository: str
    untouched_for: dt.timedelta | None

    @property
    def completed(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.status == _COMPLETED

    @classmethod
    def of(cls, data: Mapping[str, Any], *, answered: dt.datetime | None) -> WorkflowRun:
        """From `GET /actions/runs/{id}`, answered at that moment of GitHub's clock."""
        updated = _time(data["updated_at"])
        return cls(
            id=int(data["id"]),
            status=str(data["status"]),
            conclusion=data.get("conclusion"),
            head_sha=str(data["head_sha"]),
            repository=str(data["repository"]["full_name"]),
            untouched_for=None if answered is None else max(answered - updated, dt.timedelta()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReview:
    """What a person said when a run waited at an environment. GitHub does not say when, nor for which attempt."""

    login: str
    state: str
    environments: tuple[str, ...]
    comment: str

    @property
    def approved(self) -> bool:
        """Whether the person let it pass."""
        return self.state == "approved"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> RunReview:
        """From `GET /actions/runs/{id}/approvals`."""
        return cls(
            login=str(data["user"]["login"]),
            state=str(data["state"]),
            environments=tuple(str(each["name"]) for each in data.get("environments") or ()),
            comment=str(data.get("comment") or ""),
        )


def _login(user: Mapping[str, Any] | None) -> str:
    # Whoever has deleted the account is none.
    return str((user or {}).get("login") or "")


def _time(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone")
    return time
