"""Ephemeral environments with a provider and a GitHub that are models, and everything in between as it is.

The runs are real: `Attempts` of the command line, engine, ledger, lock, lease, what `pr.up` and `pr.down` do around
their playbooks, and the sweep's judgement. Only the steps are small: each makes or removes one thing at the provider.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deployer.adapters.redact import Redactor
from deployer.adapters.state import Bucket, Entry, Object
from deployer.adapters.target import Target
from deployer.cli.runs import Attempts, Verb, Wish
from deployer.cli.session import Session
from deployer.cli.subject import Subject
from deployer.engine.change import Action, Change
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult
from deployer.engine.step import BaseStep, Context
from deployer.engine.stop import Stop
from deployer.engine.workfolder import WorkFolder
from deployer.errors import DeployError, EnvironmentClosed
from deployer.inventory.load import LoadedInventory
from deployer.inventory.state_keys import state_key
from deployer.playbooks.ephemeral import Down, Pulls, Up
from deployer.playbooks.wiring import Wiring
from deployer.report.sink import Sink
from deployer.steps import environment_lock, holder
from deployer.steps.holder import Owners, Verdict
from deployer.steps.lease_store import Held, all_leases
from deployer.steps.ledger import Entry as LedgerEntry
from deployer.steps.ledger import Ledger
from deployer.steps.sweep import Cause, Facts, Finding, Kind, LeaseFact, Rules, Thing, judge
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory
from tests.support.turns import Actor, Turns

THINGS = ("namespace", "worker", "preview", "host")
_FOREVER = 1e6
_KEY = "preview:vibechecc:vibechecc|made-up"


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
    def state_bucket(self) -> Bucket:  # type: ignore[override] -- made once in earnest
        return self.shared

    @property
    def checkout(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(standing=lambda: (self.commit, False))


@dataclass(frozen=True, kw_only=True)
class ModelSubject(Subject):
    """One environment, as one actor sees it."""

    world: World
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

    world: World
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
        return {}


@dataclass(frozen=True, kw_only=True)
class Gone(BaseStep[bool]):
    """One thing is not there."""

    world: World
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


@dataclass(kw_only=True)
class Deed:
    """What somebody did, and how it ended: None while at it, and for ever of one who was killed."""

    what: str
    number: int
    began: int
    ended: int | None = None
    error: DeployError | None = None

    @property
    def went_well(self) -> bool:
        """Whether it came to its end."""
        return self.ended is not None and self.error is None


@dataclass
class World:
    """The bucket, the provider, GitHub, and who acts on them."""

    folder: Path
    turns: Turns
    github: bool = True
    store: MemoryBucket = field(default_factory=MemoryBucket)
    provider: dict[str, dict[str, str]] = field(default_factory=dict)
    pulls: dict[int, str] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)
    runs: dict[str, Actor] = field(default_factory=dict)
    loaded: LoadedInventory = field(default_factory=inventory)
    _moments: int = 0
    _sessions: int = 0

    def has(self, environment: str) -> dict[str, str]:
        """What the provider has of it, thing to commit."""
        return self.provider.setdefault(environment, {})

    def moment(self) -> int:
        """Ever larger."""
        self._moments += 1
        return self._moments

    def new_run(self, actor: Actor) -> str:
        """The id of a run of this actor."""
        run = f"run-{len(self.runs)}"
        self.runs[run] = actor
        return run

    # --- who acts ------------------------------------------------------------------------------------------------

    def say_on_github(self, number: int, state: str) -> Callable[[Actor], None]:
        """A person opens or closes it."""

        def life(_actor: Actor) -> None:
            self.pulls[number] = state
            self.deeds.append(Deed(what=state, number=number, began=self.moment(), ended=self.moment()))

        return life

    def up(self, number: int, commit: str = "c1", *, reopen: bool = False) -> Callable[[Actor], None]:
        """`pr.up`."""

        def life(actor: Actor) -> None:
            deed = self._deed("up", number)
            subject = self._subject(number, actor, commit)
            life = Up(pulls=self._pulls(number, actor), say=_quiet, reopen=reopen, make_room=lambda _wiring: None)
            verb = Verb(
                playbook=lambda wiring: self._making(wiring, actor, commit),
                begin=life.begin,
                admit=life.admit,
                gate=life.gate,
                ended=life.ended,
            )
            deed.error = self._run(subject, verb)
            if isinstance(deed.error, EnvironmentClosed):
                # As the command does.
                back = Down(say=_quiet, closes=False)
                self._run(subject, self._removal(back, actor, begin=False))
            deed.ended = self.moment()

        return life

    def down(self, number: int, *, unless_open: bool = False) -> Callable[[Actor], None]:
        """`pr.down`, of a person or of a workflow."""

        def life(actor: Actor) -> None:
            deed = self._deed("down" if unless_open else "down by hand", number)
            asks = (lambda _wiring: self._pulls(number, actor)) if unless_open else None
            life = Down(say=_quiet, unless_open=asks)
            deed.error = self._run(self._subject(number, actor, "none"), self._removal(life, actor))
            deed.ended = self.moment()

        return life

    def closing(self, number: int) -> Callable[[Actor], None]:
        """A person closes it, and the workflow of that removes it."""

        def life(actor: Actor) -> None:
            self.say_on_github(number, "closed")(actor)
            self.down(number, unless_open=True)(actor)

        return life

    def reopening(self, number: int, commit: str) -> Callable[[Actor], None]:
        """A person opens it, and the workflow of that makes it."""

        def life(actor: Actor) -> None:
            self.say_on_github(number, "open")(actor)
            self.up(number, commit)(actor)

        return life

    def sweep(self) -> Callable[[Actor], None]:
        """`pr.sweep`: the real judgement of what the model shows."""

        def life(actor: Actor) -> None:
            deed = self._deed("sweep", 0)
            facts = self._survey(actor)
            for finding in judge(facts, _RULES).findings:
                self._sweep_one(actor, facts, finding)
            deed.ended = self.moment()

        return life

    # --- parts ---------------------------------------------------------------------------------------------------

    def _deed(self, what: str, number: int) -> Deed:
        deed = Deed(what=what, number=number, began=self.moment())
        self.deeds.append(deed)
        return deed

    def _pulls(self, number: int, actor: Actor) -> Pulls:
        def ask() -> str | None:
            actor.turn()
            return self.pulls.get(number)

        return Pulls(ask=ask if self.github else None, number=number, say=_quiet)

    def _subject(self, number: int, actor: Actor, commit: str) -> ModelSubject:
        environment = self.loaded.environment(f"pr-{number}")
        self._sessions += 1
        root = self.folder / str(self._sessions)
        root.mkdir()
        folder = WorkFolder.of(root, target="sandbox", environment=environment.name)
        folder.make()
        return ModelSubject(
            loaded=self.loaded, environment=environment, target="sandbox", folder=folder, world=self, actor=actor,
            commit=commit,
        )  # fmt: skip

    def _run(self, subject: ModelSubject, verb: Verb) -> DeployError | None:
        """As `execute` does, without what it costs to start."""
        session, wish = _session(), Wish(env=subject.environment.name, sandbox=True)
        try:
            if verb.begin is not None:
                verb.begin(subject.wiring(session, TARGET))
            attempts = Attempts(session=session, wish=wish, subject=subject, verb=verb, patience=_FOREVER)
            result: RunResult = attempts.run(TARGET, None)
        except DeployError as error:
            return error
        return result.error

    def _making(self, wiring: Wiring, actor: Actor, commit: str) -> Playbook:
        name = wiring.environment.name
        first = StateWritten(name="state", bucket=_shared(wiring), key=state_key(name, "site"), wanted=True)
        steps: list[BaseStep[Any]] = [first]
        for thing in THINGS:
            needs = (steps[-1].name,)
            step = Made(name=thing, needs=needs, world=self, actor=actor, environment=name, thing=thing, commit=commit)
            steps.append(step)
        return Playbook("deploy", steps)

    def _removing(self, wiring: Wiring, actor: Actor) -> Playbook:
        name = wiring.environment.name
        steps: list[BaseStep[Any]] = []
        for thing in reversed(THINGS):
            needs = (steps[-1].name,) if steps else ()
            steps.append(Gone(name=thing, needs=needs, world=self, actor=actor, environment=name, thing=thing))
        last = StateWritten(
            name="state", needs=(steps[-1].name,), bucket=_shared(wiring), key=state_key(name, "site"), wanted=False
        )
        return Playbook("destroy", [*steps, last])

    def _removal(self, life: Down, actor: Actor, *, begin: bool = True) -> Verb:
        return Verb(
            playbook=lambda wiring: self._removing(wiring, actor),
            begin=life.begin if begin else None,
            gate=life.gate,
            ended=life.ended,
        )

    def _survey(self, actor: Actor) -> Facts:
        """In the order of the real one: listings, leases, pull requests, who is at work."""
        shared = Shared(store=self.store, actor=actor)
        actor.turn()
        things = [
            Thing(kind=Kind.WORKER, name=thing, environment=name, number=number_of(name))
            for name, has in self.provider.items()
            for thing in has
        ]
        states = [key.split("/")[1] for key in shared.list_keys("terraform/")]
        things += [Thing(kind=Kind.STATE, name=name, environment=name, number=number_of(name)) for name in states]
        leases = {found.environment: _fact(found.lease) for found in _leases(shared)}
        actor.turn()
        opened = frozenset(number for number, state in self.pulls.items() if state == "open")
        held = {}
        for name in {thing.environment for thing in things} | set(leases):
            head = Ledger(shared, Named(name, "sandbox")).head()
            if head.open is not None and not self.runs[head.open.run].killed:
                held[name] = "somebody"
        now = self.store.clock()
        assert now is not None
        return Facts(
            now=now,
            leases=leases,
            numbers={name: number_of(name) for name in leases},
            things=things,
            open=opened if self.github else None,
            held=held,
        )

    def _sweep_one(self, actor: Actor, facts: Facts, finding: Finding) -> None:
        if finding.cause is Cause.TOMBSTONE:
            return

        def still(held: Held) -> bool:
            actor.turn()
            is_open = self.pulls.get(finding.number) == "open"
            again = replace(
                facts,
                now=held.now,
                leases={finding.environment: _fact(held.lease)} if held.etag else {},
                numbers={finding.environment: finding.number},
                things=finding.things,
                open=(frozenset({finding.number}) if is_open else frozenset()) if self.github else None,
                held={},
            )
            return bool(judge(again, _RULES).findings)

        life = Down(say=_quiet, why=str(finding.cause), only=still)
        self._run(self._subject(finding.number, actor, "none"), self._removal(life, actor))

    # --- what must hold ------------------------------------------------------------------------------------------

    def left_of(self, number: int) -> list[str]:
        """Things, and objects other than the tombstone and what the ledger keeps."""
        name = f"pr-{number}"
        kept = (f"leases/{name}.json", f"ledger/{name}/", f"ledger-heads/{name}.json")
        own = [key for key in self.store.objects if {name, f"{name}.json"} & set(key.split("/"))]
        objects = [key for key in own if not key.startswith(kept)]
        return [*self.has(name), *objects]

    def wrong(self) -> list[str]:
        """What must not be at the end, in words."""
        return [text for number in sorted(self.pulls) for text in self._wrong_of(number)]

    def _wrong_of(self, number: int) -> Iterator[str]:
        has = self.has(f"pr-{number}")
        if self.pulls[number] != "open":
            if self.left_of(number):
                yield f"pr-{number} is closed, and there is left: {self.left_of(number)}"
            return
        own = [deed for deed in self.deeds if deed.number == number]
        opened = max(deed.began for deed in own if deed.what == "open")
        taken = max((deed.ended or _moments_end() for deed in own if deed.what == "down by hand"), default=0)
        alive = [deed for deed in own if deed.what == "up" and deed.went_well and deed.began > max(opened, taken)]
        if alive and set(has) != set(THINGS):
            yield f"pr-{number} is open and was made, and there is only: {sorted(has)}"
        # One that was killed may have left it in the middle of an update.
        cut_off = [deed for deed in own if deed.what == "up" and not deed.went_well and deed.began > opened]
        if alive and not cut_off and len(set(has.values())) > 1:
            yield f"pr-{number} is a mixture: {has}"


def _moments_end() -> int:
    return 10**9


def number_of(name: str) -> int:
    """The number in an environment's name."""
    return int(name.removeprefix("pr-"))


