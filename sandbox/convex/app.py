"""The control plane's HTTP application: which paths there are. Unknown ones are refused, and marked in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.convex.answers import Refusal, not_found
from sandbox.convex.control import ControlPlane
from sandbox.convex.deployments import Deployments
from sandbox.convex.management import Management
from sandbox.requestlog import mark, reads_only

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handler = Callable[..., Response]

# POSTs that change nothing.
_READING = frozenset(
    f"/api/deployment/{name}"
    for name in ("url_for_key", "team_and_project_for_key", "authorize_preview", "authorize_prod")
)


class App:
    """The WSGI application."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self._routes = _routes(ControlPlane(deployments), Management(deployments))
        self._map = Map([Rule(path, methods=[method], endpoint=handler) for method, path, handler in self._routes])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; requests change the account one after the other."""
        with self._deployments.account.lock:
            self._deployments.remove_expired()
            response = self._respond(Request(environ))
        return response(environ, start_response)

    def paths(self) -> list[str]:
        """What is covered."""
        return [f"{method} {path}" for method, path, _ in self._routes]

    def _respond(self, request: Request) -> Response:
        try:
            handler, variables = self._map.bind_to_environ(request.environ).match()
        except HTTPException:
            mark(request.environ, unknown=True)
            message = f"the sandbox does not know {request.method} {request.path} of Convex's control plane"
            return not_found("SandboxUnknownPath", message).response()
        try:
            return _call(handler, request, variables)
        except Refusal as refusal:
            return refusal.response()


def mutating(method: str, path: str) -> bool:
    """True when a success would change something."""
    return not reads_only(method) and path.partition("?")[0] not in _READING


def _call(handler: Handler, request: Request, variables: Mapping[str, Any]) -> Response:
    return handler(request, **variables)


def _routes(control: ControlPlane, management: Management) -> list[tuple[str, str, Handler]]:
    project = "/v1/projects/<int:project>"
    deployment = "/v1/deployments/<name>"
    return [
        ("POST", "/api/deployment/url_for_key", control.url_for_key),
        ("POST", "/api/deployment/team_and_project_for_key", control.team_and_project_for_key),
        ("GET", "/api/deployment/<name>/team_and_project", control.team_and_project),
        ("POST", "/api/claim_preview_deployment", control.claim_preview),
        ("POST", "/api/deployment/authorize_preview", control.authorize_preview),
        ("POST", "/api/deployment/provision_and_authorize", control.provision_and_authorize),
        ("POST", "/api/deployment/authorize_prod", control.authorize_prod),
        ("GET", "/v1/version", control.version),
        ("GET", "/v1/token_details", management.token_details),
        ("GET", "/v1/teams/<int:team>/projects", management.list_projects),
        ("GET", "/v1/teams/<team>/projects/<project>", management.project_by_slug),
        ("GET", "/v1/teams/<team>/projects/<project>/deployment", management.find_deployment_by_slug),
        ("GET", "/v1/teams/<int:team>/list_deployments", management.list_team_deployments),
        ("GET", project, management.project),
        ("GET", f"{project}/list_deployments", management.list_deployments),
        ("GET", f"{project}/deployment", management.find_deployment),
        ("POST", f"{project}/create_deployment", management.create_deployment),
        ("POST", f"{project}/create_preview_deploy_key", management.create_preview_deploy_key),
        ("GET", f"{project}/list_preview_deploy_keys", management.list_preview_deploy_keys),
        ("POST", f"{project}/delete_preview_deploy_key", management.delete_preview_deploy_key),
        ("GET", f"{project}/list_default_environment_variables", management.list_defaults),
        ("POST", f"{project}/update_default_environment_variables", management.update_defaults),
        ("GET", deployment, management.deployment),
        ("PATCH", deployment, management.patch_deployment),
        ("POST", f"{deployment}/delete", management.delete_deployment),
        ("POST", f"{deployment}/create_deploy_key", management.create_deploy_key),
        ("GET", f"{deployment}/list_deploy_keys", management.list_deploy_keys),
        ("POST", f"{deployment}/delete_deploy_key", management.delete_deploy_key),
    ]
