"""Fills a sandbox with ephemeral environments that nobody deployed: what a thousand of them leave in every service.

Written into the stand-ins' own files while they are down; only pull requests go through their API. Every tenth lease
has run out, and every hundredth environment has none.
"""

from __future__ import annotations

import copy
import hashlib
import json
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.checkout import Checkout

ZONE = "vibechecc.app"
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
STATES = "vibechecc-terraform-state"
EXPIRED, UNLEASED = 10, 100
_WRITERS = 8


def fill(checkout: Checkout, count: int) -> None:
    """Give the sandbox `count` environments, pr-1 to pr-<count>."""
    checkout.call("inv", "sandbox.reset")
    connection = checkout.connection()
    zone = _call(connection, "GET", f"/zones?name={ZONE}")[0]["id"]
    _example(connection, zone)
    checkout.call("inv", "sandbox.down")
    path = checkout.root / ".sandbox" / "cloudflare" / "state.json"
    _multiply(path, count)
    _objects(checkout.root / ".sandbox" / "s3", count)
    checkout.call("inv", "sandbox.up")
    connection = checkout.connection()
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(lambda number: _open(connection, number), range(1, count + 1)))


def _example(connection: Mapping[str, Any], zone: str) -> None:
    """One of each, from which the others are copied."""
    account = f"/accounts/{ACCOUNT}"
    _call(connection, "POST", f"{account}/workers/workers", {"name": "vibechecc-pr-0"})
    _call(connection, "POST", f"{account}/storage/kv/namespaces", {"title": "vibechecc-pr-0-cache"})
    record = {"type": "A", "name": f"pr-0.{ZONE}", "content": "192.0.2.1", "ttl": 1}
    _call(connection, "POST", f"/zones/{zone}/dns_records", record)


def _multiply(path: Path, count: int) -> None:
    document = json.loads(path.read_text())
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat().replace("+00:00", "Z")
    for kind in ("workers", "kv_namespaces", "dns_records"):
        table = document[kind]
        (key, example) = next((key, body) for key, body in table.items() if "pr-0" in json.dumps(body))
        scope = key.rpartition("/")[0]
        del table[key]
        for number in range(1, count + 1):
            body = json.loads(json.dumps(example).replace("pr-0", f"pr-{number}"))
            body |= {"id": f"{number:032x}"} | ({"created_on": old} if "created_on" in body else {})
            table[f"{scope}/{body['id']}"] = body
    document["worker_domains"] = {
        f"{ACCOUNT}/{number:032x}": {
            "id": f"{number:032x}",
            "zone_id": next(iter(document["dns_records"])).rpartition("/")[0],
            "zone_name": ZONE,
            "hostname": f"pr-{number}.{ZONE}",
            "worker_id": f"{number:032x}",
            "cert_id": "0",
            "record_id": f"{number:032x}",
        }
        for number in range(1, count + 1)
    }
    for number in range(1, count + 1):
        key = next(iter(document["dns_records"])).rpartition("/")[0]
        record = document["dns_records"][f"{key}/{number:032x}"]
        document["dns_records"][f"{key}/{number:032x}"] = copy.deepcopy(record) | {
            "meta": {"read_only": True, "origin_worker_id": f"{number:032x}"}
        }
    path.write_text(json.dumps(document))


def _objects(folder: Path, count: int) -> None:
    """The store's own files: a request for each object would take it minutes, since it keeps an index of all."""
    now = datetime.now(UTC)
    old = now - timedelta(days=2)
    names = [STATES, *(f"vibechecc-pr-{number}-uploads" for number in range(1, count + 1))]
    made = old.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bucket = {
        "created_on": made,
        "location": "WEUR",
        "storage_class": "Standard",
        "jurisdiction": "default",
        "locks": (),
    }
    (folder / "buckets.json").write_text(json.dumps([{"name": name, **bucket} for name in names]))
    objects: dict[str, bytes] = {}
    for number in range(1, count + 1):
        name = f"pr-{number}"
        objects |= {f"terraform/{name}/{stack}.tfstate": b"{}" for stack in ("site", "hosts")}
        objects |= {f"releases/{name}/current.json": b"{}", f"copies/terraform/{name}/site/a.tfstate": b"{}"}
        objects |= {f"ledger-heads/{name}.json": _head(name)}
        if number % UNLEASED:
            objects[f"leases/{name}.json"] = _lease(number, now)
    place = folder / "objects" / STATES
    place.mkdir(parents=True, exist_ok=True)
    index = []
    for key, body in objects.items():
        file = hashlib.sha256(key.encode()).hexdigest()
        (place / file).write_bytes(body)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        described = {"key": key, "file": file, "etag": etag, "modified": old.replace(tzinfo=None).isoformat()}
        index.append({**described, "metadata": {}, "storage": "STANDARD", "checksum": [None, None, None, None]})
    (place / "index.json").write_text(json.dumps(index))


def _head(name: str) -> bytes:
    head = {"environment": name, "sequence": 2, "digest": "0" * 64, "event": "closed", "schema": 1}
    return json.dumps(head).encode()


def _lease(number: int, now: datetime) -> bytes:
    expires = now - timedelta(hours=1) if number % EXPIRED == 0 else now + timedelta(hours=70)
    taken = (now - timedelta(days=2)).isoformat(timespec="seconds")
    lease = {
        "schema": 1,
        "environment": f"pr-{number}",
        "number": number,
        "owner": {"run": "0", "who": "nobody", "url": None},
        "commit": None,
        "created": taken,
        "renewed": taken,
        "expires": expires.isoformat(timespec="seconds"),
        "pinned": None,
        "closed": None,
    }
    return json.dumps(lease).encode()


def _open(connection: Mapping[str, Any], number: int) -> None:
    if number % UNLEASED:
        head = {"sha": "0" * 40, "ref": f"pull-{number}", "fork": False}
        _send(
            "POST",
            f"{connection['services']['github']}/__sandbox/pulls",
            {"number": number, "state": "open", "head": head},
            {},
        )


def _call(connection: Mapping[str, Any], method: str, path: str, body: object = None) -> Any:
    token = {"Authorization": f"Bearer {connection['environment']['CLOUDFLARE_API_TOKEN']}"}
    return _send(method, f"{connection['services']['cloudflare']}{path}", body, token)["result"]


def _send(method: str, url: str, body: object, headers: Mapping[str, str]) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(  # noqa: S310 -- the sandbox's own address
        url, data=data, method=method, headers={"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- the same
        return json.loads(answer.read() or b"null")
