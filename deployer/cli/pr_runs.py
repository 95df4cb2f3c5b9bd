"""Brings ephemeral environments up and takes them down for a task; what they go through is in `playbooks/ephemeral`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from deployer.cli.confirm import require_allowed
from deployer.cli.pr_names import environment_of
from deployer.cli.runs import Verb, Wish, conclude, execute
from deployer.errors import DeployError, EnvironmentClosed, EnvironmentReopened
from deployer.words import SANDBOX, Named

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.ephemeral import Down, Up
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.environment_lease import Lease
    from deployer.steps.eviction import Candidate


@dataclass(frozen=True, kw_only=True)
class PullWish:
    """The flags of `pr.up` and `pr.down`."""

    number: str
    env: str = ""
    sandbox: bool = False
    check: bool = False
    diff: bool = False
    reopen: bool = False
    evict: bool = False
    unless_open: bool = False
    timeout: str = ""
    lock_timeout: str = ""
    override_freeze: str = ""
    reason: str = ""

    def run(self, name: str) -> Wish:
        """As a run's wish."""
        return Wish(
            env=name,
            sandbox=self.sandbox,
            check=self.check,
            diff=self.diff,
            timeout=self.timeout,
            lock_timeout=self.lock_timeout,
            override_freeze=self.override_freeze,
            reason=self.reason,
        )

    def flags(self, **more: str | bool) -> dict[str, Any]:
        """What the ledger shows of the command."""
        return {"number": self.number, "env": self.env, "sandbox": self.sandbox, **more}


def up(session: Session, wish: PullWish) -> int:
    """Make the environment, or update it; one that is closed meanwhile is taken back."""
    name = environment_of(session, number=wish.number, env=wish.env)
    upward = Upward(session=session, wish=wish)
    ended = execute(session, wish.run(name), upward.verb())
    more: dict[str, object] = {}
    if isinstance(ended.result.error, EnvironmentClosed):
        error = _take_back(session, wish, name, ended.result.error, more)
        ended = replace(ended, result=replace(ended.result, error=error))
    lease = upward.lease
    return conclude(session, wish.run(name), ended, {**more, "lease": lease.fields() if lease else None})


def down(session: Session, wish: PullWish) -> int:
    """Close the environment and remove everything of it."""
    from deployer.playbooks.ephemeral import Down
    from deployer.playbooks.pull_requests import pulls_of

    name, say = environment_of(session, number=wish.number, env=wish.env), session.sink.talk
    life = Down(
        say=say,
        check=wish.check,
        unless_open=(lambda wiring: pulls_of(wiring, say=say)) if wish.unless_open else None,
    )
    try:
        ended = execute(session, wish.run(name), down_verb(wish, life))
        if wish.unless_open and isinstance(ended.result.error, EnvironmentReopened):
            raise ended.result.error
    except EnvironmentReopened as stays:
        if not wish.unless_open:
            raise
        # What was asked for: whoever has opened it again makes it whole.
        say(f"note: {stays.message}")
        if session.json:
            session.answer({"removed": False, "stays": stays.message})
        return 0
    return conclude(session, wish.run(name), ended, {"removed": life.removed})


def down_verb(wish: PullWish, life: Down) -> Verb:
    """The verb of `pr.down`."""
    return Verb(
        playbook=life.playbook,
        permit=lambda _session, run, subject: require_allowed(subject, env=run.env, allow_protected=False),
        begin=life.begin,
        gate=life.gate,
        ended=life.ended,
        flags=wish.flags(**{"unless-open": wish.unless_open}),
    )


