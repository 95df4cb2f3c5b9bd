"""What the Terraform states of one environment hold: the proof of what its deploys have made.

The inventory says what is wished, and a wish proves nothing: a bucket may bear that name and be somebody else's. States
of stacks that the inventory no longer names count as well. Reads the bucket and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.adapters.state import Bucket
from deployer.adapters.terraform.state import Instance
from deployer.inventory.state_keys import LOCK_ENDING, folder_of, owner_of
from deployer.steps.state_object import StateObject
from deployer.words import Named


@dataclass(frozen=True)
class Holdings:
    """All states of one environment in the state bucket."""

    bucket: Bucket
    named: Named

    @property
    def environment(self) -> str:
        """Whose they are."""
        return self.named.environment

    def states(self) -> dict[str, StateObject]:
        """Stack to its state, for every one that is there."""
        return {stack: self._state(stack) for stack in self._stacks("")}

    def locked(self) -> dict[str, StateObject]:
        """Stack to its state, for every one that somebody holds."""
        return {stack: self._state(stack) for stack in self._stacks(LOCK_ENDING)}

    def resources(self, stack: str) -> tuple[Instance, ...]:
        """What one stack manages; nothing if it has no state. Damaged if nobody can know."""
        state = self._state(stack).read()
        return () if state is None else tuple(state.managed.values())

    def values(self, kind: str, attribute: str) -> frozenset[str]:
        """One attribute of all resources of a type, such as the names of the buckets."""
        return frozenset(
            str(resource.attributes[attribute])
            for stack in self.states()
            for resource in self.resources(stack)
            if resource.type == kind and resource.attributes.get(attribute)
        )

    def _state(self, stack: str) -> StateObject:
        return StateObject(bucket=self.bucket, named=self.named, stack=stack)

    def _stacks(self, ending: str) -> Iterator[str]:
        """Stacks of which there is a state, or what bears this ending beside it."""
        for key in self.bucket.list_keys(folder_of(self.environment)):
            owner = owner_of(key.removesuffix(ending)) if key.endswith(ending) else None
            if owner is not None:
                yield owner[1]
