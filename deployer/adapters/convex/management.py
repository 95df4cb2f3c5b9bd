"""Convex's Management API: preview deployments of the project, when they expire, and their end.

It takes a team's token and no deploy key: a deploy key can make a preview and cannot delete it. Without the token
nobody is asked, and previews go when Convex lets them.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from deployer.adapters.guard import Guard
from deployer.adapters.http import Http, said_by
from deployer.adapters.once import once
from deployer.errors import ConfigError, ServiceFailed

MANAGEMENT_TOKEN: Final = "CONVEX_MANAGEMENT_TOKEN"  # noqa: S105 -- the name of a variable
_SERVICE: Final = "Convex (Management API)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview deployment. `identifier` is the name under which it was asked for, `name` the one Convex gave it."""

    name: str
    identifier: str | None
    expires: datetime | None = None
    made: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ConvexManagement:
    """The project `project` of `team`, at the control plane `base`."""

    http: Http
    base: str
    team: str
    project: str
    token: Callable[[], str] = field(repr=False)
    # Asked before a preview is changed: the token may change all of them, and production.
    guard: Guard | None = None

    def previews(self) -> list[Preview]:
        """All preview deployments of the project."""
        found = self._get(f"/projects/{int(self._details['id'])}/list_deployments?deploymentType=preview")
        if not isinstance(found, list):
            raise ServiceFailed(f"{_SERVICE} did not list the deployments", place=self._place)
        return [_preview(each) for each in found if each.get("deploymentType") == "preview"]

    def previews_called(self, identifier: str) -> list[Preview]:
        """Those that were asked for by exactly this name; more than one only after somebody made another by hand."""
        return [each for each in self.previews() if each.identifier == identifier]

    def count(self) -> int:
        """How many deployments the whole team has."""
        count, cursor = 0, ""
        while True:
            # By number: unlike a project, a team's listings are not found by its slug.
            page = self._get(f"/teams/{int(self._details['teamId'])}/list_deployments{cursor}")
            count += len(page["items"])
            following = (page.get("pagination") or {}).get("nextCursor")
            if not following:
                return count
            cursor = f"?cursor={_quoted(str(following))}"

    def expire(self, preview: Preview, when: datetime | None) -> None:
        """Let it go at this moment; never, with None. Doing it twice is the same as once."""
        self._ask(preview)
        name = preview.name
        expires = None if when is None else int(when.timestamp() * 1000)
        path = f"/deployments/{_quoted(name)}"
        answer = self.http.request(
            "PATCH", self._url(path), service=_SERVICE, headers=self._headers, data={"expiresAt": expires},
            accept={400}, repeatable=True,
        )  # fmt: skip
        if answer.status == 400:
            raise ConfigError(
                f"Convex does not keep the preview `{name}` for so long",
                place=self._place,
                hint="keep the lease shorter (--hours, or `lease.hours` of the kind): the team's plan limits it, "
                "5 days, 14 on paid plans",
                details=[said_by(answer)],
            )

    def delete(self, preview: Preview) -> None:
        """Delete it with its data and files; one that is gone already is no error."""
        self._ask(preview)
        path = f"/deployments/{_quoted(preview.name)}/delete"
        self.http.request(
            "POST", self._url(path), service=_SERVICE, headers=self._headers, accept={404}, repeatable=True
        )

    def _ask(self, preview: Preview) -> None:
        if self.guard is not None:
            self.guard.thing("Convex preview", preview.identifier, place=self._place)

    @once
    def _details(self) -> dict[str, Any]:
        found = self._get(f"/teams/{_quoted(self.team)}/projects/{_quoted(self.project)}")
        if not isinstance(found, dict):
            raise ServiceFailed(f"{_SERVICE} did not describe the project", place=self._place)
        return found

    @property
    def _place(self) -> str:
        return f"{self.team}/{self.project}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def _url(self, path: str) -> str:
        return f"{self.base}/v1{path}"

    def _get(self, path: str) -> Any:
        return self.http.request("GET", self._url(path), service=_SERVICE, headers=self._headers).json()


def _preview(data: dict[str, Any]) -> Preview:
    return Preview(
        name=str(data["name"]),
        identifier=data.get("previewIdentifier"),
        expires=_moment(data.get("expiresAt")),
        made=_moment(data.get("createTime")),
    )


def _moment(milliseconds: object) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if isinstance(milliseconds, int | float) else None


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
