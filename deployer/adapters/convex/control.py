"""Convex's control plane: where a deployment answers, and preview deployments.

Calls carry a deploy key; what a key may do is Convex's to decide.
"""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass, field

from deployer.adapters.guard import Guard
from deployer.adapters.http import Http, Response, said_by
from deployer.errors import ServiceFailed

_SERVICE = "Convex (control plane)"
_NO_DEPLOYMENT = "DeploymentNotFound"


@dataclass(frozen=True)
class Deployment:
    """A deployment that answers at `url`, with the key that administers it."""

    url: str
    key: str = field(repr=False)
    name: str | None = None


@dataclass(frozen=True)
class ConvexControl:
    """The control plane at `base`."""

    http: Http
    base: str
    # Asked before a preview is made.
    guard: Guard | None = None

    def url_for_key(self, key: str) -> str:
        """Address of the deployment to which a deploy key belongs."""
        answer = self.http.request(
            "POST",
            f"{self.base}/api/deployment/url_for_key",
            service=_SERVICE,
            headers=_bearer(key),
            data={"deployKey": key},
            repeatable=True,
        ).json()
        if not isinstance(answer, str) or not urllib.parse.urlsplit(answer).hostname:
            raise ServiceFailed(f"{_SERVICE} did not name the deployment's address", place=self.base)
        return answer.rstrip("/")

    def preview(self, key: str, *, team: str, project: str, name: str) -> Deployment | None:
        """The preview deployment called `name`; None if there is none (or it has expired)."""
        answer = self.http.request(
            "POST",
            f"{self.base}/api/deployment/authorize_preview",
            service=_SERVICE,
            headers=_bearer(key),
            data={"previewName": name, "projectSelection": _project(team, project)},
            accept={400, 404},
            repeatable=True,
        )
        if answer.status in (400, 404):
            if _error_code(answer) == _NO_DEPLOYMENT:
                return None
            # A wrong team or project, a request it does not understand: that must not pass for "nothing there".
            raise ServiceFailed(
                f"{_SERVICE} refuses the question for a preview (status {answer.status})",
                place=f"preview `{name}` of {team}/{project}",
                hint="check `convex_team` and `convex_project` in table [project] of environments.toml",
                details=[said_by(answer)],
            )
        data = answer.json()
        return Deployment(data["url"].rstrip("/"), data["adminKey"], data.get("deploymentName"))

    def claim_preview(self, key: str, *, team: str, project: str, name: str) -> Deployment:
        """Make the preview deployment called `name`, or take the one that is there."""
        if self.guard is not None:
            self.guard.thing("Convex preview", name, place=f"{team}/{project}")
        data = self.http.request(
            "POST",
            f"{self.base}/api/claim_preview_deployment",
            service=_SERVICE,
            headers=_bearer(key),
            data={"projectSelection": _project(team, project), "identifier": name, "reuse": True},
            # With `reuse` a second request finds what a first one made.
            repeatable=True,
        ).json()
        return Deployment(data["instanceUrl"].rstrip("/"), data["adminKey"], data.get("deploymentName"))


def _error_code(answer: Response) -> str:
    try:
        return str(json.loads(answer.body)["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _project(team: str, project: str) -> dict[str, str]:
    return {"kind": "teamAndProjectSlugs", "teamSlug": team, "projectSlug": project}
