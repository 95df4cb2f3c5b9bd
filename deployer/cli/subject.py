"""From `--env`, `--sandbox` and `--set` to what a command is about: inventory, environment, work folder, wiring."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import UsageError
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.adapters.target import Target
    from deployer.cli.session import Session
    from deployer.engine.workfolder import WorkFolder
    from deployer.inventory.load import LoadedInventory
    from deployer.inventory.model import Environment
    from deployer.playbooks.wiring import Wiring


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One environment on one target, before anything is asked of either."""

    loaded: LoadedInventory
    environment: Environment
    target: str
    folder: WorkFolder

    @property
    def named(self) -> Named:
        """Both, for commands that a person is told to type."""
        return Named(self.environment.name, self.target)

    def locked(self, session: Session, *, patience: float | None = None) -> AbstractContextManager[Path]:
        """Hold the work folder: one run at a time in this checkout. `patience` is as in `wiring`."""
        from deployer.adapters.environ import identity

        return self.folder.locked(
            command=f"inv {session.command}", who=identity(), patience=patience, say=session.sink.talk
        )

    def wiring(self, session: Session, target: Target, *, patience: float | None = None) -> Wiring:
        """The adapters that act on it; `patience` is --lock-timeout in seconds, None where there is no such flag."""
        from deployer.playbooks.wiring import Wiring

        return Wiring(
            loaded=self.loaded,
            environment=self.environment,
            target=target,
            folder=self.folder.path,
            stop=session.stop,
            redactor=session.redactor,
            patience=patience,
        )


def begin(session: Session, *, env: str, sandbox: bool, settings: Sequence[str] = ()) -> Subject:
    """Look up `--env`, and tell the session what this command is about, for the JSON of failures."""
    from deployer.engine.workfolder import WorkFolder

    loaded = session.inventory(settings)
    if not env:
        known = ", ".join(f"`{entry}`" for entry in loaded.entries)
        raise UsageError(f"`{session.command}` needs --env", hint=f"e.g. --env {loaded.entries[0]}; known: {known}")
    environment = loaded.environment(env)
    target = "sandbox" if sandbox else "cloudflare"
    session.environment, session.target = environment.name, target
    folder = WorkFolder.of(session.root, target=target, environment=environment.name)
    return Subject(loaded=loaded, environment=environment, target=target, folder=folder)


def open_run(session: Session, *, env: str, sandbox: bool, settings: Sequence[str] = ()) -> Wiring:
    """Everything for a command that asks the target; starts the sandbox when it is wanted and not running."""
    from deployer.cli.targets import connect

    subject = begin(session, env=env, sandbox=sandbox, settings=settings)
    target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
    subject.folder.make()
    return subject.wiring(session, target)