@dataclass(kw_only=True)
class Upward:
    """An `up` whose parts are made with the first wiring that there is."""

    session: Session
    wish: PullWish
    _life: Up | None = field(default=None, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    def _say(self, text: str) -> None:
        """Once, however often it matters: attempts are repeated."""
        if text not in self._said:
            self._said.add(text)
            self.session.sink.talk(text)

    @property
    def lease(self) -> Lease | None:
        """The lease as this run has left it; None if it did not come to it."""
        return self._life.lease if self._life is not None else None

    def verb(self) -> Verb:
        """What `execute` runs."""
        from deployer.cli.deploy_runs import refuse_unreviewed

        wish = self.wish
        return Verb(
            playbook=lambda wiring: self._of(wiring).playbook(wiring),
            permit=refuse_unreviewed,
            begin=lambda wiring: self._of(wiring).begin(wiring),
            admit=lambda wiring: self._of(wiring).admit(wiring),
            gate=lambda wiring, step: self._of(wiring).gate(wiring, step),
            ended=lambda wiring: self._of(wiring).ended(wiring),
            flags=wish.flags(reopen=wish.reopen, evict=wish.evict),
            shows_url=True,
            heeds_freezes=True,
        )

    def _of(self, wiring: Wiring) -> Up:
        from deployer.playbooks.ephemeral import Up
        from deployer.playbooks.pull_requests import pulls_of

        if self._life is None:
            say, wish = self._say, self.wish
            self._life = Up(
                pulls=pulls_of(wiring, say=say, opens=True, check=wish.check),
                say=say,
                check=wish.check,
                reopen=wish.reopen,
                make_room=self._make_room,
            )
        return self._life

    def _make_room(self, wiring: Wiring) -> None:
        from deployer.playbooks.admission import examine, require_room

        say = self._say
        going = require_room(examine(wiring, say=say), evict=self.wish.evict)
        if self.wish.check:
            for candidate in going:
                say(f"note: `{candidate.lease.environment}` would make room, it is {candidate.why}")
        if not going or self.wish.check:
            return
        for candidate in going:
            try:
                _evict(self.session, self.wish, candidate)
            except EnvironmentReopened as spared:
                say(f"note: {spared.message}")
        # Whoever was to go has been pushed to since, or somebody else has taken the room.
        require_room(examine(wiring, say=lambda _text: None), evict=False)


def _take_back(
    session: Session, wish: PullWish, name: str, closed: EnvironmentClosed, more: dict[str, object]
) -> EnvironmentClosed:
    """Remove what this run has made of a closed environment; gives the error that says how that went."""
    from deployer.playbooks.ephemeral import Down

    session.sink.talk(f"note: `{name}` was closed meanwhile; what this run has made is taken back")
    life = Down(say=session.sink.talk, closes=False)
    error: DeployError | None
    try:
        with _as_down(session):
            ended = execute(session, wish.run(name), replace(down_verb(wish, life), begin=None))
        error = ended.result.error
    except DeployError as problem:
        error = problem
    more["taken_back"] = error is None
    detail = "what it had made was taken back"
    hint = closed.hint
    if error is not None:
        detail = f"what it had made was not taken back: {error.message}"
        named = Named(name, SANDBOX if wish.sandbox else "")
        reopened = isinstance(error, EnvironmentReopened)
        up, down = named.command("pr.up"), named.command("pr.down")
        hint = f"{up} makes it whole" if reopened else f"{down} removes what is left"
    return EnvironmentClosed(closed.message, place=closed.place, hint=hint, details=[detail])


@contextlib.contextmanager
def _as_down(session: Session) -> Iterator[None]:
    """What an `up` removes on its way is a `pr.down` in the ledger; afterwards the session is about what it was."""
    command, environment = session.command, session.environment
    session.command = "pr.down"
    try:
        yield
    finally:
        session.command, session.environment = command, environment


def _evict(session: Session, wish: PullWish, candidate: Candidate) -> None:
    """Take another environment down, unless somebody has pushed to it or pinned it since it was chosen."""
    from deployer.playbooks.ephemeral import Down
    from deployer.steps.environment_lease import EVICTED
    from deployer.steps.eviction import still_goes

    name = candidate.lease.environment
    session.sink.talk(f"note: `{name}` makes room, it is {candidate.why}")
    idle = timedelta(hours=session.inventory().environment(name).lease.idle_hours)
    life = Down(say=session.sink.talk, why=EVICTED, only=lambda held: still_goes(held.lease, held.now, idle=idle))
    other = PullWish(number=str(candidate.lease.number), sandbox=wish.sandbox, lock_timeout=wish.lock_timeout)
    with _as_down(session):
        ended = execute(session, other.run(name), down_verb(other, life))
    if ended.result.error is not None:
        raise ended.result.error
