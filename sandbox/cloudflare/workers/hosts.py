"""Where Workers answer: custom domains (with their DNS records) and routes, by Terraform's and Wrangler's paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cloudflare import dns
from sandbox.cloudflare.answers import Answer, Refusal, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import hex_id, uuid_id
from sandbox.cloudflare.workers import model
from sandbox.cloudflare.zones import zone_of_host
from sandbox.tables import Body

_DOMAINS = "/accounts/<account_id>/workers/domains"
_SCRIPT = "/accounts/<account_id>/workers/scripts/<name>"
_ROUTES = "/zones/<zone_id>/workers/routes"
_TAKEN = (
    "Hostname '{}' already has externally managed DNS records (A, CNAME, etc). Either delete them, try a different "
    "hostname, or use the option 'override_existing_dns_record' to override."
)


def _shown(call: Call, domain: Body) -> dict[str, Any]:
    worker = model.find_worker(call, domain["worker_id"])
    shown = {key: domain[key] for key in ("id", "zone_id", "zone_name", "hostname")}
    return {**shown, "service": worker["name"], "environment": "production", "cert_id": domain["cert_id"]}


def _zone(call: Call, hostname: str, body: Body) -> Body:
    zone = zone_of_host(call, hostname)
    if (
        zone is None
        or body.get("zone_id") not in (None, zone["id"])
        or body.get("zone_name") not in (None, zone["name"])
    ):
        raise Refusal(
            400,
            100114,
            f"Hostname '{hostname}' does not lie in a zone of this account, or not in the zone that was named.",
        )
    return zone


def _attached(call: Call, hostname: str) -> Body | None:
    return next((d for d in call.state.all("worker_domains", call.account_id) if d["hostname"] == hostname), None)


def _attach(call: Call, worker: Body, body: Body, *, override_records: bool = False) -> Body:
    """Let a host lead to a Worker; the host may have led to another one."""
    hostname = str(body.get("hostname") or "").lower()
    zone = _zone(call, hostname, body)
    model.require_deployed(call, worker)
    old = _attached(call, hostname)
    if old and old["worker_id"] == worker["id"]:
        return old
    if old:
        model.remove_domain(call, old)
    for record in dns.conflicting_records(call, zone["id"], hostname):
        if not override_records:
            raise Refusal(409, 100117, _TAKEN.format(hostname))
        call.state.delete("dns_records", zone["id"], record["id"])
    domain = {
        "id": hex_id(),
        "zone_id": zone["id"],
        "zone_name": zone["name"],
        "hostname": hostname,
        "worker_id": worker["id"],
        "cert_id": uuid_id(),
        "record_id": dns.add_worker_record(call, zone["id"], hostname, worker["id"]),
    }
    call.state.put("worker_domains", call.account_id, domain["id"], domain)
    call.sites_changed = True
    return domain


def _list_domains(call: Call) -> Answer:
    shown = [_shown(call, domain) for domain in call.state.all("worker_domains", call.account_id)]
    wanted = {
        key: call.query[key]
        for key in ("zone_id", "zone_name", "hostname", "service", "environment")
        if call.query.get(key)
    }
    return ok([domain for domain in shown if all(domain[key] == value for key, value in wanted.items())])


def _put_domain(call: Call) -> Answer:
    body = call.object()
    return ok(_shown(call, _attach(call, model.find_worker(call, str(body.get("service"))), body)))


def _find_domain(call: Call, identifier: str) -> Body:
    found = call.state.get("worker_domains", call.account_id, identifier)
    if found is None:
        raise Refusal(404, 100115, "This custom domain does not exist.")
    return found


def _read_domain(call: Call, identifier: str) -> Answer:
    return ok(_shown(call, _find_domain(call, identifier)))


def _remove_domain(call: Call, identifier: str) -> Answer:
    """The real API answers with an empty body."""
    model.remove_domain(call, _find_domain(call, identifier))
    return Answer(b"", content_type="text/plain")


def _changeset(call: Call, name: str) -> Answer:
    """What setting the custom domains of a Worker would change; nothing is changed."""
    worker = model.find_worker(call, name)
    wanted = _origins(call.json())
    answer: dict[str, list[dict[str, Any]]] = {"added": [], "removed": [], "updated": [], "conflicting": []}
    for origin in wanted:
        hostname = str(origin["hostname"]).lower()
        zone, old = _zone(call, hostname, origin), _attached(call, hostname)
        if old:
            answer["updated"].append({**_shown(call, old), "modified": old["worker_id"] != worker["id"]})
        elif dns.conflicting_records(call, zone["id"], hostname):
            answer["conflicting"].append({**origin, "zone_id": zone["id"], "zone_name": zone["name"]})
        else:
            answer["added"].append({**origin, "zone_id": zone["id"], "zone_name": zone["name"]})
    if call.query.get("replace_state") == "true":
        answer["removed"] = [_shown(call, domain) for domain in _surplus(call, worker, wanted)]
    return ok(answer)


def _origins(raw: Any) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not all(isinstance(item, dict) and item.get("hostname") for item in raw):
        raise Refusal(400, 6007, "Malformed JSON in request body: a list of origins with `hostname` is expected")
    return raw


def _surplus(call: Call, worker: Body, wanted: Sequence[Mapping[str, Any]]) -> list[Body]:
    hosts = {str(origin["hostname"]).lower() for origin in wanted}
    domains = call.state.all("worker_domains", call.account_id)
    return [domain for domain in domains if domain["worker_id"] == worker["id"] and domain["hostname"] not in hosts]


def _set_domains(call: Call, name: str) -> Answer:
    """The custom domains of a Worker are exactly these (Wrangler)."""
    worker = model.find_worker(call, name)
    body = call.object()
    origins = _origins(body.get("origins"))
    for origin in origins:
        old = _attached(call, str(origin["hostname"]).lower())
        if old and old["worker_id"] != worker["id"] and not body.get("override_existing_origin"):
            raise Refusal(409, 100116, f"Hostname '{origin['hostname']}' is already in use by another Worker.")
    for domain in _surplus(call, worker, origins):
        model.remove_domain(call, domain)
    override = bool(body.get("override_existing_dns_record"))
    return ok([_shown(call, _attach(call, worker, origin, override_records=override)) for origin in origins])


def _check_route(call: Call, zone: Body, body: Body, identifier: str | None) -> dict[str, Any]:
    pattern = str(body.get("pattern") or "")
    host = (
        pattern.removeprefix("https://").removeprefix("http://").partition("/")[0].removeprefix("*").removeprefix(".")
    )
    if not host or not (host == zone["name"] or host.endswith("." + zone["name"])):
        raise Refusal(400, 10022, f"invalid_route_pattern: `{pattern}` does not lie in the zone {zone['name']}")
    twins = [other for other in call.state.all("worker_routes", zone["id"]) if other["id"] != identifier]
    if any(other["pattern"] == pattern for other in twins):
        raise Refusal(409, 10020, "workers.api.error.duplicate_route")
    script = body.get("script") or None
    if script:
        model.require_deployed(call, model.find_worker(call, str(script)))
    return {"pattern": pattern, "script": script, "request_limit_fail_open": bool(body.get("request_limit_fail_open"))}


def _put_route(call: Call, zone: Body, body: Body, identifier: str | None = None) -> dict[str, Any]:
    checked = _check_route(call, zone, body, identifier)
    route = {"id": identifier or hex_id(), **checked}
    call.state.put("worker_routes", zone["id"], route["id"], route)
    call.sites_changed = True
    return route


def _zone_by_id(call: Call, zone_id: str) -> Body:
    zone = call.state.get("zones", call.account_id, zone_id)
    if zone is None:
        raise Refusal(404, 1001, "Invalid zone identifier")
    return zone


def _find_route(call: Call, zone_id: str, identifier: str) -> Body:
    found = call.state.get("worker_routes", zone_id, identifier)
    if found is None:
        raise Refusal(404, 10009, "workers.api.error.route_not_found")
    return found


def _list_routes(call: Call, zone_id: str) -> Answer:
    return ok(call.state.all("worker_routes", zone_id))


def _create_route(call: Call, zone_id: str) -> Answer:
    return ok(_put_route(call, _zone_by_id(call, zone_id), call.object()))


def _read_route(call: Call, zone_id: str, identifier: str) -> Answer:
    return ok(_find_route(call, zone_id, identifier))


def _change_route(call: Call, zone_id: str, identifier: str) -> Answer:
    _find_route(call, zone_id, identifier)
    return ok(_put_route(call, _zone_by_id(call, zone_id), call.object(), identifier))


def _remove_route(call: Call, zone_id: str, identifier: str) -> Answer:
    _find_route(call, zone_id, identifier)
    call.state.delete("worker_routes", zone_id, identifier)
    call.sites_changed = True
    return ok({"id": identifier})


def _set_routes(call: Call, name: str) -> Answer:
    """The routes of a Worker are exactly these (Wrangler)."""
    worker = model.find_worker(call, name)
    raw = call.json()
    if not isinstance(raw, list):
        raise Refusal(400, 6007, "Malformed JSON in request body: a list of routes is expected")
    wanted = {
        str(item["pattern"]): item for item in ({"pattern": item} if isinstance(item, str) else item for item in raw)
    }
    for zone_id, route in call.state.scopes("worker_routes"):
        if route["script"] == worker["name"] and route["pattern"] not in wanted:
            call.state.delete("worker_routes", zone_id, route["id"])
            call.sites_changed = True
    made = []
    for pattern, item in wanted.items():
        zone = _zone(call, pattern.partition("/")[0].removeprefix("*").removeprefix("."), item)
        old = next((r for r in call.state.all("worker_routes", zone["id"]) if r["pattern"] == pattern), None)
        if old and old["script"] not in (None, worker["name"]):
            raise Refusal(409, 10020, f"the route `{pattern}` is assigned to `{old['script']}`")
        made.append(
            _put_route(call, zone, {"pattern": pattern, "script": worker["name"]}, str(old["id"]) if old else None)
        )
    return ok(made)


ROUTES = (
    Route("GET", _DOMAINS, _list_domains),
    Route("PUT", _DOMAINS, _put_domain),
    Route("GET", f"{_DOMAINS}/<identifier>", _read_domain),
    Route("GET", f"{_DOMAINS}/records/<identifier>", _read_domain),
    Route("DELETE", f"{_DOMAINS}/<identifier>", _remove_domain),
    Route("POST", f"{_SCRIPT}/domains/changeset", _changeset),
    Route("PUT", f"{_SCRIPT}/domains/records", _set_domains),
    Route("PUT", f"{_SCRIPT}/routes", _set_routes),
    Route("GET", _ROUTES, _list_routes),
    Route("POST", _ROUTES, _create_route),
    Route("GET", f"{_ROUTES}/<identifier>", _read_route),
    Route("PUT", f"{_ROUTES}/<identifier>", _change_route),
    Route("DELETE", f"{_ROUTES}/<identifier>", _remove_route),
)
