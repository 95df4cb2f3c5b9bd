"""Convex as a service of the sandbox: seeds, life cycle, what clients need to know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sandbox.convex import keys
from sandbox.convex.app import App, mutating
from sandbox.convex.deployments import Deployments
from sandbox.convex.state import Account, empty
from sandbox.errors import UsageError
from sandbox.seed import Deployment, Reference, Seed
from sandbox.service import Context, Service
from sandbox.store import Snapshot

# The token for the Management API; seeded names of this form are team tokens as well.
TEAM_TOKEN = "CONVEX_TEAM_TOKEN"  # noqa: S105 - a name
_TOKEN_NAME = re.compile(r"CONVEX_[A-Z_]*TOKEN")


class ConvexService(Service):
    """Port `convex`: control plane, Management API and version host. The deployments have ports of their own."""

    name = "convex"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._account = Account(Snapshot(context.folder / "account.json", empty))
        self._deployments = Deployments(context, self._account)
        self._app = App(self._deployments)
        self.app = self._app

    def start(self) -> None:
        """Start the process of the deployments."""
        self._deployments.host.start()

    def wait(self) -> None:
        """Until the deployments answer."""
        self._deployments.host.wait()

    def apply_seed(self, seed: Seed) -> None:
        """The seeded deployments and keys exist; what clients made themselves stays."""
        with self._account.lock:
            self._account.ensure_project(seed.convex.team, seed.convex.project)
            names = [TEAM_TOKEN, *(name for name in seed.environment if _TOKEN_NAME.fullmatch(name))]
            self._account.set_tokens({name: self.context.vault.invent(Reference(env=name)) for name in names})
            for deployment in seed.convex.deployments:
                self._ensure(deployment)
            for reference in seed.convex.preview_keys:
                self._ensure_preview_key(reference, seed.convex.team, seed.convex.project)
            self._deployments.host.apply()

    def flush(self) -> None:
        """Write the account."""
        self._account.flush()

    def reset(self) -> None:
        """Nothing exists."""
        with self._account.lock:
            self._deployments.clear()

    def environment(self) -> Mapping[str, str]:
        """Where the CLI finds this control plane instead of Convex's."""
        url = self.context.url(self.name)
        return {"CONVEX_PROVISION_HOST": url, "CONVEX_VERSION_API_ORIGIN": url}

    def coverage(self) -> Iterable[str]:
        """Paths of the control plane, of the Management API and of a deployment."""
        return [*self._app.paths(), *(f"{path} (deployment)" for path in self._deployments.host.paths())]

    def mutating(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """POSTs that only authorize change nothing."""
        return mutating(method, path)

    def _ensure(self, wanted: Deployment) -> None:
        if wanted.type not in {"dev", "prod", "preview"}:
            place = f"seed.convex.deployments: `{wanted.name}`"
            raise UsageError(f"{place} has the type `{wanted.type}`", "dev, prod or preview")
        found = self._account.find(name=wanted.name)
        if found is None:
            identifier = wanted.name if wanted.type == "preview" else None
            self._account.add(wanted.type, name=wanted.name, identifier=identifier)
        elif found["type"] != wanted.type:
            self._account.update(wanted.name, type=wanted.type)
        if wanted.deploy_key is not None:
            secret = self._secret(wanted.deploy_key, f"{wanted.type}:{wanted.name}")
            self._account.add_key("seed", secret, deployment=wanted.name)
            self.context.vault.assign(wanted.deploy_key, keys.deployment_key(wanted.type, wanted.name, secret))

    def _ensure_preview_key(self, reference: Reference, team: str, project: str) -> None:
        secret = self._secret(reference, f"preview:{team}:{project}")
        self._account.add_key("seed", secret, deployment=None)
        self.context.vault.assign(reference, keys.preview_key(team, project, secret))

    def _secret(self, reference: Reference, prefix: str) -> str:
        """The secret that clients hold already, so that a reset or a new seed does not take their key away."""
        known = self.context.vault.value(reference) or ""
        return keys.secret_of(known) if known.startswith(f"{prefix}|") else keys.new_secret()


def create(context: Context) -> Service:
    """See `sandbox`."""
    return ConvexService(context)
