"""What a plan depends on, gathered: commit, tools, lock files, inputs, secrets, what is live.

`inv plan` writes it into the manifest, `inv apply` compares the two. Values of secrets are fingerprints.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deployer.adapters.cloudflare import CloudflareApi
from deployer.adapters.files import digest_of, file_digest, read_json, read_text
from deployer.adapters.packages import lock_file
from deployer.adapters.sources import Sources
from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context
from deployer.review.compare import Snapshot
from deployer.review.manifest import Project
from deployer.steps.application import Application
from deployer.steps.secrets import COPY_KEY, FINGERPRINT_KEY, VALUE, Secrets

SNAPSHOT: Final = "snapshot"
_PROVIDER: Final = re.compile(r'provider "[^"]*/([^/"]+/[^/"]+)" \{\s*version\s*=\s*"([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class SnapshotTaken(BaseStep[Snapshot]):
    """Looks at everything that a plan depends on; provides `snapshot`."""

    project: Project
    environment: str
    target: str
    checkout: Sources
    application: Application
    # Terraform's and Node's versions, by name.
    versions: Callable[[], Mapping[str, str]]
    # Files that other tools read, by name to their text.
    rendered: Callable[[], Mapping[str, str]]
    # The inventory's sections to their values.
    inventory: Mapping[str, Any]
    stacks: Sequence[str]
    cloudflare: CloudflareApi
    worker: str
    # Told what was seen, with the secrets by whose key fingerprints and seals are made.
    note: Callable[[Snapshot, Secrets], None]

    def observe(self, context: Context) -> Snapshot:
        """Gather it."""
        secrets: Secrets = context.value(VALUE)
        live = self.cloudflare.live_version(self.worker)
        values = {label: value for label, value in secrets.values.items() if label not in (FINGERPRINT_KEY, COPY_KEY)}
        commit, dirty = self.checkout.standing()
        snapshot = Snapshot(
            project=self.project,
            environment=self.environment,
            target=self.target,
            commit=commit,
            dirty=dirty,
            tools={**self.versions(), **self._package_versions(), **self._providers()},
            locks={name: file_digest(path) for name, path in self._locks().items() if path.is_file()},
            inputs=self._inputs(),
            live={"Worker version": live.id if live else None},
            secrets=secrets.fingerprints(values),
        )
        self.note(snapshot, secrets)
        return snapshot

    def diff(self, context: Context, facts: Snapshot) -> Sequence[Change]:
        """Looking changes nothing."""
        return ()

    def known(self, facts: Snapshot, changes: Sequence[Change]) -> Mapping[str, object]:
        """What was seen."""
        return {SNAPSHOT: facts}

    def _locks(self) -> dict[str, Path]:
        root = self.checkout.folder
        application = lock_file(self.application.folder)
        return {
            **{f"terraform/roots/{name}": self._terraform_lock(name) for name in self.stacks},
            "package-lock.json": root / "package-lock.json",
            "requirements/runtime.lock": root / "requirements" / "runtime.lock",
            **({"application": application} if application else {}),
        }

    def _terraform_lock(self, stack: str) -> Path:
        return self.checkout.folder / "terraform" / "roots" / stack / ".terraform.lock.hcl"

    def _providers(self) -> dict[str, str]:
        texts = [read_text(self._terraform_lock(name)) or "" for name in self.stacks]
        found = {name: version for text in texts for name, version in _PROVIDER.findall(text)}
        # On the sandbox Terraform is attached to the embedded provider, whatever the lock file says.
        return dict.fromkeys(found, "embedded") if self.target == "sandbox" else found

    def _package_versions(self) -> dict[str, str]:
        found = {}
        for package, folders in (
            ("wrangler", (self.checkout.folder,)),
            ("convex", (self.application.folder, self.checkout.folder)),
        ):
            for folder in folders:
                lock = read_json(folder / "package-lock.json")
                entry = (lock or {}).get("packages", {}).get(f"node_modules/{package}", {})
                if entry.get("version"):
                    found[package] = str(entry["version"])
                    break
        return found

    def _inputs(self) -> dict[str, str]:
        texts = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.rendered().items()}
        terraform = self.checkout.folder / "terraform"
        code = {
            str(path.relative_to(terraform)): file_digest(path)
            for folder in ("modules", *(f"roots/{name}" for name in self.stacks))
            for path in sorted((terraform / folder).rglob("*.tf"))
            if ".terraform" not in path.parts
        }
        return {
            **texts,
            **{f"inventory.{name}": digest_of(value) for name, value in self.inventory.items()},
            "terraform code": digest_of(code),
            "application": self.application.digest({}),
            "convex functions": self.application.functions_digest,
        }
