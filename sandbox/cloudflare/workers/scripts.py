"""The classic API of one script: upload, settings, content, workers.dev, cron triggers, deletion, `services`."""

from __future__ import annotations

import re
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.crud import merged
from sandbox.cloudflare.values import hex_id
from sandbox.cloudflare.workers import model, uploads
from sandbox.cloudflare.workers.files import Files
from sandbox.tables import Body

_ACCOUNT = "/accounts/<account_id>/workers"
_SCRIPT = f"{_ACCOUNT}/scripts/<name>"
_CRON = re.compile(r"\s*\S+(\s+\S+){4}\s*")
_SHARED = ("logpush", "tags", "tail_consumers", "observability")


def _script(call: Call, worker: Body, version: Body) -> dict[str, Any]:
    """The script as its upload and the listing answer it."""
    shown = {
        "id": worker["name"],
        "etag": version["etag"],
        "handlers": version["handlers"],
        "created_on": worker["created_on"],
        "modified_on": version["created_on"],
        "usage_model": version["usage_model"],
        "compatibility_date": version["compatibility_date"],
        "compatibility_flags": version["compatibility_flags"],
        "logpush": worker["logpush"],
        "has_assets": version["assets"] is not None,
        "has_modules": version["main_module"] is not None,
        "last_deployed_from": worker["last_deployed_from"],
        "tail_consumers": worker["tail_consumers"] or None,
        "startup_time_ms": version["startup_time_ms"],
        "tag": worker["id"],
    }
    if worker["observability"] is not None:
        shown["observability"] = worker["observability"]
    if version.get("migration_tag"):
        shown["migration_tag"] = version["migration_tag"]
    return shown


def _upload(call: Call, name: str) -> Answer:
    existing = next((w for w in call.state.all("workers", call.account_id) if w["name"] == name), None)
    worker = existing or model.save(call, model.new_worker(call, name))
    content, metadata = uploads.from_form(call, model.newest(call, worker))
    changes = {key: metadata[key] for key in _SHARED if metadata.get(key) is not None}
    # PUT replaces: what is not sent is off. The other settings stay, as clients other than Terraform do not send them.
    model.save(call, worker, **{"observability": None, **changes})
    annotations = metadata.get("annotations") or {}
    version = model.add_version(call, model.find_worker(call, worker["id"]), content, annotations, "upload")
    share = {"version_id": version["id"], "percentage": 100}
    model.deploy(
        call, model.find_worker(call, worker["id"]), [share], {**annotations, "workers/triggered_by": "upload"}
    )
    answer = _script(call, model.find_worker(call, worker["id"]), version)
    return ok({**answer, "deployment_id": version["id"].replace("-", "")})


def _listing(call: Call) -> Answer:
    workers = call.state.all("workers", call.account_id)
    return ok([_script(call, worker, version) for worker in workers if (version := model.newest(call, worker))])


def _current(call: Call, name: str) -> tuple[Body, Body]:
    """The Worker and its newest version; without one there is no script."""
    worker = model.find_worker(call, name)
    version = model.newest(call, worker)
    if version is None:
        raise Refusal(*model.NO_WORKER)
    return worker, version


def _content(call: Call, name: str) -> Answer:
    """The exact bytes that were uploaded: plain for a script, a form for modules."""
    _, version = _current(call, name)
    files = Files(call.world.folder)
    if version["body_part"]:
        module = next(m for m in version["modules"] if m["name"] == version["body_part"])
        return Answer(files.module(module["file"]).read_bytes(), content_type=module["content_type"])
    boundary = f"sandbox-{hex_id()}"
    ordered = sorted(version["modules"], key=lambda module: module["name"] != version["main_module"])
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{m["name"]}"; filename="{m["name"]}"\r\n'
        f"Content-Type: {m['content_type']}\r\n\r\n".encode()
        + files.module(m["file"]).read_bytes()
        + b"\r\n"
        for m in ordered
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return Answer(body, content_type=f"multipart/form-data; boundary={boundary}")


