"""Resolves secret references before anything is touched.

Values live in memory from here on, and are handed to the steps that push them. They are compared by keyed fingerprints:
without the key a fingerprint tells nothing, not even about a weak value.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deployer.adapters.redact import Redactor
from deployer.adapters.secrets import SecretsManager
from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import SecretMissing
from deployer.inventory.base import SecretRef
from deployer.steps.missing_secrets import SecretPlaces

VALUE = "secrets"
FINGERPRINT_KEY = "project.fingerprint_key"
DEPLOY_KEY = "convex.deploy_key"
COPY_KEY = "project.state.copy_key"


@dataclass(frozen=True)
class Secrets:
    """Values by their place in the inventory (`worker.secrets.SESSION_SECRET`)."""

    values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, label: str) -> str:
        return self.values[label]

    def table(self, prefix: str) -> dict[str, str]:
        """Name to value of all secrets in one table of the inventory; optional ones without a value are left out."""
        start = f"{prefix}."
        return {label[len(start) :]: value for label, value in self.values.items() if label.startswith(start)}

    def fingerprint(self, text: str) -> str:
        """A keyed fingerprint of any text."""
        return self.fingerprints({"": text})[""]

    def fingerprints(self, values: Mapping[str, str]) -> dict[str, str]:
        """A keyed fingerprint for each value, by which it can be compared and not be found."""
        key = self.values[FINGERPRINT_KEY].encode()
        return {
            name: hmac.new(key, f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()
            for name, value in values.items()
        }


@dataclass(frozen=True, kw_only=True)
class ResolveSecrets(BaseStep[Secrets]):
    """All secrets of an environment, or one error that lists every missing one."""

    references: Mapping[str, SecretRef]
    # Raises one error for all credentials that are missing.
    check_credentials: Callable[[], None]
    manager: Callable[[], SecretsManager]
    environment: Mapping[str, str] = field(repr=False)
    places: SecretPlaces
    redactor: Redactor

    def observe(self, context: Context) -> Secrets:
        """Read them all; a required one without a value ends the run here."""
        ids = {reference.aws for reference in self.references.values() if reference.aws is not None}
        self.check_credentials()
        stored = self.manager().read(ids) if ids else {}
        values: dict[str, str] = {}
        missing: list[tuple[str, SecretRef]] = []
        for label, reference in self.references.items():
            value = value_at(reference, stored, self.environment)
            if value:
                self.redactor.add(value)
                values[label] = value
            elif reference.required:
                missing.append((label, reference))
        if missing:
            count = len(missing)
            raise SecretMissing(
                f"{count} required secret{'s have' if count > 1 else ' has'} no value; nothing was touched",
                hint="run what is listed above, then the same command again",
                details=self.places.how_to_mend(missing, stored),
            )
        return Secrets(values)

    def diff(self, context: Context, facts: Secrets) -> Sequence[Change]:
        """Resolving changes nothing."""
        return ()

    def known(self, facts: Secrets, changes: Sequence[Change]) -> Mapping[str, object]:
        """The values, in memory."""
        return {VALUE: facts}


def value_at(
    reference: SecretRef, stored: Mapping[str, Mapping[str, str] | None], environment: Mapping[str, str]
) -> str | None:
    """What a reference points to: a variable, or a key of a secret in AWS that `stored` has by its id."""
    if reference.env is not None:
        return environment.get(reference.env)
    assert reference.aws is not None
    assert reference.key is not None
    return (stored.get(reference.aws) or {}).get(reference.key)
