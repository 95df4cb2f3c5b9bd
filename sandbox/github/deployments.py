"""Deployments and their statuses: which commit is, or was, where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.github import commits, environments, fields, statuses
from sandbox.github.answers import Answer, Refusal, invalid, malformed, nothing, ok, too_long
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import app, node_id, user
from sandbox.tables import Body

_READ = needs("deployments:read")
_WRITE = needs("deployments:write")
_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
_LARGEST_DESCRIPTION = 140


def find(call: Call, identifier: int) -> Body:
    """One deployment."""
    return call.find("deployments", identifier)


def latest_state(call: Call, identifier: int) -> str | None:
    """The state of the newest status."""
    found = call.state.all("deployment_statuses", str(identifier))
    return str(found[-1]["state"]) if found else None


def add(call: Call, ref: str, sha: str, environment: str, login: str, **wishes: Any) -> dict[str, Any]:
    """A new deployment; its environment exists from now on."""
    environments.ensure(call, environment)
    identifier = call.next_id("deployment_id", first=2_800_000_001)
    deployment = {
        "id": identifier,
        "sha": sha,
        "ref": ref,
        "task": wishes.get("task", "deploy"),
        "payload": wishes.get("payload", {}),
        "original_environment": environment,
        "environment": environment,
        "description": wishes.get("description"),
        "creator": login,
        "transient_environment": wishes.get("transient", False),
        "production_environment": wishes.get("production", environment == "production"),
        "created_at": call.time,
        "updated_at": call.time,
    }
    call.state.put("deployments", "-", str(identifier), deployment)
    return deployment


def set_status(call: Call, deployment: Body, login: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A new status; a success makes the earlier ones of that environment inactive, unless it is told not to."""
    environment = wish.get("environment") or deployment["environment"]
    identifier = deployment["id"]
    status = {
        "id": call.next_id("deployment_status_id", first=5_600_000_001),
        "deployment": identifier,
        "state": wish["state"],
        "creator": login,
        "description": wish.get("description") or "",
        "environment": environment,
        "log_url": wish.get("log_url") or wish.get("target_url") or "",
        "environment_url": wish.get("environment_url") or "",
        "created_at": call.time,
    }
    call.state.put("deployment_statuses", str(identifier), str(status["id"]), status)
    changed = {**deployment, "environment": environment, "updated_at": call.time}
    call.state.put("deployments", "-", str(identifier), changed)
    if wish["state"] == "success" and wish.get("auto_inactive", True):
        for other in call.state.all("deployments", "-"):
            lasting = other["transient_environment"] or other["production_environment"]
            same = other["environment"] == environment and other["id"] < identifier
            if same and not lasting and latest_state(call, other["id"]) == "success":
                set_status(call, other, login, {"state": "inactive"})
    return status


def shown(call: Call, deployment: Body) -> dict[str, Any]:
    """A deployment as GitHub writes it."""
    identifier, url = deployment["id"], call.repository_url
    names = (
        "id", "sha", "ref", "task", "payload", "original_environment", "environment", "description",
        "transient_environment", "production_environment", "created_at", "updated_at",
    )  # fmt: skip
    return {
        **{name: deployment[name] for name in names},
        "url": f"{url}/deployments/{identifier}",
        "node_id": node_id("Deployment", identifier),
        "creator": user(deployment["creator"], call.world.url),
        "statuses_url": f"{url}/deployments/{identifier}/statuses",
        "repository_url": url,
        "performed_via_github_app": app(deployment["creator"], call.world.url),
    }


def _shown_status(call: Call, status: Body) -> dict[str, Any]:
    url = f"{call.repository_url}/deployments/{status['deployment']}"
    names = ("id", "state", "description", "environment", "log_url", "environment_url", "created_at")
    return {
        **{name: status[name] for name in names},
        "url": f"{url}/statuses/{status['id']}",
        "node_id": node_id("DeploymentStatus", status["id"]),
        "creator": user(status["creator"], call.world.url),
        "target_url": status["log_url"],
        "performed_via_github_app": app(status["creator"], call.world.url),
        "updated_at": status["created_at"],
        "deployment_url": url,
        "repository_url": call.repository_url,
    }


def _description(body: Mapping[str, Any], resource: str) -> str | None:
    text = fields.text(body, "description")
    if text and len(text) > _LARGEST_DESCRIPTION:
        raise too_long(resource, "description", _LARGEST_DESCRIPTION)
    return text


def _payload(body: Mapping[str, Any]) -> Any:
    payload = body.get("payload", {})
    if not isinstance(payload, (dict, str)):
        raise malformed("payload", "it is neither an object nor a string")
    if isinstance(payload, str) and payload:
        try:
            return json.loads(payload)
        except ValueError:
            return payload
    return payload


