"""The control plane as the CLI uses it (`/api/...`): from a key to a deployment, and preview deployments.

Previews are made and found here by name; everything else about deployments is the Management API's (`management.py`).
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.convex.answers import Refusal, answer, bad_request, not_found
from sandbox.convex.callers import caller_by_key, caller_of, require
from sandbox.convex.deployments import Deployments
from sandbox.convex.requests import body_of, text_of


class ControlPlane:
    """Handlers; each takes the request and the variables of its path."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self._account = deployments.account

    def url_for_key(self, request: Request) -> Response:
        """Where a key's deployment answers."""
        return answer(self._deployments.url(self._by_key(request)))

    def team_and_project_for_key(self, request: Request) -> Response:
        """To which project a key's deployment belongs."""
        return answer(self._membership(self._by_key(request)))

    def team_and_project(self, request: Request, name: str) -> Response:
        """The same by name."""
        caller = caller_of(request, self._account)
        if caller.deployment != name:
            require(caller, "team")
        return answer(self._membership(self._account.deployment(name)))

    def claim_preview(self, request: Request) -> Response:
        """Find or make a preview deployment by name; without `reuse` an old one is replaced."""
        require(caller_of(request, self._account), "preview", "team")
        body = body_of(request)
        self._check_project(body)
        identifier = body.get("identifier")
        if not isinstance(identifier, str):
            raise bad_request("BadJsonBody", "`identifier` is required")
        found = self._account.find(type="preview", previewIdentifier=identifier)
        if found and not body.get("reuse"):
            self._deployments.remove(found["name"])
            found = None
        new = found is None
        deployment = found or self._deployments.add("preview", identifier=identifier)
        return answer(
            {
                "adminKey": self._deployments.managed_key(deployment),
                "instanceUrl": self._deployments.url(deployment),
                "deploymentName": deployment["name"],
                "reference": deployment["reference"],
                "isNewDeployment": new,
            }
        )

    def authorize_preview(self, request: Request) -> Response:
        """Into a preview deployment that exists."""
        require(caller_of(request, self._account), "preview", "team")
        body = body_of(request)
        self._check_project(body)
        name = text_of(body, "previewName")
        found = self._account.find(type="preview", previewIdentifier=name)
        if not found:
            raise not_found("DeploymentNotFound", f"There is no preview deployment named `{name}`.")
        return answer(self._authorization(found))

    def provision_and_authorize(self, request: Request) -> Response:
        """Into the project's default dev or prod deployment; for people with a team token only."""
        require(caller_of(request, self._account), "team")
        body = body_of(request)
        self._account.require_project(text_of(body, "teamSlug"), text_of(body, "projectSlug"))
        kind = body.get("deploymentType")
        if kind not in {"dev", "prod"}:
            raise bad_request("BadJsonBody", "`deploymentType` must be dev or prod")
        found = self._account.find(type=kind, isDefault=True) or self._deployments.add(kind)
        return answer({**self._authorization(found), "deploymentUrl": self._deployments.url(found)})

    def authorize_prod(self, request: Request) -> Response:
        """Into the production deployment of the project of another deployment."""
        require(caller_of(request, self._account), "team")
        self._account.deployment(text_of(body_of(request), "deploymentName"))
        found = self._account.find(type="prod", isDefault=True)
        if not found:
            raise not_found("DeploymentNotFound", "The project has no production deployment.")
        return answer(self._authorization(found))

    def version(self, _: Request) -> Response:
        """The version host: nothing to announce."""
        return answer({"message": None, "guidelinesHash": None, "agentSkillsSha": None, "disableSkillsCli": False})

    def _by_key(self, request: Request) -> dict[str, Any]:
        caller = caller_by_key(text_of(body_of(request), "deployKey"), self._account)
        if caller is None:
            message = "The deploy key is not valid, or its deployment does not exist any more."
            raise Refusal(401, "InvalidDeployKey", message)
        require(caller, "deployment")
        return self._account.deployment(caller.deployment or "")

    def _membership(self, deployment: dict[str, Any]) -> dict[str, Any]:
        team, project = self._account.team, self._account.project
        return {
            "team": team["slug"],
            "project": project["slug"],
            "teamId": team["id"],
            "projectId": project["id"],
            "reference": deployment["reference"],
            "isDefault": deployment["isDefault"],
        }

    def _authorization(self, deployment: dict[str, Any]) -> dict[str, Any]:
        return {
            "adminKey": self._deployments.managed_key(deployment),
            "url": self._deployments.url(deployment),
            "deploymentName": deployment["name"],
            "deploymentType": deployment["type"],
            "reference": deployment["reference"],
            "isDefault": deployment["isDefault"],
        }

    def _check_project(self, body: dict[str, Any]) -> None:
        selection = body.get("projectSelection")
        if not isinstance(selection, dict) or selection.get("kind") != "teamAndProjectSlugs":
            raise bad_request("BadJsonBody", "`projectSelection` must name a team and a project")
        self._account.require_project(text_of(selection, "teamSlug"), text_of(selection, "projectSlug"))
