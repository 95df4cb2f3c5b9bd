"""Values that steps hand on to later steps.

The rules of the contract in `step.py` are enforced here: who may read what, when an `Unknown` is an answer, and which
error names both sides when it is not.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from deployer.engine.change import Unknown
from deployer.engine.playbook import Playbook
from deployer.engine.step import Step
from deployer.errors import DeployError, InternalError, UsageError


class ValueStore:
    """Filled by the runner when a step has ended; read by steps from any thread."""

    def __init__(self, playbook: Playbook, *, check: bool) -> None:
        self._playbook = playbook
        self._check = check
        self._values: dict[str, object] = {}
        self._problems: dict[str, DeployError] = {}
        self._lock = threading.Lock()

    def publish(self, step: Step[Any], values: Mapping[str, object], *, complete: bool) -> None:
        """Keep what `step` returned; `complete` insists on everything that it promises in `provides`."""
        surplus = sorted(set(values) - set(step.provides))
        missing = [name for name in step.provides if name not in values]
        if surplus:
            raise InternalError(f"step `{step.name}` returned `{surplus[0]}`, which is not in its `provides`")
        if missing and complete:
            raise InternalError(f"step `{step.name}` promises `{missing[0]}` and did not return it")
        with self._lock:
            self._values.update(values)

    def problem(self, step: Step[Any], error: DeployError) -> None:
        """Remember why a step that was not selected could not even be observed."""
        with self._lock:
            self._problems[step.name] = error

    def read(self, name: str, reader: str) -> object:
        """Return a value on behalf of the step `reader`; see the contract in `step.py`."""
        provider = self._playbook.providers.get(name)
        if provider is None or provider not in self._playbook.ancestors[reader]:
            raise InternalError(f"step `{reader}` reads `{name}` but needs no step that provides it")
        with self._lock:
            if name in self._values:
                return self._values[name]
            problem = self._problems.get(provider)
        if self._check:
            return Unknown(provider)
        if problem is not None:
            raise problem
        raise UsageError(
            f"step `{reader}` needs `{name}` of step `{provider}`, which is not selected and has not been applied yet",
            hint="run once without `--tags` and `--skip-tags`",
        )


class NoValues:
    """What a step sees while it is observed early: nothing, and loudly."""

    def read(self, name: str, reader: str) -> object:
        """Refuse: the provider may not have ended, so any answer would be a guess."""
        raise InternalError(f"step `{reader}` is marked `early` and reads `{name}` while it is observed")