def _create(call: Call) -> Answer:
    body = call.object()
    fields.only(
        body,
        (
            "ref", "task", "auto_merge", "required_contexts", "payload", "environment", "description",
            "transient_environment", "production_environment",
        ),
    )  # fmt: skip
    ref = fields.required_text(body, "ref")
    environment = fields.text(body, "environment") or "production"
    contexts = fields.texts(body, "required_contexts")
    description, payload = _description(body, "Deployment"), _payload(body)
    transient = fields.flag(body, "transient_environment", default=False)
    production = fields.flag(body, "production_environment", default=environment == "production")
    task = fields.text(body, "task") or "deploy"
    sha = commits.resolve(call, ref)
    if sha is None:
        raise Refusal(422, f"No ref found for: {ref}")
    if fields.flag(body, "auto_merge", default=True) and (merged := _merge(call, ref)):
        return merged
    _check_contexts(call, ref, sha, contexts)
    wishes = {"task": task, "payload": payload, "description": description}
    deployment = add(call, ref, sha, environment, call.who.login, transient=transient, production=production, **wishes)
    return ok(shown(call, deployment), status=201)


def _merge(call: Call, ref: str) -> Answer | None:
    """A branch that is behind is merged instead of deployed: 202, and no deployment."""
    pulls = (pull for pull in call.state.all("pulls", "-") if pull["head"]["ref"] == ref and pull["merged_at"] is None)
    pull = next((pull for pull in pulls if pull["behind"]), None)
    if pull is None:
        return None
    branch = call.repository["default_branch"]
    if not pull["mergeable"]:
        raise Refusal(409, f"Conflict merging {branch} into {ref}.")
    call.state.put("pulls", "-", str(pull["number"]), {**pull, "behind": False})
    return ok({"message": f"Auto-merged {branch} into {ref} on deployment."}, status=202)


def _check_contexts(call: Call, ref: str, sha: str, wanted: list[str] | None) -> None:
    """409 when a context of the commit that counts is not a success; None means all of them."""
    states = statuses.contexts(call, sha)
    names = list(states) if wanted is None else wanted
    failed = [{"context": name, "state": states.get(name, "pending")} for name in names]
    failed = [each for each in failed if each["state"] != "success"]
    if failed:
        error = {"resource": "Deployment", "field": "required_contexts", "code": "invalid", "contexts": failed}
        raise Refusal(409, f"Conflict: Commit status checks failed for {ref}.", errors=[error])


def _listing(call: Call) -> Answer:
    found = [
        deployment
        for deployment in reversed(call.state.all("deployments", "-"))
        if all(
            call.query.get(name) in (None, "", "none", deployment[name])
            for name in ("sha", "ref", "task", "environment")
        )
    ]
    return call.page(found, shown=lambda deployment: shown(call, deployment))


def _read(call: Call, identifier: int) -> Answer:
    return ok(shown(call, find(call, identifier)))


def _remove(call: Call, identifier: int) -> Answer:
    find(call, identifier)
    alone = len(call.state.all("deployments", "-")) == 1
    if not alone and latest_state(call, identifier) == "success":
        raise Refusal(
            422, "We cannot delete an active deployment unless it is the only deployment in a given environment."
        )
    call.state.delete("deployments", "-", str(identifier))
    for status in call.state.all("deployment_statuses", str(identifier)):
        call.state.delete("deployment_statuses", str(identifier), str(status["id"]))
    return nothing()


def _create_status(call: Call, identifier: int) -> Answer:
    deployment = find(call, identifier)
    body = call.object()
    texts = ("target_url", "log_url", "environment_url", "environment")
    fields.only(body, ("state", "description", "auto_inactive", *texts))
    fields.required_text(body, "state")
    wish: dict[str, Any] = {name: fields.text(body, name) for name in texts}
    wish["state"] = fields.one_of(body, "state", _STATES)
    for name in texts[:3]:
        if wish[name] and not wish[name].startswith(("http://", "https://")):
            raise invalid("DeploymentStatus", name, code="custom", message=f"{name} must use http(s) scheme")
    wish["description"] = _description(body, "DeploymentStatus")
    wish["auto_inactive"] = fields.flag(body, "auto_inactive", default=True)
    return ok(_shown_status(call, set_status(call, deployment, call.who.login, wish)), status=201)


def _statuses(call: Call, identifier: int) -> Answer:
    find(call, identifier)
    newest = list(reversed(call.state.all("deployment_statuses", str(identifier))))
    return call.page(newest, shown=lambda status: _shown_status(call, status))


def _read_status(call: Call, identifier: int, status_id: int) -> Answer:
    return ok(_shown_status(call, call.find("deployment_statuses", status_id, scope=identifier)))


_ONE = "/deployments/<int:identifier>"
ROUTES = (
    Route("GET", "/deployments", _listing, _READ),
    Route("POST", "/deployments", _create, _WRITE),
    Route("GET", _ONE, _read, _READ),
    Route("DELETE", _ONE, _remove, _WRITE),
    Route("GET", f"{_ONE}/statuses", _statuses, _READ),
    Route("POST", f"{_ONE}/statuses", _create_status, _WRITE),
    Route("GET", f"{_ONE}/statuses/<int:status_id>", _read_status, _READ),
)
