"""What runs on ephemeral environments are made of in a model: the bucket taken in turns, wiring, small steps."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from deployer.adapters.redact import Redactor
from deployer.adapters.state import Bucket, Entry, Object
from deployer.adapters.target import Target, cloudflare_target
from deployer.cli.session import Session
from deployer.cli.subject import Subject
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.engine.stop import Stop
from deployer.playbooks.wiring import Wiring
from deployer.report.sink import Sink
from tests.support.buckets import MemoryBucket
from tests.support.turns import Actor

THINGS = ("namespace", "worker", "preview", "host")
_KEY = "preview:vibechecc:vibechecc|made-up"
_CREDENTIALS = (
    "CLOUDFLARE_API_TOKEN",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "CONVEX_PREVIEW_DEPLOY_KEY",
)
TARGET = replace(
    cloudflare_target(
        {name: _KEY if name == "CONVEX_PREVIEW_DEPLOY_KEY" else "made-up-credential" for name in _CREDENTIALS},
        account_id="0" * 32,
    ),
    name="sandbox",
)


class Modelled(Protocol):
    """The world, as far as its parts know it."""

    store: MemoryBucket

    @property
    def when_made(self) -> Callable[[str], None]:
        """Told what was made."""

    @property
    def when_gone(self) -> Callable[[str], None]:
        """Told what was removed."""

    def has(self, environment: str) -> dict[str, str]:
        """What the provider has of an environment."""

    def new_run(self, actor: Actor) -> str:
        """The id of another run."""


@dataclass(frozen=True)
class Shared(MemoryBucket):
    """The bucket as one actor has it: everything it asks takes a turn."""

    store: MemoryBucket = field(default_factory=MemoryBucket)
    actor: Actor | None = None

    def _turn_taken(self) -> MemoryBucket:
        if self.actor is not None:
            self.actor.turn()
        return self.store

    def clock(self) -> dt.datetime | None:
        return self._turn_taken().clock()

    def get(self, key: str) -> Object | None:
        return self._turn_taken().get(key)

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        return self._turn_taken().try_put(key, body, replaces=replaces)

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        return iter(list(self._turn_taken().entries(prefix)))

    def delete(self, keys: list[str]) -> None:
        self._turn_taken().delete(keys)


@dataclass(frozen=True, kw_only=True)
class ModelWiring(Wiring):
    """A run's wiring that reaches the model."""

    shared: Shared
    commit: str

    @property
    def state_bucket(self) -> Bucket:
        return self.shared

    @property
    def checkout(self) -> Any:
        return SimpleNamespace(standing=lambda: (self.commit, False))


@dataclass(frozen=True, kw_only=True)
class ModelSubject(Subject):
    """One environment, as one actor sees it."""

    world: Modelled
    actor: Actor
    commit: str

    def wiring(self, session: Session, target: Target, *, patience: float | None = None) -> Wiring:
        return ModelWiring(
            loaded=self.loaded,
            environment=self.environment,
            target=target,
            folder=self.folder.path,
            stop=session.stop,
            redactor=Redactor(),
            patience=patience,
            shared=Shared(store=self.world.store, actor=self.actor),
            commit=self.commit,
            run_id=self.world.new_run(self.actor),
        )


@dataclass(frozen=True, kw_only=True)
class Made(BaseStep[str | None]):
    """One thing is there, of this commit."""

    world: Modelled
    actor: Actor
    environment: str
    thing: str
    commit: str

    def observe(self, context: Context) -> str | None:
        self.actor.turn()
        return self.world.has(self.environment).get(self.thing)

    def diff(self, context: Context, facts: str | None) -> Sequence[Change]:
        return () if facts == self.commit else (Change(action=Action.CREATE, address=self.thing, summary=self.commit),)

    def apply(self, context: Context, facts: str | None, changes: Sequence[Change]) -> Mapping[str, object]:
        self.actor.turn()
        self.world.has(self.environment)[self.thing] = self.commit
        self.world.when_made(self.thing)
        return {}


@dataclass(frozen=True, kw_only=True)
class Gone(BaseStep[bool]):
    """One thing is not there."""

    world: Modelled
    actor: Actor
    environment: str
    thing: str

    def observe(self, context: Context) -> bool:
        self.actor.turn()
        return self.thing in self.world.has(self.environment)

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        return (Change(action=Action.DELETE, address=self.thing, summary="gone"),) if facts else ()

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        self.actor.turn()
        self.world.has(self.environment).pop(self.thing, None)
        self.world.when_gone(self.thing)
        return {}


@dataclass(frozen=True, kw_only=True)
class StateWritten(BaseStep[bool]):
    """There is a state, or there is none: before everything else, and after everything else."""

    bucket: Shared
    key: str
    wanted: bool

    def observe(self, context: Context) -> bool:
        return self.bucket.get(self.key) is not None

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        action = Action.CREATE if self.wanted else Action.DELETE
        return () if facts is self.wanted else (Change(action=action, address="state", summary="state"),)

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        if self.wanted:
            self.bucket.try_put(self.key, b'{"version": 4, "resources": []}', replaces=None)
        else:
            self.bucket.delete([self.key])
        return {}


def new_session() -> Session:
    """A session that prints nothing."""
    session = Session(root=Path("/nowhere"), command="pr.up")
    session.__dict__["sink"] = Sink(
        out=io.StringIO(), err=io.StringIO(), colour=False, live=False, width=80, redact=lambda text: text
    )
    session.__dict__["stop"] = Stop()
    return session
