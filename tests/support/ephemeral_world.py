"""Ephemeral environments with a provider and a GitHub that are models, and everything in between as it is.

The runs are real: `Attempts` of the command line, engine, ledger, lock, lease, what `pr.up` and `pr.down` do around
their playbooks, and the sweep's judgement. Only the steps are small: each makes or removes one thing at the provider.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.cli.runs import Attempts, Verb, Wish
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult
from deployer.engine.step import BaseStep
from deployer.engine.workfolder import WorkFolder
from deployer.errors import DeployError, EnvironmentClosed
from deployer.inventory.load import LoadedInventory
from deployer.inventory.state_keys import state_key
from deployer.playbooks.ephemeral import Down, Pulls, Up
from deployer.playbooks.sweep import Survey
from deployer.playbooks.wiring import Wiring
from deployer.steps import environment_lock, holder
from deployer.steps.holder import Owners, Verdict
from deployer.steps.lease_store import LeaseStore
from deployer.steps.ledger import Entry as LedgerEntry
from deployer.steps.sweep import Cause
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.ephemeral_parts import TARGET, THINGS, Gone, Made, ModelSubject, Shared, StateWritten, new_session
from tests.support.ephemeral_survey import Sight, hub_of, survey
from tests.support.inventory import inventory
from tests.support.turns import Actor, Turns

_FOREVER = 1e6


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
    # What happens beside a run at a certain point, for tests that want one order.
    when_made: Callable[[str], None] = lambda _thing: None
    when_gone: Callable[[str], None] = lambda _thing: None
    when_asked: Callable[[int], None] = lambda _count: None
    asked: int = 0
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

    def pin(self, number: int) -> Callable[[Actor], None]:
        """A person pins it, if there is something to pin."""

        def life(actor: Actor) -> None:
            store = LeaseStore(Shared(store=self.store, actor=actor), Named(f"pr-{number}", "sandbox"))
            with contextlib.suppress(DeployError):
                store.pin("mira")

        return life

    def pass_time(self) -> None:
        """So long that every lease ends that nobody has pinned."""
        self.store.wait(hours=80)
        self.deeds.append(Deed(what="time", number=0, began=self.moment(), ended=self.moment()))

    def sweep(self) -> Callable[[Actor], None]:
        """`pr.sweep`: the real judgement of what the model shows."""

        def life(actor: Actor) -> None:
            self.sweep_away(self.survey(actor))(actor)

        return life

    def survey(self, actor: Actor) -> Survey:
        """The first half of a sweep: the look."""
        return survey(self._sight(actor))

    def sweep_away(self, found: Survey) -> Callable[[Actor], None]:
        """The second half: what was found goes."""

        def life(actor: Actor) -> None:
            deed = self._deed("sweep", 0)
            seen = replace(found, hub=hub_of(self._sight(actor)))
            for finding in found.judgement.findings:
                if finding.cause is Cause.TOMBSTONE:
                    continue
                down = Down(say=_quiet, why=str(finding.cause), only=partial(seen.still_goes, finding))
                deed.error = self._run(self._subject(finding.number, actor, "none"), self._removal(down, actor))
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
            self.asked += 1
            self.when_asked(self.asked)
            return self.pulls.get(number)

        return Pulls(
            ask=ask if self.github else None, number=number, named=Named(f"pr-{number}", "sandbox"), say=_quiet
        )

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
        session, wish = new_session(), Wish(env=subject.environment.name, sandbox=True)
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

    def _sight(self, actor: Actor) -> Sight:
        return Sight(
            actor=actor,
            store=self.store,
            provider=self.provider,
            pulls=self.pulls,
            github=self.github,
            is_dead=lambda run: self.runs[run].killed,
        )

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
        lease = LeaseStore(self.store, Named(f"pr-{number}", "sandbox")).read().lease
        pinned = lease is not None and lease.open and lease.pinned is not None
        ran_out = 0 if pinned else max((deed.began for deed in self.deeds if deed.what == "time"), default=0)
        since = max(opened, taken, ran_out)
        alive = [deed for deed in own if deed.what == "up" and deed.went_well and deed.began > since]
        if alive and set(has) != set(THINGS):
            yield f"pr-{number} is open and was made, and there is only: {sorted(has)}"
        # One that was killed may have left it in the middle of an update.
        cut_off = [deed for deed in own if deed.what == "up" and not deed.went_well and deed.began > opened]
        if alive and not cut_off and len(set(has.values())) > 1:
            yield f"pr-{number} is a mixture: {has}"


def _moments_end() -> int:
    return 10**9


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


def _quiet(_text: str) -> None:
    """Nobody listens."""
