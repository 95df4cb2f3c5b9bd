"""A plan that is made while other steps are at work, for a stack whose turn comes later in the same run.

What attaches hosts waits for the Worker, and its first plan for nothing but the state's bucket. It is used only if it
is the first one, all creations, and there is still no state when the turn has come: nothing that ran meanwhile can
have made such a plan wrong, and Terraform refuses it if the state has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from deployer.adapters.terraform import Plan
from deployer.errors import DeployError


@dataclass(frozen=True)
class Ahead:
    """At most one such plan for one stack. Nobody has to begin it, and its failure is nobody's."""

    make: Callable[[], Plan]
    _made: list[Plan] = field(default_factory=list, init=False, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def begin(self) -> None:
        """Start planning; comes back at once."""
        with self._lock:
            if not self._threads:
                # Not a daemon: an interrupted run waits until this Terraform, interrupted as well, is gone.
                thread = threading.Thread(target=self._plan, name="terraform ahead", daemon=False)
                self._threads.append(thread)
                thread.start()

    def take(self) -> Plan | None:
        """Wait for the plan that was begun and hand it out once; None if there is none of use."""
        for thread in self._threads:
            thread.join()
        plan = self._made.pop() if self._made else None
        if plan is None or not plan.changes or any(change.word != "create" for change in plan.changes):
            return None
        return plan

    def _plan(self) -> None:
        try:
            self._made.append(self.make())
        except DeployError:
            # The turn of the stack shows the same failure, where somebody reads it.
            return
