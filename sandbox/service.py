"""What the core asks of a stand-in, and what it gives to one.

The core knows the services only through this class; services know one another only through `Context`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.faults import Fault
from sandbox.home import Home
from sandbox.ports import HOST, Ports
from sandbox.requestlog import reads_only
from sandbox.seed import Seed
from sandbox.vault import Vault

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from sandbox.children import Child


@dataclass(frozen=True)
class Bucket:
    """An R2 bucket: the same thing for the Cloudflare API, for S3 and for the bindings of Workers."""

    name: str
    created_on: str
    location: str = "WEUR"
    storage_class: str = "Standard"
    jurisdiction: str = "default"
    # Lock rules in the API's form; S3 obeys them.
    locks: Sequence[Mapping[str, Any]] = ()


class BucketExistsError(Exception):
    """A bucket of that name is there already."""


class NoSuchBucketError(Exception):
    """There is no bucket of that name."""


class BucketNotEmptyError(Exception):
    """A bucket with objects cannot be deleted."""


class Buckets(Protocol):
    """The one set of buckets. The Cloudflare stand-in owns names and settings, S3 the objects."""

    def create(
        self, name: str, *, location: str = "WEUR", storage_class: str = "Standard", jurisdiction: str = "default"
    ) -> Bucket:
        """Make a bucket; `BucketExistsError`."""

    def get(self, name: str) -> Bucket:
        """One bucket; `NoSuchBucketError`."""

    def list(self) -> Sequence[Bucket]:
        """All, by name."""

    def set_storage_class(self, name: str, storage_class: str) -> Bucket:
        """Change the class of new objects; `NoSuchBucketError`."""

    def set_locks(self, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the lock rules; `NoSuchBucketError`."""

    def delete(self, name: str) -> None:
        """Remove an empty bucket; `NoSuchBucketError`, `BucketNotEmptyError`."""


class Publish(Protocol):
    """How the Cloudflare stand-in tells the edge what runs (`sandbox/edge/controller.py`)."""

    def __call__(self, sites: Sequence[Mapping[str, Any]]) -> None:
        """Serve exactly these sites from now on; returns when they are live."""


class Spawn(Protocol):
    """Start a process that dies with the sandbox and is started again when it dies."""

    def __call__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_ready: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Child:
        """Start it; does not wait (`Child.wait_ready` does).

        The first line of its standard output is a JSON object that means "ready" (given to `on_ready`, also after a
        restart); the rest, and standard error, go to `<home>/logs/NAME.log`. Its standard input is a pipe that closes
        when the sandbox ends: it must exit then.
        """


@dataclass(frozen=True)
class Context:
    """What one service may use."""

    name: str
    home: Home
    ports: Ports
    vault: Vault
    buckets: Buckets
    publish: Publish
    spawn: Spawn
    connection_changed: Callable[[], None]  # call when `environment()` answers something new

    @property
    def folder(self) -> Path:
        """The service's own folder; nobody else writes there."""
        return self.home.folder(self.name)

    def url(self, port_name: str) -> str:
        """The loopback address of a port by name (`cloudflare`, `s3`, `edge`, `convex`, `control`, ...)."""
        return f"http://{HOST}:{self.ports.get(port_name)}"


class Service:
    """Base of all stand-ins; every method may be left as it is."""

    name: str
    app: WSGIApplication | None = None  # served on port `name` when set; must be thread-safe

    def __init__(self, context: Context) -> None:
        self.context = context

    def start(self) -> None:
        """Start processes of one's own. Called once; the HTTP ports listen already. Must not wait for others."""

    def wait(self) -> None:
        """Block until ready; called after every service was started."""

    def apply_seed(self, seed: Seed) -> None:
        """Make true what the seed says; called again with the same or another seed."""

    def flush(self) -> None:
        """Write state to disk; called after every mutating request, before its answer leaves."""

    def reset(self) -> None:
        """Forget all state (the seed is applied again afterwards)."""

    def close(self) -> None:
        """End; state must already be on disk."""

    def environment(self) -> Mapping[str, str]:
        """Variables that clients of this service need."""
        return {}

    def coverage(self) -> Iterable[str]:
        """What is covered, one line each (`GET /zones/{zone_id}`)."""
        return ()

    def mutating(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Would a success change anything? Header names are lower case. `requestlog.mark` overrides it."""
        return not reads_only(method)

    def logged_path(self, path: str, headers: Mapping[str, str]) -> str:
        """The path as the request log shows it."""
        return path

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """Content type and body of an injected error, in the provider's form."""
        body = {"code": fault.code or "Injected", "message": fault.message or "injected by sandbox fault"}
        return "application/json", json.dumps(body, separators=(",", ":")).encode()

    def fault_headers(self, fault: Fault) -> Mapping[str, str]:
        """Headers that the provider's clients look for in such an error."""
        return {}
