"""DNS records: names relative to the zone, content by type, and which records may stand beside one another.

Records of Workers' custom domains are made here too; they are read-only, as at Cloudflare.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok, page
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import hex_id
from sandbox.cloudflare.zones import find_zone
from sandbox.tables import Body

_PATH = "/zones/<zone_id>/dns_records"
_PROXIABLE = ("A", "AAAA", "CNAME")
# Records given as `data`: the fields that make their content, in order.
_DATA: Mapping[str, tuple[str, ...]] = {
    "CAA": ("flags", "tag", "value"),
    "CERT": ("type", "key_tag", "algorithm", "certificate"),
    "DNSKEY": ("flags", "protocol", "algorithm", "public_key"),
    "DS": ("key_tag", "algorithm", "digest_type", "digest"),
    "HTTPS": ("priority", "target", "value"),
    "LOC": (
        "lat_degrees",
        "lat_minutes",
        "lat_seconds",
        "lat_direction",
        "long_degrees",
        "long_minutes",
        "long_seconds",
        "long_direction",
        "altitude",
        "size",
        "precision_horz",
        "precision_vert",
    ),
    "NAPTR": ("order", "preference", "flags", "service", "regex", "replacement"),
    "SMIMEA": ("usage", "selector", "matching_type", "certificate"),
    "SRV": ("priority", "weight", "port", "target"),
    "SSHFP": ("algorithm", "type", "fingerprint"),
    "SVCB": ("priority", "target", "value"),
    "TLSA": ("usage", "selector", "matching_type", "certificate"),
    "URI": ("priority", "weight", "target"),
}
_TYPES = (*_PROXIABLE, "MX", "NS", "OPENPGPKEY", "PTR", "TXT", *_DATA)
_HOST = re.compile(r"(?=.{1,253}\.?$)(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+")
_ORDERED = ("type", "name", "content", "ttl", "proxied")


def _full_name(name: Any, zone: str) -> str:
    if not isinstance(name, str) or not name:
        raise Refusal(400, 9000, "DNS name is invalid.")
    short = name.lower().rstrip(".")
    if short == "@":
        return zone
    full = short if short == zone or short.endswith("." + zone) else f"{short}.{zone}"
    if not _HOST.fullmatch(full):
        raise Refusal(400, 9000, "DNS name is invalid.")
    return full


def _content(kind: str, body: Body) -> str:
    data = body.get("data")
    if kind in _DATA and isinstance(data, Mapping):
        if missing := [name for name in _DATA[kind] if data.get(name) is None]:
            raise Refusal(400, 9101, f"{missing[0]} is a required data field.")
        values = [data[name] for name in _DATA[kind]]
        if kind in ("CAA", "HTTPS", "SVCB"):
            values[-1] = f'"{values[-1]}"' if kind == "CAA" else values[-1]
        return " ".join(map(str, values))
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise Refusal(400, 9020, "Content for DNS record is required.")
    return content


def _check_content(kind: str, content: str, name: str, body: Body) -> None:
    if kind in ("A", "AAAA"):
        address = ipaddress.IPv4Address if kind == "A" else ipaddress.IPv6Address
        try:
            address(content)
        except ValueError:
            code, version = (9005, "IPv4") if kind == "A" else (9006, "IPv6")
            raise Refusal(400, code, f"Content for {kind} record must be a valid {version} address.") from None
    if kind in ("CNAME", "NS", "PTR", "MX") and not _HOST.fullmatch(content):
        raise Refusal(400, 9007, f"Content for {kind} record is invalid.")
    if kind == "CNAME" and content.lower().rstrip(".") == name:
        raise Refusal(400, 9039, "CNAME content cannot reference itself.")
    if kind == "MX" and not isinstance(body.get("priority"), (int, float)):
        raise Refusal(400, 9100, "DNS record has missing or invalid priority for an MX record.")


def _check_ttl(ttl: Any) -> None:
    if ttl != 1 and not (isinstance(ttl, (int, float)) and 60 <= ttl <= 86400):
        raise Refusal(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")


def _check_neighbours(call: Call, zone_id: str, record: Body) -> None:
    """A CNAME stands alone among addresses; nothing stands twice; a custom domain's name is taken."""
    for other in call.state.all("dns_records", zone_id):
        if other["id"] == record["id"] or other["name"] != record["name"]:
            continue
        kinds = {other["type"], record["type"]}
        if other["type"] == record["type"] and other["content"] == record["content"] and other["type"] != "CNAME":
            raise Refusal(400, 81058, "An identical record already exists.")
        if other["type"] == "CNAME" and record["type"] in _PROXIABLE:
            raise Refusal(400, 81054, "A CNAME record with that host already exists.")
        if record["type"] == "CNAME" and other["type"] in _PROXIABLE:
            raise Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        if "NS" in kinds and kinds != {"NS"} and kinds & set(_PROXIABLE):
            raise Refusal(400, 81056, "NS records with that host already exist.")
        if other["meta"].get("read_only") and record["type"] in _PROXIABLE:
            raise Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")


