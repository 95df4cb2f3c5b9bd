"""The Worker, its versions and deployments: how they are found, made and removed. No request form, no answer form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cloudflare.answers import Refusal
from sandbox.cloudflare.call import Call
from sandbox.cloudflare.values import hex_id, uuid_id
from sandbox.cloudflare.zones import USER
from sandbox.tables import Body

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NO_WORKER = (404, 10007, "This Worker does not exist on your account.")


def find_worker(call: Call, reference: str) -> Body:
    """A Worker by its id or its name."""
    found = call.state.get("workers", call.account_id, reference)
    if found is None:
        found = next((w for w in call.state.all("workers", call.account_id) if w["name"] == reference), None)
    if found is None:
        raise Refusal(*NO_WORKER)
    return found


def new_worker(call: Call, name: str) -> dict[str, Any]:
    """A Worker without a version; the caller completes and saves it."""
    if not _NAME.fullmatch(name):
        raise Refusal(
            400, 10016, "workers.api.error.invalid_script_name: lower-case letters, digits, `-` and `_`, at most 63"
        )
    if any(worker["name"] == name for worker in call.state.all("workers", call.account_id)):
        raise Refusal(409, 10043, f"A Worker with the name `{name}` already exists.")
    return {
        "id": hex_id(),
        "name": name,
        "created_on": call.time,
        "updated_on": call.time,
        "deployed_on": None,
        "logpush": False,
        "tags": [],
        "observability": None,
        "subdomain": {"enabled": False, "previews_enabled": False},
        "tail_consumers": [],
        "schedules": [],
        "migration_tag": None,
        "last_deployed_from": call.source(),
    }


def save(call: Call, worker: Body, **changes: Any) -> dict[str, Any]:
    """Keep a Worker with changed fields."""
    made = {**worker, **changes}
    call.state.put("workers", call.account_id, made["id"], made)
    return made


def versions(call: Call, worker: Body) -> list[Body]:
    """Oldest first."""
    return call.state.all("versions", worker["id"])


def newest(call: Call, worker: Body) -> Body | None:
    """The version that was made last, live or not."""
    found = versions(call, worker)
    return found[-1] if found else None


def find_version(call: Call, worker: Body, identifier: str) -> Body:
    """One version; `latest` is the newest."""
    found = newest(call, worker) if identifier == "latest" else call.state.get("versions", worker["id"], identifier)
    if found is None:
        raise Refusal(404, 10222, "version not found")
    return found


def deployments(call: Call, worker: Body) -> list[Body]:
    """Oldest first; the last one is live."""
    return call.state.all("deployments", worker["id"])


def is_deployed(call: Call, worker: Body) -> bool:
    """True when a version of it has been deployed."""
    return bool(deployments(call, worker))


def require_deployed(call: Call, worker: Body) -> None:
    """A host or route cannot be attached to a Worker that has never run: the API fails with its internal error."""
    if not is_deployed(call, worker):
        raise Refusal(
            500,
            10013,
            "An unknown error has occurred. If this error persists, please contact support "
            "(the Worker has no deployed version)",
        )


def add_version(
    call: Call, worker: Body, content: Mapping[str, Any], annotations: Mapping[str, Any], trigger: str
) -> dict[str, Any]:
    """Make a version of what was uploaded."""
    last = newest(call, worker)
    version = {
        "id": uuid_id(),
        "number": last["number"] + 1 if last else 1,
        "created_on": call.time,
        "source": call.source(),
        "author_id": USER["id"],
        "author_email": USER["email"],
        "annotations": {**annotations, "workers/triggered_by": trigger},
        "startup_time_ms": 1,
        **content,
    }
    call.state.put("versions", worker["id"], version["id"], version)
    save(call, worker, updated_on=call.time, migration_tag=version.get("migration_tag") or worker["migration_tag"])
    return version


def deploy(
    call: Call,
    worker: Body,
    shares: Sequence[Mapping[str, Any]],
    annotations: Mapping[str, Any],
    strategy: str = "percentage",
) -> dict[str, Any]:
    """Let versions answer, each with its share of the traffic."""
    if strategy != "percentage" or not 1 <= len(shares) <= 2:
        raise Refusal(400, 10045, "a deployment has the strategy `percentage` and one or two versions")
    for share in shares:
        if call.state.get("versions", worker["id"], str(share.get("version_id"))) is None:
            raise Refusal(400, 10008, f"version `{share.get('version_id')}` does not exist")
        if not isinstance(share.get("percentage"), (int, float)) or not 0 <= share["percentage"] <= 100:
            raise Refusal(400, 10045, "the percentage of a version must be between 0 and 100")
    if abs(sum(share["percentage"] for share in shares) - 100) > 0.001:
        raise Refusal(400, 10045, "the percentages of the versions must add up to 100")
    deployment = {
        "id": uuid_id(),
        "source": call.source(),
        "strategy": strategy,
        "author_email": USER["email"],
        "created_on": call.time,
        "annotations": {"workers/triggered_by": "deployment", **annotations},
        "versions": [dict(share) for share in shares],
    }
    call.state.put("deployments", worker["id"], str(deployment["id"]), deployment)
    current = find_worker(call, worker["id"])
    save(call, current, updated_on=call.time, deployed_on=call.time, last_deployed_from=call.source())
    call.sites_changed = True
    return deployment


def remove(call: Call, worker: Body, *, force: bool) -> None:
    """Delete a Worker with everything that belongs to it: versions, deployments, hosts, routes."""
    users = [
        other["name"]
        for other in call.state.all("workers", call.account_id)
        if other["id"] != worker["id"] and _calls(call, other, worker["name"])
    ]
    if users and not force:
        raise Refusal(
            400, 10064, f"This Worker is bound to by `{users[0]}`; delete that binding first, or force the deletion."
        )
    for domain in call.state.all("worker_domains", call.account_id):
        if domain["worker_id"] == worker["id"]:
            remove_domain(call, domain)
    for zone, route in call.state.scopes("worker_routes"):
        if route["script"] == worker["name"]:
            call.state.delete("worker_routes", zone, route["id"])
    call.state.delete_scope(worker["id"])
    call.state.delete("workers", call.account_id, worker["id"])
    call.sites_changed = True


def remove_domain(call: Call, domain: Body) -> None:
    """Detach a host, and remove the DNS record that came with it."""
    call.state.delete("worker_domains", call.account_id, domain["id"])
    call.state.delete("dns_records", domain["zone_id"], domain["record_id"])
    call.sites_changed = True


def _calls(call: Call, worker: Body, name: str) -> bool:
    version = newest(call, worker)
    return version is not None and any(b["type"] == "service" and b.get("service") == name for b in version["bindings"])
