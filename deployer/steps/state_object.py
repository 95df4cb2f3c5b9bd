"""The state of one stack in the bucket: where it lies, what it says, and what to type about it.

What belongs to a state (copies, lock, changes by hand) begins with this, so that all of it speaks of the same object
in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployer.adapters.state import Bucket, Object
from deployer.adapters.terraform.state import NotAState, State
from deployer.errors import Damaged
from deployer.inventory.state_keys import state_key
from deployer.words import Named


@dataclass(frozen=True, kw_only=True)
class StateObject:
    """The state of `stack`, whether it is there or not."""

    bucket: Bucket
    named: Named
    stack: str

    @property
    def key(self) -> str:
        """Where it lies."""
        return state_key(self.named.environment, self.stack)

    @property
    def place(self) -> str:
        """The same for people."""
        return self.bucket.place(self.key)

    def command(self, task: str, *flags: str) -> str:
        """What to type about it, in backticks."""
        return self.named.command(task, f"--stack {self.stack}", *flags)

    def get(self) -> Object | None:
        """The object, None if there is no state."""
        return self.bucket.get(self.key)

    def read(self) -> State | None:
        """What it says, None if there is no state; Damaged if it is none."""
        found = self.get()
        return None if found is None else self.require(found.body)

    def require(self, body: bytes) -> State:
        """What these bytes of it say; Damaged if they are no state."""
        try:
            return State.parse(body)
        except NotAState as why:
            raise Damaged(
                f"the state is damaged: {why}",
                place=self.place,
                hint=f"{self.command('state.restore')} brings back its newest copy",
            ) from None
