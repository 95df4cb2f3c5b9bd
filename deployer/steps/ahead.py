"""Plans that are made before their turn, while something else is at work.

`HeadStart`: Terraform needs what is in the inventory, and no other step; it starts while the rest of the program is
still being loaded. `Ahead`: what attaches hosts waits for the Worker, and its first plan for nothing but the state's
bucket. That one is used only if it is the first one, all creations, and there is still no state when the turn has come:
nothing that ran meanwhile can have made such a plan wrong, and Terraform refuses it if the state has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from deployer.adapters.terraform import Plan, Stack
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


@dataclass(frozen=True)
class HeadStart:
    """The plan of one stack, begun before the first step of a run that changes nothing."""

    stack: Callable[[], Stack]
    _made: list[Plan] = field(default_factory=list, init=False, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False, repr=False)

    def begin(self) -> None:
        """Start planning if nothing has to be prepared for it; comes back at once. A failure is nobody's, see above."""
        try:
            stack = self.stack()
            if not stack.initialised:
                return
        except (DeployError, OSError):
            return
        thread = threading.Thread(target=self._plan, args=(stack,), name="terraform head start", daemon=False)
        self._threads.append(thread)
        thread.start()

    def take(self) -> Plan | None:
        """Wait for the plan and hand it out once; None if there is none."""
        for thread in self._threads:
            thread.join()
        return self._made.pop() if self._made else None

    def _plan(self, stack: Stack) -> None:
        try:
            self._made.append(stack.plan(details=True))
        except DeployError:
            # The turn of the stack shows the same failure, where somebody reads it.
            return
