"""R2 buckets as the API shows them: names and settings here, objects in S3 (one set of buckets, `Context.buckets`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import derived_id
from sandbox.cloudflare.zones import zone_of_host
from sandbox.service import Bucket, BucketExistsError, BucketNotEmptyError, NoSuchBucketError
from sandbox.tables import Body

_PATH = "/accounts/<account_id>/r2/buckets"
_ONE = f"{_PATH}/<bucket>"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LOCATIONS = ("apac", "eeur", "enam", "weur", "wnam", "oc")
_CLASSES = ("Standard", "InfrequentAccess")
_JURISDICTIONS = ("default", "eu", "fedramp")
_MISSING = (404, 10006, "The specified bucket does not exist.")


def _jurisdiction(call: Call) -> str:
    wanted = call.header("cf-r2-jurisdiction") or "default"
    if wanted not in _JURISDICTIONS:
        raise Refusal(400, 10034, f"The jurisdiction `{wanted}` is not valid.")
    return wanted


def _shown(bucket: Bucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "creation_date": bucket.created_on,
        "location": bucket.location.upper(),
        "storage_class": bucket.storage_class,
        "jurisdiction": bucket.jurisdiction,
    }


def _find(call: Call, name: str) -> Bucket:
    try:
        bucket = call.world.buckets.get(name)
    except NoSuchBucketError:
        raise Refusal(*_MISSING) from None
    if bucket.jurisdiction != _jurisdiction(call):
        raise Refusal(*_MISSING)
    return bucket


def _listing(call: Call) -> Answer:
    wanted = call.query.get("name_contains", "")
    place = _jurisdiction(call)
    buckets = [_shown(b) for b in call.world.buckets.list() if b.jurisdiction == place and wanted in b.name]
    return ok({"buckets": buckets}, info={"cursor": "", "per_page": 1000, "count": len(buckets)})


def _create(call: Call) -> Answer:
    body = call.object()
    name = str(body.get("name", ""))
    location, storage = str(body.get("locationHint") or "weur").lower(), str(body.get("storageClass") or "Standard")
    if not _NAME.fullmatch(name):
        raise Refusal(400, 10005, "The specified bucket name is not valid.")
    if location not in _LOCATIONS:
        raise Refusal(400, 10032, f"The location hint `{location}` is not valid.")
    _check_class(storage)
    try:
        bucket = call.world.buckets.create(
            name, location=location.upper(), storage_class=storage, jurisdiction=_jurisdiction(call)
        )
    except BucketExistsError:
        raise Refusal(409, 10004, "The bucket you tried to create already exists, and you own it.") from None
    return ok(_shown(bucket))


def _check_class(storage: str) -> None:
    if storage not in _CLASSES:
        raise Refusal(400, 10062, f"The storage class `{storage}` is not valid.")


def _read(call: Call, bucket: str) -> Answer:
    return ok(_shown(_find(call, bucket)))


def _change(call: Call, bucket: str) -> Answer:
    _find(call, bucket)
    storage = call.header("cf-r2-storage-class")
    _check_class(storage)
    return ok(_shown(call.world.buckets.set_storage_class(bucket, storage)))


def _remove(call: Call, bucket: str) -> Answer:
    _find(call, bucket)
    try:
        call.world.buckets.delete(bucket)
    except BucketNotEmptyError:
        raise Refusal(409, 10008, "The bucket you tried to delete is not empty.") from None
    call.state.delete_scope(_scope(call, bucket))
    return ok({})


def _scope(call: Call, bucket: str) -> str:
    return f"{call.account_id}:{bucket}"


def _rules(kind: str, check: Callable[[Body], None], *, deletable: bool = False) -> list[Route]:
    """Lifecycle, lock and CORS are each a list of rules that is written as a whole."""

    def read(call: Call, bucket: str) -> Answer:
        _find(call, bucket)
        kept = call.state.get(f"r2_{kind}", _scope(call, bucket), "rules")
        if kept is None and deletable:
            raise Refusal(404, 10059, "The CORS configuration does not exist.")
        return ok(kept or {"rules": []})

    def write(call: Call, bucket: str) -> Answer:
        _find(call, bucket)
        rules = call.object().get("rules") or []
        names = [rule.get("id") for rule in rules if rule.get("id")]
        if len(set(names)) != len(names):
            raise Refusal(400, 10064, "Two rules have the same id.")
        for rule in rules:
            check(rule)
        call.state.put(f"r2_{kind}", _scope(call, bucket), "rules", {"rules": rules})
        if kind == "lock":
            call.world.buckets.set_locks(bucket, rules)
        return ok({})

    def remove(call: Call, bucket: str) -> Answer:
        _find(call, bucket)
        call.state.delete(f"r2_{kind}", _scope(call, bucket), "rules")
        return ok({})

    path = f"{_ONE}/{kind}"
    routes = [Route("GET", path, read), Route("PUT", path, write)]
    return [*routes, Route("DELETE", path, remove)] if deletable else routes


def _check_lifecycle(rule: Body) -> None:
    if (
        not rule.get("id")
        or not isinstance(rule.get("enabled"), bool)
        or not isinstance(rule.get("conditions"), Mapping)
    ):
        raise Refusal(400, 10063, "A lifecycle rule needs `id`, `enabled` and `conditions`.")
    for name in ("abortMultipartUploadsTransition", "deleteObjectsTransition"):
        if rule.get(name):
            _check_condition(rule[name].get("condition") or {}, "maxAge")
    for transition in rule.get("storageClassTransitions") or []:
        _check_condition(transition.get("condition") or {}, "maxAge")
        _check_class(str(transition.get("storageClass")))


def _check_lock(rule: Body) -> None:
    if not rule.get("id") or not isinstance(rule.get("enabled"), bool):
        raise Refusal(400, 10063, "A lock rule needs `id` and `enabled`.")
    _check_condition(rule.get("condition") or {}, "maxAgeSeconds")


def _check_condition(condition: Body, age: str) -> None:
    kind = condition.get("type")
    fits = {
        "Age": isinstance(condition.get(age), (int, float)),
        "Date": _is_date(condition.get("date")),
        "Indefinite": age == "maxAgeSeconds",
    }
    if not fits.get(str(kind)):
        raise Refusal(400, 10063, f"The condition of type `{kind}` is not valid.")


def _is_date(text: object) -> bool:
    try:
        return bool(datetime.fromisoformat(str(text)))
    except ValueError:
        return False


def _check_cors(rule: Body) -> None:
    allowed = rule.get("allowed") or {}
    if not allowed.get("methods") or not allowed.get("origins"):
        raise Refusal(400, 10040, "A CORS rule needs `allowed.methods` and `allowed.origins`.")


_DOMAINS = f"{_ONE}/domains/custom"


def _domain(call: Call, bucket: str, domain: str) -> Body:
    _find(call, bucket)
    found = call.state.get("r2_domains", _scope(call, bucket), domain)
    if found is None:
        raise Refusal(404, 10061, "The custom domain does not exist.")
    return found


def _domain_shown(domain: Body) -> dict[str, Any]:
    first = {key: domain[key] for key in ("domain", "enabled")}
    return {**first, "status": {"ownership": "active", "ssl": "active"}, **domain}


def _list_domains(call: Call, bucket: str) -> Answer:
    _find(call, bucket)
    return ok({"domains": [_domain_shown(d) for d in call.state.all("r2_domains", _scope(call, bucket))]})


def _add_domain(call: Call, bucket: str) -> Answer:
    _find(call, bucket)
    body = call.object()
    name = str(body.get("domain", "")).lower()
    zone = zone_of_host(call, name)
    if zone is None or body.get("zoneId") not in (None, zone["id"]):
        raise Refusal(400, 10060, f"The domain `{name}` does not lie in that zone.")
    if any(other["domain"] == name for _, other in call.state.scopes("r2_domains")):
        raise Refusal(409, 10047, f"The domain `{name}` is already connected to a bucket.")
    kept = {
        "domain": name,
        "enabled": bool(body.get("enabled")),
        "minTLS": body.get("minTLS") or "1.0",
        "zoneId": zone["id"],
        "zoneName": zone["name"],
    }
    if body.get("ciphers"):
        kept["ciphers"] = body["ciphers"]
    call.state.put("r2_domains", _scope(call, bucket), name, kept)
    return ok({key: kept[key] for key in ("domain", "enabled", "minTLS", "zoneId")})


def _read_domain(call: Call, bucket: str, domain: str) -> Answer:
    return ok(_domain_shown(_domain(call, bucket, domain)))


def _change_domain(call: Call, bucket: str, domain: str) -> Answer:
    old = _domain(call, bucket, domain)
    body = call.object()
    kept = {**old, **{key: body[key] for key in ("enabled", "minTLS", "ciphers") if body.get(key) is not None}}
    call.state.put("r2_domains", _scope(call, bucket), domain, kept)
    return ok({key: kept[key] for key in ("domain", "enabled", "minTLS")})


def _remove_domain(call: Call, bucket: str, domain: str) -> Answer:
    _domain(call, bucket, domain)
    call.state.delete("r2_domains", _scope(call, bucket), domain)
    return ok({"domain": domain})


def _managed_domain(call: Call, bucket: str) -> Answer:
    _find(call, bucket)
    kept = call.state.get("r2_managed", _scope(call, bucket), "domain") or {"enabled": False}
    if call.request.method == "PUT":
        kept = {"enabled": bool(call.object().get("enabled"))}
        call.state.put("r2_managed", _scope(call, bucket), "domain", kept)
    identifier = derived_id("bucket", call.account_id, bucket)
    return ok({"bucketId": identifier, "domain": f"pub-{identifier}.r2.dev", "enabled": kept["enabled"]})


ROUTES = (
    Route("GET", _PATH, _listing),
    Route("POST", _PATH, _create),
    Route("GET", _ONE, _read),
    Route("PATCH", _ONE, _change),
    Route("DELETE", _ONE, _remove),
    *_rules("lifecycle", _check_lifecycle),
    *_rules("lock", _check_lock),
    *_rules("cors", _check_cors, deletable=True),
    Route("GET", _DOMAINS, _list_domains),
    Route("POST", _DOMAINS, _add_domain),
    Route("GET", f"{_DOMAINS}/<domain>", _read_domain),
    Route("PUT", f"{_DOMAINS}/<domain>", _change_domain),
    Route("DELETE", f"{_DOMAINS}/<domain>", _remove_domain),
    Route("GET", f"{_ONE}/domains/managed", _managed_domain),
    Route("PUT", f"{_ONE}/domains/managed", _managed_domain),
)
