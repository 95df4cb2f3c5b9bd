"""Versions, deployments and secrets through the classic API. A changed secret is a new version, live at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.workers import model, uploads
from sandbox.tables import Body

_SCRIPT = "/accounts/<account_id>/workers/scripts/<name>"
_SECRET_TYPES = ("secret_text", "secret_key")
_RECENT = 10  # how many versions can still be deployed
_NOT_LATEST = (
    "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't currently "
    "deployed. Please ensure that the latest version of your Worker is fully deployed."
)
# What a version does not take along when it is copied.
_OWN = ("id", "number", "created_on", "source", "author_id", "author_email", "annotations", "startup_time_ms")


def has_preview(version: Body) -> bool:
    """Versions with code get a preview address when their Worker allows it."""
    return bool(version["main_module"] or version["assets"])


def _summary(version: Body) -> dict[str, Any]:
    return {
        "id": version["id"],
        "number": version["number"],
        "metadata": {
            "created_on": version["created_on"],
            "modified_on": version["created_on"],
            "source": version["source"],
            "author_id": version["author_id"],
            "author_email": version["author_email"],
            "has_preview": has_preview(version),
        },
        "annotations": version["annotations"],
    }


def _shown(version: Body) -> dict[str, Any]:
    runtime = {key: version[key] for key in ("compatibility_date", "compatibility_flags", "usage_model")}
    if version.get("limits"):
        runtime["limits"] = version["limits"]
    script = {"etag": version["etag"], "handlers": version["handlers"], "last_deployed_from": version["source"]}
    resources = {"script": script, "script_runtime": runtime, "bindings": uploads.hidden(version["bindings"])}
    return {**_summary(version), "resources": resources, "startup_time_ms": version["startup_time_ms"]}


def _upload(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    content, metadata = uploads.from_form(call, model.newest(call, worker))
    return ok(_shown(model.add_version(call, worker, content, metadata.get("annotations") or {}, "version_upload")))


def _listing(call: Call, name: str) -> Answer:
    found = model.versions(call, model.find_worker(call, name))[::-1]
    return ok({"items": [_summary(version) for version in found[:_RECENT]]})


def _read(call: Call, name: str, version_id: str) -> Answer:
    return ok(_shown(model.find_version(call, model.find_worker(call, name), version_id)))


def _deployments(call: Call, name: str) -> Answer:
    return ok({"deployments": model.deployments(call, model.find_worker(call, name))[::-1]})


def _deployment(call: Call, name: str, deployment_id: str) -> Answer:
    worker = model.find_worker(call, name)
    found = call.state.get("deployments", worker["id"], deployment_id)
    if found is None:
        raise Refusal(404, 10046, "deployment not found")
    return ok(found)


def _deploy(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    body = call.object()
    annotations = body.get("annotations") or {}
    return ok(model.deploy(call, worker, body.get("versions") or [], annotations, str(body.get("strategy"))))


def _with_version(call: Call, name: str) -> tuple[Body, Body]:
    worker = model.find_worker(call, name)
    version = model.newest(call, worker)
    if version is None:
        raise Refusal(*model.NO_WORKER)
    return worker, version


def _secrets(call: Call, name: str) -> Answer:
    version = model.newest(call, model.find_worker(call, name))
    bindings = version["bindings"] if version else []
    return ok([{"name": b["name"], "type": b["type"]} for b in bindings if b["type"] in _SECRET_TYPES])


def changed_environment(bindings: list[dict[str, Any]], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bindings with some added or replaced, and those that are null removed."""
    made = [dict(binding) for binding in bindings if binding["name"] not in wanted]
    for name, value in wanted.items():
        if value is None:
            continue
        if not isinstance(value, Mapping) or not isinstance(value.get("text"), str) or not name:
            raise Refusal(400, 10021, f"the secret `{name}` needs a text")
        made.append({**value, "name": name, "type": value.get("type") or "secret_text"})
    return made


def copied(version: Body, bindings: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of a version with other bindings."""
    return {**{key: value for key, value in version.items() if key not in _OWN}, "bindings": bindings}


def _change_secrets(call: Call, name: str, wanted: Mapping[str, Any]) -> None:
    worker, version = _with_version(call, name)
    live = model.deployments(call, worker)[-1:]
    if not live or [share["version_id"] for share in live[0]["versions"]] != [version["id"]]:
        raise Refusal(400, 10215, _NOT_LATEST)
    content = copied(version, changed_environment(list(version["bindings"]), wanted))
    made = model.add_version(call, worker, content, {}, "secret")
    share = {"version_id": made["id"], "percentage": 100}
    model.deploy(call, model.find_worker(call, worker["id"]), [share], {"workers/triggered_by": "secret"})


def _put_secret(call: Call, name: str) -> Answer:
    body = call.object()
    _change_secrets(call, name, {str(body.get("name") or ""): body})
    return ok({"name": body["name"], "type": body.get("type") or "secret_text"})


def _bulk_secrets(call: Call, name: str) -> Answer:
    wanted = call.object().get("secrets")
    if not isinstance(wanted, dict) or not wanted:
        raise Refusal(400, 10021, "`secrets` must be an object")
    _change_secrets(call, name, wanted)
    return _secrets(call, name)


def _find_secret(call: Call, name: str, secret: str) -> Body:
    _, version = _with_version(call, name)
    found = next((b for b in version["bindings"] if b["name"] == secret and b["type"] in _SECRET_TYPES), None)
    if found is None:
        raise Refusal(404, 10056, f"Binding '{secret}' not found.")
    return dict(found)


def _secret(call: Call, name: str, secret: str) -> Answer:
    found = _find_secret(call, name, secret)
    return ok({"name": found["name"], "type": found["type"]})


def _delete_secret(call: Call, name: str, secret: str) -> Answer:
    _find_secret(call, name, secret)
    _change_secrets(call, name, {secret: None})
    return ok(None)


ROUTES = (
    Route("GET", f"{_SCRIPT}/versions", _listing),
    Route("POST", f"{_SCRIPT}/versions", _upload),
    Route("GET", f"{_SCRIPT}/versions/<version_id>", _read),
    Route("GET", f"{_SCRIPT}/deployments", _deployments),
    Route("POST", f"{_SCRIPT}/deployments", _deploy),
    Route("GET", f"{_SCRIPT}/deployments/<deployment_id>", _deployment),
    Route("GET", f"{_SCRIPT}/secrets", _secrets),
    Route("PUT", f"{_SCRIPT}/secrets", _put_secret),
    Route("GET", f"{_SCRIPT}/secrets/<secret>", _secret),
    Route("DELETE", f"{_SCRIPT}/secrets/<secret>", _delete_secret),
    Route("PATCH", f"{_SCRIPT}/secrets-bulk", _bulk_secrets),
)
