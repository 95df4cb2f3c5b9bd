"""Plugs the stand-in into the sandbox: seed, environment, persistence, coverage and the form of injected errors."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping

from sandbox.cloudflare.answers import error_body
from sandbox.cloudflare.app import PREFIX, App, all_routes
from sandbox.cloudflare.call import World
from sandbox.cloudflare.values import now
from sandbox.cloudflare.zones import seed_zone
from sandbox.faults import Fault
from sandbox.seed import Reference, Seed
from sandbox.service import Context, Service
from sandbox.store import Snapshot
from sandbox.tables import Tables

TOKEN = Reference(env="CLOUDFLARE_API_TOKEN")
# What Cloudflare itself answers with these statuses.
_CODES = {
    401: (10000, "Authentication error"),
    403: (10000, "Authentication error"),
    429: (971, "Please wait and consider throttling your request speed"),
}


class Cloudflare(Service):
    """The Cloudflare v4 API."""

    name = "cloudflare"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._state = Tables(Snapshot(context.folder / "state.json"))
        world = World(self._state, context.buckets, context.folder, lambda: context.vault.invent(TOKEN))
        self._app = App(world, context.publish)
        self.app = self._app

    def start(self) -> None:
        """Tell the edge what ran when the sandbox ended."""
        self._app.publish()

    def apply_seed(self, seed: Seed) -> None:
        """The account and its zones; a zone that is there already stays as it is."""
        time = now()
        with self._state.transaction():
            before = self._state.get("account", "-", "account")
            account = {
                "id": seed.account.id,
                "name": seed.account.name,
                "created_on": before["created_on"] if before else time,
            }
            self._state.put("account", "-", "account", account)
            for name in seed.zones:
                seed_zone(self._state, account, name, time)
        self._state.flush()

    def flush(self) -> None:
        """Write the state."""
        self._state.flush()

    def reset(self) -> None:
        """Forget the state and the files of Workers."""
        self._state.clear()
        for folder in ("modules", "blobs", "manifests", "assets"):
            shutil.rmtree(self.context.folder / folder, ignore_errors=True)
        self._app.forget()
        self._app.publish()

    def close(self) -> None:
        """State is on disk after every request."""
        self._state.flush()

    def environment(self) -> Mapping[str, str]:
        """What Terraform and Wrangler are pointed at the stand-in with."""
        url = self.context.url(self.name) + PREFIX
        return {
            "CLOUDFLARE_API_TOKEN": self.context.vault.invent(TOKEN),
            "CLOUDFLARE_BASE_URL": url,
            "CLOUDFLARE_API_BASE_URL": url,
        }

    def coverage(self) -> Iterable[str]:
        """Every route."""
        return sorted({f"{route.method} {route.path.replace('<', '{').replace('>', '}')}" for route in all_routes()})

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """An injected error in Cloudflare's envelope."""
        code, message = _CODES.get(
            fault.status or 500,
            (10013, "An unknown error has occurred. If this error persists, please contact support"),
        )
        return "application/json", error_body({"code": fault.code or code, "message": fault.message or message})


def create(context: Context) -> Service:
    """The service, as the core asks for it."""
    return Cloudflare(context)