def _settings(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    version = model.newest(call, worker)
    shown: dict[str, Any] = {
        "bindings": uploads.hidden(version["bindings"]) if version else [],
        "compatibility_date": version["compatibility_date"] if version else "",
        "compatibility_flags": version["compatibility_flags"] if version else [],
        # The provider's process dies when this is not an object.
        "placement": (version or {}).get("placement") or {},
        "tail_consumers": worker["tail_consumers"],
        "logpush": worker["logpush"],
        "tags": worker["tags"],
        "usage_model": version["usage_model"] if version else "standard",
    }
    for key in ("limits", "cache_options"):
        if version and version.get(key):
            shown[key] = version[key]
    if worker["observability"] is not None:
        shown["observability"] = worker["observability"]
    if worker["migration_tag"]:
        shown["migration_tag"] = worker["migration_tag"]
    return ok(shown)


def _script_settings(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    if call.request.method == "PATCH":
        body = call.object()
        if strange := set(body) - set(_SHARED):
            raise Refusal(400, 10021, f"`{min(strange)}` is not a setting of a script")
        # Clients leave out what they do not own (traces, for Wrangler), so objects are merged.
        worker = model.save(call, worker, **merged({key: worker[key] for key in _SHARED}, body), updated_on=call.time)
    return ok({key: worker[key] for key in _SHARED if worker[key] is not None})


def _service(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    version = model.newest(call, worker)
    script: dict[str, Any] = {
        "id": worker["name"],
        "tag": worker["id"],
        "tags": worker["tags"],
        "handlers": version["handlers"] if version else [],
        "last_deployed_from": worker["last_deployed_from"],
        "created_on": worker["created_on"],
        "modified_on": worker["updated_on"],
    }
    if worker["migration_tag"]:
        script["migration_tag"] = worker["migration_tag"]
    environment = {
        "environment": "production",
        "created_on": worker["created_on"],
        "modified_on": worker["updated_on"],
        "script": script,
    }
    return ok(
        {
            "id": worker["name"],
            "created_on": worker["created_on"],
            "modified_on": worker["updated_on"],
            "default_environment": environment,
        }
    )


def _remove(call: Call, name: str) -> Answer:
    model.remove(call, model.find_worker(call, name), force=call.query.get("force") == "true")
    return ok(None)


def _subdomain(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    state = dict(worker["subdomain"])
    if call.request.method == "POST":
        body = call.object()
        if not isinstance(body.get("enabled"), bool):
            raise Refusal(400, 10021, "`enabled` must be true or false")
        state.update({key: bool(body[key]) for key in ("enabled", "previews_enabled") if body.get(key) is not None})
    if call.request.method == "DELETE":
        state = {"enabled": False, "previews_enabled": False}
    if state != worker["subdomain"]:
        model.save(call, worker, subdomain=state, updated_on=call.time)
        call.sites_changed = True
    return ok(state)


def _schedules(call: Call, name: str) -> Answer:
    worker = model.find_worker(call, name)
    schedules = worker["schedules"]
    if call.request.method == "PUT":
        schedules = _merged_schedules(call, call.json(), schedules)
        model.save(call, worker, schedules=schedules)
        call.sites_changed = True
    return ok({"schedules": schedules})


def _merged_schedules(call: Call, wanted: Any, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not isinstance(wanted, list):
        raise Refusal(400, 6007, "Malformed JSON in request body: a list of schedules is expected")
    known = {item["cron"]: item for item in before}
    made = []
    for item in wanted:
        cron = item.get("cron") if isinstance(item, dict) else None
        if not isinstance(cron, str) or not _CRON.fullmatch(cron):
            raise Refusal(400, 10100, f"invalid cron string: {cron}")
        made.append(known.get(cron) or {"cron": cron, "created_on": call.time, "modified_on": call.time})
    return made


def account_subdomain(call: Call) -> str:
    """The account's name below workers.dev."""
    kept = call.state.get("workers_subdomain", call.account_id, "subdomain")
    return str(kept["subdomain"]) if kept else re.sub(r"[^a-z0-9-]+", "-", str(call.account["name"]).lower()).strip("-")


def _account_subdomain(call: Call) -> Answer:
    if call.request.method == "PUT":
        call.state.put(
            "workers_subdomain", call.account_id, "subdomain", {"subdomain": str(call.object().get("subdomain"))}
        )
        call.sites_changed = True
    return ok({"subdomain": account_subdomain(call)})


def _durable_objects(call: Call) -> Answer:
    found = [
        {
            "id": f"{worker['id'][:16]}{index:016x}",
            "name": f"{worker['name']}_{binding['class_name']}",
            "script": worker["name"],
            "class": binding["class_name"],
        }
        for worker in call.state.all("workers", call.account_id)
        if (version := model.newest(call, worker))
        for index, binding in enumerate(version["bindings"])
        if binding["type"] == "durable_object_namespace" and binding.get("script_name") in (None, worker["name"])
    ]
    return ok(found if call.query.get("page", "1") == "1" else [])


ROUTES = (
    Route("GET", f"{_ACCOUNT}/services/<name>", _service),
    Route("DELETE", f"{_ACCOUNT}/services/<name>", _remove),
    Route("GET", f"{_ACCOUNT}/scripts", _listing),
    Route("PUT", _SCRIPT, _upload),
    Route("GET", _SCRIPT, _content),
    Route("DELETE", _SCRIPT, _remove),
    Route("GET", f"{_SCRIPT}/content/v2", _content),
    Route("GET", f"{_SCRIPT}/settings", _settings),
    Route("GET", f"{_SCRIPT}/script-settings", _script_settings),
    Route("PATCH", f"{_SCRIPT}/script-settings", _script_settings),
    *(Route(method, f"{_SCRIPT}/subdomain", _subdomain) for method in ("GET", "POST", "DELETE")),
    *(Route(method, f"{_SCRIPT}/schedules", _schedules) for method in ("GET", "PUT")),
    *(Route(method, f"{_ACCOUNT}/subdomain", _account_subdomain) for method in ("GET", "PUT")),
    Route("GET", f"{_ACCOUNT}/durable_objects/namespaces", _durable_objects),
)