def compose(call: Call, zone_id: str, identifier: str, body: Body, old: Body | None) -> dict[str, Any]:
    """A checked, complete record."""
    kind = str(body.get("type", "")).upper()
    if kind not in _TYPES:
        raise Refusal(400, 9009, f"DNS record type {kind or 'is missing and'} is invalid.", pointer="/type")
    name = _full_name(body.get("name"), str(find_zone(call, zone_id)["name"]))
    content = _content(kind, body)
    _check_content(kind, content, name, body)
    proxied = bool(body.get("proxied"))
    if proxied and kind not in _PROXIABLE:
        raise Refusal(400, 9004, "This record type cannot be proxied.")
    ttl = 1 if proxied else body.get("ttl") or 1
    _check_ttl(ttl)
    record: dict[str, Any] = {"id": identifier, "name": name, "type": kind, "content": content}
    if body.get("priority") is not None:
        record["priority"] = body["priority"]
    settings = body.get("settings") or ({"flatten_cname": False} if kind == "CNAME" else {})
    record.update(proxiable=kind in _PROXIABLE, proxied=proxied, ttl=ttl, settings=settings)
    if body.get("data") is not None:
        record["data"] = body["data"]
    record.update(meta=body.get("meta") or {}, comment=body.get("comment"), tags=body.get("tags") or [])
    record.update(created_on=old["created_on"] if old else call.time, modified_on=call.time)
    if record["comment"] is not None:
        same = old is not None and old.get("comment") == record["comment"]
        record["comment_modified_on"] = old["comment_modified_on"] if same and old else call.time
    if record["tags"]:
        same = old is not None and old.get("tags") == record["tags"]
        record["tags_modified_on"] = old["tags_modified_on"] if same and old else call.time
    _check_neighbours(call, zone_id, record)
    return record


def add_worker_record(call: Call, zone_id: str, hostname: str, worker_id: str) -> str:
    """The read-only record behind a Worker's custom domain; returns its id."""
    meta = {"origin_worker_id": worker_id, "read_only": True}
    body = {"type": "AAAA", "name": hostname, "content": "100::", "proxied": True, "ttl": 1, "meta": meta}
    record = compose(call, zone_id, hex_id(), body, None)
    call.state.put("dns_records", zone_id, record["id"], record)
    return str(record["id"])


def conflicting_records(call: Call, zone_id: str, hostname: str) -> list[Body]:
    """Records that somebody else made and that keep a host from becoming a custom domain."""
    records = call.state.all("dns_records", zone_id)
    return [r for r in records if r["name"] == hostname and r["type"] in _PROXIABLE and not r["meta"].get("read_only")]


def _find(call: Call, zone_id: str, identifier: str) -> Body:
    record = call.state.get("dns_records", zone_id, identifier)
    if record is None:
        raise Refusal(404, 81044, "Record does not exist.")
    return record


def _writable(record: Body) -> None:
    if record["meta"].get("read_only"):
        raise Refusal(400, 1043, "This DNS record is managed by Workers. You cannot edit or delete it here.")


def _fits(record: Body, query: Mapping[str, str]) -> bool:
    results = []
    for key, wanted in query.items():
        field, _, how = key.partition(".")
        if field in ("name", "content", "comment"):
            value = str(record.get(field) or "").lower()
            test = {"contains": value.__contains__, "startswith": value.startswith, "endswith": value.endswith}
            results.append(test.get(how, value.__eq__)(wanted.lower()))
        elif field == "type":
            results.append(record["type"] == wanted)
        elif field == "proxied":
            results.append(record["proxied"] == (wanted == "true"))
        elif field == "search":
            results.append(
                any(wanted.lower() in str(record.get(name) or "").lower() for name in ("name", "content", "comment"))
            )
    return any(results) if query.get("match") == "any" and results else all(results)


def _listing(call: Call, zone_id: str) -> Answer:
    records = [record for record in call.state.all("dns_records", zone_id) if _fits(record, call.query)]
    order = call.query.get("order", "")
    if order in _ORDERED:
        records.sort(key=lambda record: str(record[order]), reverse=call.query.get("direction") == "desc")
    return page(records, call.query, per_page=100, most=5_000_000)


def _create(call: Call, zone_id: str) -> Answer:
    body = {key: value for key, value in call.object().items() if key != "meta"}
    record = compose(call, zone_id, hex_id(), body, None)
    call.state.put("dns_records", zone_id, record["id"], record)
    return ok(record)


def _read(call: Call, zone_id: str, identifier: str) -> Answer:
    return ok(_find(call, zone_id, identifier))


def _change(call: Call, zone_id: str, identifier: str) -> Answer:
    old = _find(call, zone_id, identifier)
    _writable(old)
    body = {key: value for key, value in call.object().items() if key != "meta"}
    if call.request.method == "PATCH":
        body = {**old, **body}
    record = compose(call, zone_id, identifier, body, old)
    call.state.put("dns_records", zone_id, identifier, record)
    return ok(record)


def _remove(call: Call, zone_id: str, identifier: str) -> Answer:
    _writable(_find(call, zone_id, identifier))
    call.state.delete("dns_records", zone_id, identifier)
    return ok({"id": identifier})


ROUTES = (
    Route("GET", _PATH, _listing),
    Route("POST", _PATH, _create),
    Route("GET", f"{_PATH}/<identifier>", _read),
    Route("PUT", f"{_PATH}/<identifier>", _change),
    Route("PATCH", f"{_PATH}/<identifier>", _change),
    Route("DELETE", f"{_PATH}/<identifier>", _remove),
)
