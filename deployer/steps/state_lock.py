"""Terraform's own lock on one state, taken by us: for what writes a state without Terraform.

It says which run of ours took it: one that the ledger knows to be over has left it behind, and the next run removes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from deployer.engine.step import Context
from deployer.errors import DeployError
from deployer.steps.state_file import StateFile


@dataclass(frozen=True, kw_only=True)
class StateLock:
    """The lock of one state, for this run."""

    state: StateFile
    run: str
    command: str

    @contextlib.contextmanager
    def held(self, context: Context) -> Iterator[None]:
        """Hold the state. Raises StateLocked that says who has it."""
        taken = self.state.unlocking(self._take, context)
        try:
            yield
        except BaseException:
            # What went wrong is said; the lock that could not be given back is taken over by the next run.
            with contextlib.suppress(DeployError):
                self._give_back(taken)
            raise
        self._give_back(taken)

    def _take(self) -> str:
        return self.state.lock.take(run=self.run, command=self.command, who=self.state.identity)

    def _give_back(self, taken: str) -> None:
        found = self.state.lock.held()
        # Somebody may have broken it by force and taken it: then it is theirs.
        if found is not None and found.id == taken:
            self.state.lock.remove(found)
