"""The Management API (`/v1/...`): projects, deployments, deploy keys and default variables, for a team token.

Deploy and preview keys are known here and refused (403), as the real API does.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.convex import keys
from sandbox.convex.answers import answer, bad_request, empty, not_found
from sandbox.convex.callers import Caller, caller_of, require
from sandbox.convex.deployments import Deployments
from sandbox.convex.requests import body_of, expiry_of, only, text_of
from sandbox.convex.state import PREVIEW_DAYS, TYPES

_LONGEST_EXPIRY = PREVIEW_DAYS * 24 * 3600 * 1000
_PATCHABLE = (
    "reference",
    "dashboardEditConfirmation",
    "expiresAt",
    "sendLogsToClient",
    "class",
    "isDefault",
    "deploymentType",
)


class Management:
    """Handlers; each takes the request and the variables of its path."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self._account = deployments.account

    def token_details(self, request: Request) -> Response:
        """What the token is."""
        token = self._caller(request).token or {}
        details = {"type": "teamToken", "teamId": self._account.team["id"]}
        return answer({**details, **{name: token[name] for name in ("id", "name", "createTime")}})

    def list_projects(self, request: Request, team: int) -> Response:
        """The team's projects."""
        self._caller(request)
        self._require_team(team)
        return answer(_page([self._project()]))

    def project_by_slug(self, request: Request, team: str, project: str) -> Response:
        """A project; preview keys may ask too, the CLI does before it authorizes a preview."""
        require(caller_of(request, self._account), "team", "preview")
        self._account.require_project(team, project)
        return answer(self._project())

    def project(self, request: Request, project: int) -> Response:
        """A project by id."""
        self._caller(request, project)
        return answer(self._project())

    def list_deployments(self, request: Request, project: int) -> Response:
        """Deployments of a project; `deploymentType` and `isDefault` select."""
        self._caller(request, project)
        return answer(self._selected(request))

    def list_team_deployments(self, request: Request, team: int) -> Response:
        """Deployments of a team, paged."""
        self._caller(request)
        self._require_team(team)
        return answer(_page(self._selected(request)))

    def find_deployment(self, request: Request, project: int) -> Response:
        """One by reference, or a default one."""
        self._caller(request, project)
        return self._found(request)

    def find_deployment_by_slug(self, request: Request, team: str, project: str) -> Response:
        """The same by slugs."""
        self._caller(request)
        self._account.require_project(team, project)
        return self._found(request)

    def create_deployment(self, request: Request, project: int) -> Response:
        """Make a deployment."""
        self._caller(request, project)
        body = body_of(request)
        only(body, "type", "class", "region", "reference", "isDefault", "expiresAt")
        if body.get("type") not in TYPES:
            raise bad_request("BadJsonBody", f"`type` must be one of {', '.join(TYPES)}")
        reference = body.get("reference")
        identifier = reference.removeprefix("preview/") if reference and body["type"] == "preview" else None
        made = self._deployments.add(
            body["type"],
            reference=reference,
            identifier=identifier,
            expires=expiry_of(body, _LONGEST_EXPIRY),
            default=body.get("isDefault"),
        )
        return answer(self._shown(made))

    def deployment(self, request: Request, name: str) -> Response:
        """One by name."""
        self._caller(request)
        return answer(self._shown(self._account.deployment(name)))

    def patch_deployment(self, request: Request, name: str) -> Response:
        """Change settings; `expiresAt: null` clears the expiry."""
        self._caller(request)
        self._account.deployment(name)
        body = body_of(request)
        only(body, *_PATCHABLE)
        expiry_of(body, _LONGEST_EXPIRY)
        fields = {("type" if field == "deploymentType" else field): value for field, value in body.items()}
        self._account.update(name, **fields)
        self._deployments.host.apply()
        return empty()

    def delete_deployment(self, request: Request, name: str) -> Response:
        """Delete a deployment with its data and files."""
        self._caller(request)
        self._deployments.remove(name)
        return empty()

    def create_deploy_key(self, request: Request, name: str) -> Response:
        """Make a key of a deployment; its secret is shown once."""
        self._caller(request)
        deployment = self._account.deployment(name)
        body = body_of(request)
        only(body, "name", "allowedActions", "expiresAt")
        actions = body.get("allowedActions")
        if actions is not None and not (isinstance(actions, list) and keys.ACTIONS.issuperset(actions)):
            raise bad_request("BadJsonBody", "`allowedActions` names an action that does not exist")
        secret = keys.new_secret()
        self._account.add_key(text_of(body, "name"), secret, deployment=name, actions=actions, expires=expiry_of(body))
        self._deployments.host.apply()
        return answer({"deployKey": keys.deployment_key(deployment["type"], name, secret)})

    def list_deploy_keys(self, request: Request, name: str) -> Response:
        """Keys of a deployment, without secrets."""
        self._caller(request)
        self._account.deployment(name)
        return answer([_shown_key(key) for key in self._account.keys_of(name) if not key["secret"]])

    def delete_deploy_key(self, request: Request, name: str) -> Response:
        """Revoke a key at once."""
        self._caller(request)
        self._account.deployment(name)
        self._account.remove_key(text_of(body_of(request), "id"), name)
        self._deployments.host.apply()
        return empty()

    def create_preview_deploy_key(self, request: Request, project: int) -> Response:
        """Make a key that claims previews."""
        self._caller(request, project)
        body = body_of(request)
        only(body, "name", "expiresAt")
        secret = keys.new_secret()
        self._account.add_key(text_of(body, "name"), secret, deployment=None, expires=expiry_of(body))
        team, name = self._account.team["slug"], self._account.project["slug"]
        return answer({"previewDeployKey": keys.preview_key(team, name, secret)})

    def list_preview_deploy_keys(self, request: Request, project: int) -> Response:
        """Preview keys, without secrets."""
        self._caller(request, project)
        return answer({"items": [_shown_key(key) for key in self._account.keys_of(None)]})

    def delete_preview_deploy_key(self, request: Request, project: int) -> Response:
        """Revoke a preview key."""
        self._caller(request, project)
        self._account.remove_key(text_of(body_of(request), "id"), None)
        return empty()

    def list_defaults(self, request: Request, project: int) -> Response:
        """Default environment variables; `name` and `deploymentType` select."""
        self._caller(request, project)
        wanted, kind = request.args.get("name"), request.args.get("deploymentType")
        found: dict[tuple[str, str], list[str]] = {}
        for one in TYPES:
            for name, value in self._account.defaults(one).items():
                if wanted in {None, name} and kind in {None, one}:
                    found.setdefault((name, value), []).append(one)
        items = [
            {"name": name, "value": value, "deploymentTypes": kinds} for (name, value), kinds in sorted(found.items())
        ]
        return answer(_page(items))

    def update_defaults(self, request: Request, project: int) -> Response:
        """Set or remove default variables; existing deployments keep what they have."""
        self._caller(request, project)
        changes = body_of(request).get("changes")
        if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
            raise bad_request("BadJsonBody", "`changes` must be a list of objects")
        for change in changes:
            only(change, "name", "deploymentType", "value")
            if change.get("deploymentType") not in TYPES:
                raise bad_request("BadJsonBody", f"`deploymentType` must be one of {', '.join(TYPES)}")
            text_of(change, "name")
        for change in changes:
            self._account.set_default(change["deploymentType"], change["name"], change.get("value"))
        return empty()

    def _caller(self, request: Request, project: int | None = None) -> Caller:
        caller = caller_of(request, self._account)
        require(caller, "team")
        if project is not None and project != self._account.project["id"]:
            raise not_found("ProjectNotFound", f"There is no project with the id {project}.")
        return caller

    def _require_team(self, team: int) -> None:
        if team != self._account.team["id"]:
            raise not_found("TeamNotFound", f"There is no team `{team}`.")

    def _project(self) -> dict[str, Any]:
        team, project = self._account.team, self._account.project
        names = {f"{kind}DeploymentName": self._account.find(type=kind, isDefault=True) for kind in ("prod", "dev")}
        return {
            **project,
            "teamId": team["id"],
            "teamSlug": team["slug"],
            **{field: found["name"] if found else None for field, found in names.items()},
        }

    def _selected(self, request: Request) -> list[dict[str, Any]]:
        kind, default = request.args.get("deploymentType"), request.args.get("isDefault")
        chosen = [
            one
            for one in self._account.deployments()
            if kind in {None, one["type"]} and default in {None, str(one["isDefault"]).lower()}
        ]
        times = self._deployments.host.status()
        return [self._shown(one, times) for one in chosen]

    def _found(self, request: Request) -> Response:
        if "reference" in request.args:
            found = self._account.find(reference=request.args["reference"])
        elif request.args.get("defaultProd") == "true":
            found = self._account.find(type="prod", isDefault=True)
        elif request.args.get("defaultDev") == "true":
            found = self._account.find(type="dev", isDefault=True)
        else:
            raise bad_request("BadQueryArgs", "one of `reference`, `defaultProd`, `defaultDev` is required")
        if not found:
            raise not_found("DeploymentNotFound", "There is no such deployment.")
        return answer(self._shown(found))

    def _shown(self, deployment: dict[str, Any], times: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
        times = self._deployments.host.status() if times is None else times
        shown = {field: value for field, value in deployment.items() if field != "type"}
        return {
            **shown,
            "kind": "cloud",
            "deploymentType": deployment["type"],
            "projectId": self._account.project["id"],
            "deploymentUrl": self._deployments.url(deployment),
            "lastDeployTime": times.get(deployment["name"], {}).get("lastDeployTime"),
            "creator": None,
        }


def _page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, "pagination": {"hasMore": False, "nextCursor": None}}


def _shown_key(key: dict[str, Any]) -> dict[str, Any]:
    fields = ("id", "name", "creationTime", "lastUsedTime", "expiresAt")
    actions = key["allowedActions"] or sorted(keys.ACTIONS)
    return {**{field: key[field] for field in fields}, "creator": None, "allowedActions": actions}
