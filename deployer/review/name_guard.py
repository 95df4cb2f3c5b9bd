"""What a run for an ephemeral environment may write: what bears its number, and the few shared things below its name.

The policy judges plans by the same names (`naming`). This is the lock behind it: it holds at the doors of the services,
so that a mistake in a step, or a flag that nobody thought of, cannot touch another environment.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from deployer.errors import GuardRefused
from deployer.review.naming import Naming

SHARED_KEYS: Final = (
    r"terraform/{environment}/.+",
    r"copies/terraform/{environment}/.+",
    r"releases/{environment}/.+",
    r"ledger/{environment}/.+",
    r"ledger-heads/{environment}\.json",
    r"leases/{environment}\.json",
    r"heartbeats/{environment}\.json",
    r"plans/{environment}-\d{8}T\d{6}Z-[0-9a-f]{12}/.+",
)
"""Where in the state bucket, which all share, a run of an environment writes: patterns of whole keys."""
NAMES_IN_INPUTS: Final = {"worker_name": "Worker", "host": "host", "kv": "KV namespace", "r2": "R2 bucket"}
"""Terraform's variables that name things, or map bindings to names."""
SHARED_STACK: Final = "zone"
"""What all environments of the domain share is no ephemeral one's to change."""
_CONVEX_KINDS: Final = ("preview",)


@dataclass(frozen=True)
class NameGuard:
    """The guard of one ephemeral environment; see `deployer.adapters.guard`."""

    naming: Naming
    state_bucket: str

    def thing(self, what: str, name: str | None, *, place: str) -> None:
        """Only what bears this environment's name or host, and nobody else's."""
        if name is None:
            raise self._refused(f"nothing says whose this {what} is", place)
        if self.naming.is_own(name) and self.naming.foreign(name) is None:
            return
        theirs = self.naming.foreign(name)
        whose = f", and `{theirs}` is another environment's" if theirs else ""
        raise self._refused(f"the {what} `{name}` does not bear the name of `{self.naming.name}`{whose}", place)

    def key(self, bucket: str, key: str) -> None:
        """Anything in a bucket of its own; in that of the state what is below its own name."""
        if bucket != self.state_bucket:
            self.thing("R2 bucket", bucket, place=f"bucket `{bucket}`, `{key}`")
        elif not any(pattern.fullmatch(key) for pattern in _keys(self.naming.name)):
            raise self._refused(f"the object `{key}` is not one of `{self.naming.name}`", f"bucket `{bucket}`")

    def shared(self, bucket: str) -> None:
        """The bucket of the state, and its own."""
        if bucket != self.state_bucket:
            self.thing("R2 bucket", bucket, place=f"bucket `{bucket}`")

    def credential(self, kind: str, *, place: str) -> None:
        """A production or development key must not be in such a run at all."""
        if kind not in _CONVEX_KINDS:
            raise self._refused(f"a Convex key of the type `{kind}` is not for an ephemeral environment", place)

    def inputs(self, stack: str, *, backend: str, variables: str) -> None:
        """What is rendered for Terraform: the state's place, and everything that variables name."""
        place = f"{stack}.tfvars.json"
        if stack == SHARED_STACK:
            raise self._refused(f"the stack `{stack}` belongs to all environments", place)
        found = re.search(r'^\s*key\s*=\s*"([^"]*)"', backend, re.MULTILINE)
        if found is None:
            raise self._refused("nothing says where the state lies", f"{stack}.tfbackend")
        self.key(self.state_bucket, found[1])
        values: dict[str, Any] = json.loads(variables)
        for variable in NAMES_IN_INPUTS.keys() & values.keys():
            value = values[variable]
            for name in value.values() if isinstance(value, dict) else (value,):
                self.thing(NAMES_IN_INPUTS[variable], str(name), place=f"{place}, `{variable}`")

    def _refused(self, message: str, place: str) -> GuardRefused:
        return GuardRefused(
            f"{message}: nothing was written",
            place=place,
            hint="names come from environments.toml and from `--set`; `inv config --env NAME` shows which from where",
        )


@functools.cache
def _keys(environment: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(key.replace("{environment}", re.escape(environment))) for key in SHARED_KEYS)
