"""The newer API: a Worker as a named thing with an id, and versions made of JSON. Same objects as the classic API."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok, page
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.crud import merged
from sandbox.cloudflare.workers import model, uploads
from sandbox.cloudflare.workers.files import Files
from sandbox.cloudflare.workers.scripts import account_subdomain
from sandbox.cloudflare.workers.versions import changed_environment, copied
from sandbox.tables import Body

_PATH = "/accounts/<account_id>/workers/workers"
_ONE = f"{_PATH}/<worker>"
_VERSIONS = f"{_ONE}/versions"
_OBSERVABILITY = {
    "enabled": False,
    "head_sampling_rate": 1,
    "logs": {"destinations": [], "enabled": False, "head_sampling_rate": 1, "invocation_logs": True, "persist": True},
    "traces": {"destinations": [], "enabled": False, "head_sampling_rate": 1, "persist": True},
}
_WRITABLE = ("name", "logpush", "tags", "observability", "subdomain", "tail_consumers")


def _shown(call: Call, worker: Body) -> dict[str, Any]:
    domains = [
        {
            "id": domain["id"],
            "hostname": domain["hostname"],
            "zone_id": domain["zone_id"],
            "zone_name": domain["zone_name"],
            "certificate_id": domain["cert_id"],
        }
        for domain in call.state.all("worker_domains", call.account_id)
        if domain["worker_id"] == worker["id"]
    ]
    subdomain = dict(worker["subdomain"])
    if call.source() == "wrangler":
        # Wrangler makes preview addresses of it; Terraform's schema does not know the field.
        subdomain["preview_url_suffix"] = f"-{worker['name']}.{account_subdomain(call)}.workers.dev"
    return {
        "id": worker["id"],
        "name": worker["name"],
        "created_on": worker["created_on"],
        "updated_on": worker["updated_on"],
        "deployed_on": worker["deployed_on"],
        "logpush": worker["logpush"],
        "tags": worker["tags"],
        "observability": worker["observability"] or _OBSERVABILITY,
        "subdomain": subdomain,
        "tail_consumers": worker["tail_consumers"],
        "references": {
            "workers": [],
            "durable_objects": [],
            "dispatch_namespace_outbounds": [],
            "queues": [],
            "domains": domains,
        },
    }


def _complete(body: Body) -> dict[str, Any]:
    """The writable fields with their defaults."""
    subdomain = body.get("subdomain") or {}
    enabled = bool(subdomain.get("enabled"))
    return {
        "logpush": bool(body.get("logpush")),
        "tags": list(body.get("tags") or []),
        "observability": body.get("observability") or _OBSERVABILITY,
        "subdomain": {"enabled": enabled, "previews_enabled": bool(subdomain.get("previews_enabled", enabled))},
        "tail_consumers": list(body.get("tail_consumers") or []),
    }


def _listing(call: Call) -> Answer:
    return page([_shown(call, worker) for worker in call.state.all("workers", call.account_id)], call.query)


def _create(call: Call) -> Answer:
    body = call.object()
    worker = model.save(call, model.new_worker(call, str(body.get("name") or "")), **_complete(body))
    return ok(_shown(call, worker))


def _read(call: Call, worker: str) -> Answer:
    return ok(_shown(call, model.find_worker(call, worker)))


def _change(call: Call, worker: str) -> Answer:
    old = model.find_worker(call, worker)
    body = call.object()
    if call.request.method == "PATCH":
        body = merged({key: old[key] for key in _WRITABLE}, body)
    name = str(body.get("name") or old["name"])
    if name != old["name"]:
        model.new_worker(call, name)  # the rules for a new name hold for a changed one
        _follow_name(call, old["name"], name)
    changed = model.save(call, old, name=name, **_complete(body), updated_on=call.time)
    call.sites_changed = True
    return ok(_shown(call, changed))


def _follow_name(call: Call, old: str, new: str) -> None:
    """Routes name the script; they go on naming the same Worker."""
    for zone, route in call.state.scopes("worker_routes"):
        if route["script"] == old:
            call.state.put("worker_routes", zone, str(route["id"]), {**route, "script": new})


def _remove(call: Call, worker: str) -> Answer:
    model.remove(call, model.find_worker(call, worker), force=False)
    return ok(None)


def _version(call: Call, worker: Body, version: Body, *, modules: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": version["id"],
        "number": version["number"],
        "created_on": version["created_on"],
        "source": version["source"],
        "urls": [f"https://{version['id'][:8]}-{worker['name']}.{account_subdomain(call)}.workers.dev"],
        "usage_model": version["usage_model"],
        "startup_time_ms": version["startup_time_ms"],
        "migration_tag": version["migration_tag"],
    }
    if version["bindings"]:
        # Clients match the computed parts of bindings by position, so the order is by name.
        shown["bindings"] = sorted(uploads.hidden(version["bindings"]), key=lambda binding: str(binding["name"]))
    shown["compatibility_date"] = version["compatibility_date"]
    if version["compatibility_flags"]:
        shown["compatibility_flags"] = version["compatibility_flags"]
    shown["main_module"] = version["main_module"]
    for key in ("limits", "placement"):
        if version.get(key):
            shown[key] = version[key]
    shown["annotations"] = version["annotations"]
    if modules:
        files = Files(call.world.folder)
        shown["modules"] = [
            {
                "content_base64": base64.b64encode(files.module(module["file"]).read_bytes()).decode(),
                "content_type": module["content_type"],
                "name": module["name"],
            }
            for module in version["modules"]
        ]
    return shown


def _versions(call: Call, worker: str) -> Answer:
    found = model.find_worker(call, worker)
    shown = [_version(call, found, version, modules=False) for version in model.versions(call, found)[::-1]]
    return page(shown, call.query)


def _add_version(call: Call, worker: str) -> Answer:
    found = model.find_worker(call, worker)
    body = call.object()
    content = uploads.from_json(call, body, model.newest(call, found))
    version = model.add_version(call, found, content, body.get("annotations") or {}, "create_version_api")
    if call.query.get("deploy") == "true":
        model.deploy(call, model.find_worker(call, found["id"]), [{"version_id": version["id"], "percentage": 100}], {})
    return ok(_version(call, found, version, modules=False))


def _read_version(call: Call, worker: str, version: str) -> Answer:
    found = model.find_worker(call, worker)
    wanted = "modules" in call.query.get("include", "").split(",")
    return ok(_version(call, found, model.find_version(call, found, version), modules=wanted))


def _remove_version(call: Call, worker: str, version: str) -> Answer:
    found = model.find_worker(call, worker)
    doomed = model.find_version(call, found, version)
    live = model.deployments(call, found)[-1:]
    if any(share["version_id"] == doomed["id"] for deployment in live for share in deployment["versions"]):
        raise Refusal(400, 10045, "a deployed version cannot be deleted")
    call.state.delete("versions", found["id"], doomed["id"])
    return ok(None)


def _change_latest(call: Call, worker: str) -> Answer:
    """A new version like the newest one with another environment; not deployed (`wrangler versions secret put`)."""
    found = model.find_worker(call, worker)
    body = call.object()
    version = model.find_version(call, found, "latest")
    if strange := set(body) - {"env", "annotations"}:
        raise Refusal(400, 10021, f"the sandbox cannot change `{min(strange)}` of a version", unknown=True)
    content = copied(version, changed_environment(list(version["bindings"]), body.get("env") or {}))
    made = model.add_version(call, found, content, body.get("annotations") or {}, "secret")
    return ok(_version(call, found, made, modules=False))


ROUTES = (
    Route("GET", _PATH, _listing),
    Route("POST", _PATH, _create),
    Route("GET", _ONE, _read),
    Route("PUT", _ONE, _change),
    Route("PATCH", _ONE, _change),
    Route("DELETE", _ONE, _remove),
    Route("GET", _VERSIONS, _versions),
    Route("POST", _VERSIONS, _add_version),
    Route("GET", f"{_VERSIONS}/<version>", _read_version),
    Route("DELETE", f"{_VERSIONS}/<version>", _remove_version),
    Route("PATCH", f"{_VERSIONS}/latest", _change_latest),
)