def prepared(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    """The parts of a run that would look at this machine look at the model."""
    judged = Owners.judge

    def judge_owner(self: Owners, opened: LedgerEntry) -> Verdict:
        actor = world.runs.get(opened.run)
        if actor is not None and actor.killed:
            return Verdict(gone=True, text="its process is gone")
        return judged(self, opened)

    monkeypatch.setattr(holder.Owners, "judge", judge_owner)
    monkeypatch.setattr(environment_lock, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr("deployer.steps.live.Live.observed", lambda _live: {})
    return world


def _shared(wiring: Wiring) -> Shared:
    return cast("Shared", wiring.state_bucket)


def _leases(shared: Shared) -> Any:
    """`all_leases` reads side by side; in turns that is one after the other, by the actor's own thread."""
    return all_leases(shared.store) if shared.actor is None else _read_in_turn(shared)


def _read_in_turn(shared: Shared) -> Any:
    assert shared.actor is not None
    shared.actor.turn()
    return all_leases(shared.store)


def _fact(lease: Any) -> LeaseFact | None:
    if lease is None:
        return None
    closed = lease.closed
    return LeaseFact(
        number=lease.number,
        renewed=lease.renewed,
        expires=lease.expires,
        pinned=lease.pinned is not None,
        closed=closed.when if closed else None,
        removed=closed.removed if closed else None,
    )


def _quiet(_text: str) -> None:
    """Nobody listens."""


def _session() -> Session:
    session = Session(root=Path("/nowhere"), command="pr.up")
    session.__dict__["sink"] = Sink(
        out=io.StringIO(), err=io.StringIO(), colour=False, live=False, width=80, redact=lambda text: text
    )
    session.__dict__["stop"] = Stop()
    return session


_RULES = Rules(grace=dt.timedelta(), retention=dt.timedelta(days=14))
TARGET = Target(
    name="sandbox",
    place="the test",
    cloudflare_url="http://127.0.0.1:1",
    s3_url="http://127.0.0.1:1",
    secrets_url="http://127.0.0.1:1",
    convex_url="http://127.0.0.1:1",
    edge_url="http://127.0.0.1:1",
    credentials={
        name: _KEY if name == "CONVEX_PREVIEW_DEPLOY_KEY" else "made-up-credential"
        for name in (
            "CLOUDFLARE_API_TOKEN",
            "R2_ACCESS_KEY_ID",
            "R2_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "CONVEX_PREVIEW_DEPLOY_KEY",
        )
    },
    process_environment={},
)
