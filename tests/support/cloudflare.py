"""The Cloudflare stand-in without a server: its WSGI application, called directly, and buckets in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from werkzeug.test import EnvironBuilder

from sandbox.cloudflare.app import PREFIX, App
from sandbox.cloudflare.call import World
from sandbox.cloudflare.zones import seed_zone, zone_id_of
from sandbox.service import Bucket, BucketExistsError, BucketNotEmptyError, NoSuchBucketError
from sandbox.store import Snapshot
from sandbox.tables import Tables

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ZONE_NAME = "vibechecc.app"
ZONE = zone_id_of(ACCOUNT, ZONE_NAME)
TOKEN = "t" * 40
_TIME = "2026-01-01T00:00:00.000000Z"


@dataclass
class MemoryBuckets:
    """Buckets that remember which of them have objects."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    occupied: set[str] = field(default_factory=set)

    def create(
        self, name: str, *, location: str = "WEUR", storage_class: str = "Standard", jurisdiction: str = "default"
    ) -> Bucket:
        if name in self.buckets:
            raise BucketExistsError
        self.buckets[name] = Bucket(name, _TIME, location, storage_class, jurisdiction)
        return self.buckets[name]

    def get(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise NoSuchBucketError
        return self.buckets[name]

    def list(self) -> Sequence[Bucket]:
        return [self.buckets[name] for name in sorted(self.buckets)]

    def set_storage_class(self, name: str, storage_class: str) -> Bucket:
        self.buckets[name] = replace(self.get(name), storage_class=storage_class)
        return self.buckets[name]

    def set_locks(self, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
        self.buckets[name] = replace(self.get(name), locks=tuple(rules))

    def delete(self, name: str) -> None:
        self.get(name)
        if name in self.occupied:
            raise BucketNotEmptyError
        del self.buckets[name]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    unknown: bool

    @property
    def json(self) -> Any:
        """The envelope."""
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        """The result of a success."""
        assert self.status < 300, self.body
        return self.json["result"]

    @property
    def code(self) -> int:
        """The code of a refusal."""
        assert self.status >= 400, self.body
        return int(self.json["errors"][0]["code"])


class Api:
    """The stand-in in a folder, with one account and one zone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.buckets = MemoryBuckets()
        self.published: list[Sequence[Mapping[str, Any]]] = []
        self.open()

    def open(self) -> None:
        """Begin with what is on disk, as after a restart."""
        self.state = Tables(Snapshot(self.folder / "state.json"))
        self.app = App(World(self.state, self.buckets, self.folder, lambda: TOKEN), self.published.append)
        account = {"id": ACCOUNT, "name": "vibechecc", "created_on": _TIME}
        with self.state.transaction():
            self.state.put("account", "-", "account", account)
            seed_zone(self.state, account, ZONE_NAME, _TIME)
        self.state.flush()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        agent: str = "test",
        headers: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> Answer:
        """One request; `{account}` and `{zone}` in the path are filled in. `body` is sent as JSON."""
        sent_headers = {"User-Agent": agent, **(headers or {})}
        if token is not None:
            sent_headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            sent = {"data": json.dumps(body), "content_type": "application/json"}
        full = PREFIX + path.replace("{account}", ACCOUNT).replace("{zone}", ZONE)
        builder = EnvironBuilder(full, method=method, headers=list(sent_headers.items()), **sent)
        environ = builder.get_environ()
        captured: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            captured[:] = [int(status.split(" ", maxsplit=1)[0]), dict(headers)]
            return captured.append

        answer = b"".join(self.app(environ, start_response))
        builder.close()
        return Answer(captured[0], answer, captured[1], bool(environ.get("sandbox.unknown")))

    def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST."""
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        """PUT."""
        return self.call("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        """PATCH."""
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return self.call("DELETE", path, **options)

    def upload(
        self, name: str, *, version: bool = False, code: str = "export default {}", query: str = "", **metadata: Any
    ) -> Answer:
        """Upload a module as a script (live at once) or as a version."""
        path = f"/accounts/{{account}}/workers/scripts/{name}" + ("/versions" if version else "") + query
        form = {
            "metadata": json.dumps({"main_module": "index.js", "bindings": [], **metadata}),
            "index.js": (io.BytesIO(code.encode()), "index.js", "application/javascript+module"),
        }
        return self.call("POST" if version else "PUT", path, data=form, content_type="multipart/form-data")
