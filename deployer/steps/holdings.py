"""What the Terraform states of one environment hold: the proof of what its deploys have made.

The inventory says what is wished, and a wish proves nothing: a bucket may bear that name and be somebody else's. States
of stacks that the inventory no longer names count as well. Reads the bucket and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.state import Bucket
from deployer.errors import Damaged

_STATE = ".tfstate"


@dataclass(frozen=True)
class Resource:
    """One thing that Terraform manages."""

    type: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Holdings:
    """All states of one environment in the state bucket."""

    bucket: Bucket
    environment: str

    def keys(self) -> dict[str, str]:
        """Stack to the key of its state, for every state that is there."""
        return {
            key.removeprefix(self._prefix).removesuffix(_STATE): key
            for key in self.bucket.list_keys(self._prefix)
            if key.endswith(_STATE)
        }

    def locked(self) -> frozenset[str]:
        """Stacks whose state somebody holds."""
        end = f"{_STATE}.tflock"
        keys = [key for key in self.bucket.list_keys(self._prefix) if key.endswith(end)]
        return frozenset(key.removeprefix(self._prefix).removesuffix(end) for key in keys)

    def resources(self, stack: str) -> tuple[Resource, ...]:
        """What one stack manages; nothing if it has no state."""
        key = f"{self._prefix}{stack}{_STATE}"
        found = self.bucket.get(key)
        if found is None:
            return ()
        try:
            return tuple(_resources(json.loads(found.body)))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Damaged(
                "this is not a Terraform state, so nobody knows what it holds",
                place=self.bucket.place(key),
                hint=f"`inv state.restore --env {self.environment} --stack {stack}` brings back its newest copy",
            ) from None

    def values(self, kind: str, attribute: str) -> frozenset[str]:
        """One attribute of all resources of a type, such as the names of the buckets."""
        return frozenset(
            str(resource.attributes[attribute])
            for stack in self.keys()
            for resource in self.resources(stack)
            if resource.type == kind and resource.attributes.get(attribute)
        )

    @property
    def _prefix(self) -> str:
        return f"terraform/{self.environment}/"


def _resources(state: Mapping[str, Any]) -> Iterator[Resource]:
    for resource in state["resources"]:
        if resource["mode"] != "managed":
            continue
        for instance in resource["instances"]:
            yield Resource(resource["type"], instance.get("attributes") or {})
