"""Runs one playbook for a task: from flags to exit code.

Here the parts meet: inventory, lock, target, wiring, engine, reports. What a playbook does is not known here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.cli.command_line import Flags, command_line, names_of
from deployer.cli.freezes import refuse_frozen
from deployer.cli.signals import asking
from deployer.cli.subject import Subject, begin
from deployer.errors import ChangesPending, DeployError, EnvironmentLocked, UsageError

if TYPE_CHECKING:
    from deployer.adapters.target import Target
    from deployer.cli.session import Session
    from deployer.engine.playbook import Playbook, Selection
    from deployer.engine.result import RunResult
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.ledger import RunNote
    from deployer.steps.recorder import Recorder

# Of two runs that begin at the same time one loses; to lose again and again takes many.
_ATTEMPTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The flags of a run."""

    env: str
    sandbox: bool
    check: bool = False
    diff: bool = False
    tags: str = ""
    skip_tags: str = ""
    list_steps: bool = False
    settings: tuple[str, ...] = ()
    timeout: str = ""
    lock_timeout: str = ""
    detailed_exitcode: bool = False
    yes: bool = False
    allow_protected: bool = False
    override_freeze: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """What a command runs, what may hold it up, and what the ledger says of it.

    `permit` is called first of all, unless the run only looks; `begin` next, before anybody is waited for. `admit` is
    called before each attempt, once nobody else is at work on the environment and before anything is looked at. What
    they raise ends the command. A run that lost the race to another one is attempted again from there. `gate` is
    called before each change, once the environment is held, and what it raises fails the step; `ended` after a run
    that went well, and what it raises is how the run ended.
    """

    playbook: Callable[[Wiring], Playbook]
    # Asked for when the run opens its entry.
    note: Callable[[], RunNote] | None = None
    # What the ledger shows of the command, if that is not what every run has.
    flags: Flags | None = None
    permit: Callable[[Session, Wish, Subject], None] = lambda _session, _wish, _subject: None
    begin: Callable[[Wiring], None] | None = None
    admit: Callable[[Wiring], None] = lambda _wiring: None
    gate: Callable[[Wiring, str], None] | None = None
    ended: Callable[[Wiring], None] | None = None
    shows_url: bool = False
    # Whether it is recorded although it changed nothing: it has ended what a run that was cut off began.
    insists: Callable[[], bool] = lambda: False
    # Whether it changes an environment for reasons that can wait until a freeze is over.
    heeds_freezes: bool = False


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a run came to, before anybody is told."""

    subject: Subject
    result: RunResult
    url: str | None


def run_playbook(session: Session, wish: Wish, verb: Verb) -> int:
    """Run the playbook of `verb` and return the exit code."""
    if wish.list_steps:
        return _list_steps(session, wish, verb)
    return conclude(session, wish, execute(session, wish, verb))


def execute(session: Session, wish: Wish, verb: Verb) -> Ended:
    """Run it; what a step raised is in the result."""
    timeout, patience = _bounds(wish)
    subject = begin(session, env=wish.env, sandbox=wish.sandbox, settings=wish.settings)
    if not wish.check:
        verb.permit(session, wish, subject)
        if verb.heeds_freezes:
            refuse_frozen(subject.loaded, subject.environment, override=wish.override_freeze, reason=wish.reason)

    from deployer.cli.targets import connect

    target = None
    if verb.begin is not None:
        target = connect(session, subject.loaded, subject.environment, sandbox=wish.sandbox)
        subject.folder.make()
        verb.begin(subject.wiring(session, target))
    with subject.locked(session, patience=patience):
        target = target or connect(session, subject.loaded, subject.environment, sandbox=wish.sandbox)
        attempts = Attempts(session=session, wish=wish, subject=subject, verb=verb, patience=patience)
        url = target.public_url(subject.environment.host) if verb.shows_url else None
        with asking(session.stop):
            return Ended(subject=subject, result=attempts.run(target, timeout), url=url)


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """One run, attempted again from the start when another one came first: nothing was changed then."""

    session: Session
    wish: Wish
    subject: Subject
    verb: Verb
    patience: float

    def run(self, target: Target, timeout: float | None) -> RunResult:
        """The result of the attempt that was not in vain."""
        deadline = time.monotonic() + self.patience
        for _ in range(_ATTEMPTS):
            wiring = self.subject.wiring(self.session, target, patience=self.patience)
            playbook = self.verb.playbook(wiring)
            selection = playbook.select(tags=_words(self.wish.tags), skip_tags=_words(self.wish.skip_tags))
            recorder = self._admitted(wiring, playbook, deadline)
            gate = partial(self._gate, wiring, recorder)
            result = _run(self.session, self.wish, self.subject, playbook, selection, timeout, recorder, gate)
            if recorder is None or not recorder.lost:
                return self._ended(wiring, result if recorder is None else _with_problem(result, recorder.problem))
            self.session.sink.talk(f"note: {result.error.message if result.error else 'another run came first'}")
        assert result.error is not None
        raise result.error

    def _gate(self, wiring: Wiring, recorder: Recorder | None, step: str) -> None:
        """The environment is held first: what the verb looks at then can be changed by nobody who did not see it."""
        if recorder is not None:
            recorder.gate(step)
        if self.verb.gate is not None:
            self.verb.gate(wiring, step)

    def _ended(self, wiring: Wiring, result: RunResult) -> RunResult:
        if result.error is not None or self.verb.ended is None:
            return result
        try:
            self.verb.ended(wiring)
        except DeployError as error:
            return replace(result, error=error)
        return result

    def _admitted(self, wiring: Wiring, playbook: Playbook, deadline: float) -> Recorder | None:
        """Wait until nobody is at work; gives what will record this run, None for one that only looks."""
        from deployer.playbooks import recording

        recorder = None
        if not self.wish.check and recording.can_ask(wiring):
            say, command = self.session.sink.talk, self._command()
            lock = recording.environment_lock(wiring, command=command, say=say)
            head = lock.wait(deadline - time.monotonic(), self.session.stop.requested)
            recorder = recording.recorder_of(
                wiring,
                head=head,
                command=command,
                note=self._note,
                playbook=playbook,
                say=say,
                insists=self.verb.insists,
            )
            self._heed_freezes()
        self.verb.admit(wiring)
        return recorder

    def _heed_freezes(self) -> None:
        """Once more: it may have waited until a freeze began."""
        if self.verb.heeds_freezes:
            loaded, environment, wish = self.subject.loaded, self.subject.environment, self.wish
            refuse_frozen(loaded, environment, override=wish.override_freeze, reason=wish.reason)

    def _command(self) -> str:
        wish, flags = self.wish, self.verb.flags
        if flags is None:
            flags = {
                "env": wish.env,
                "tags": wish.tags,
                "skip-tags": wish.skip_tags,
                "sandbox": wish.sandbox,
                "set": names_of(wish.settings),
            }
        return command_line(self.session.command, flags)

    def _note(self) -> RunNote:
        from deployer.steps.ledger import RunNote

        override, reason = self.wish.override_freeze or None, self.wish.reason or None
        return replace(self.verb.note() if self.verb.note else RunNote(), freeze=override, reason=reason)


def _with_problem(result: RunResult, problem: DeployError | None) -> RunResult:
    """What went wrong with the ledger decides only over a run that went well, or that no longer had the environment."""
    if problem is None or (result.error is not None and not isinstance(problem, EnvironmentLocked)):
        return result
    return replace(result, error=problem)


def _run(
    session: Session,
    wish: Wish,
    subject: Subject,
    playbook: Playbook,
    selection: Selection,
    timeout: float | None,
    recorder: Recorder | None,
    gate: Callable[[str], None],
) -> RunResult:
    from deployer.engine.journal import Journal, last_cut_off
    from deployer.engine.run import Listener, RunOptions, run
    from deployer.report.terminal import TerminalReport

    report = TerminalReport(
        session.sink,
        environment=subject.environment.name,
        target=subject.target,
        diff=wish.diff,
        muted=lambda: recorder is not None and recorder.lost,
    )
    listeners: list[Listener] = [report]
    cut_off = last_cut_off(subject.folder.path)
    if cut_off is not None:
        session.sink.talk(f"note: {cut_off}")
    if not wish.check:
        listeners.append(Journal(subject.folder.path))
    if recorder is not None:
        listeners.append(recorder)
    options = RunOptions(
        check=wish.check,
        workers=subject.environment.limits.parallel_steps,
        timeout=timeout,
        selection=selection,
        stop=session.stop,
        listeners=listeners,
        gate=gate,
    )
    try:
        return run(playbook, options)
    except BaseException:
        # Our own mistake; the environment is given back all the same.
        if recorder is not None:
            recorder.close("failed", reason="internal", seconds=0.0, steps={})
        raise


def conclude(session: Session, wish: Wish, ended: Ended, more: Mapping[str, object] | None = None) -> int:
    """Tell how it ended and return the exit code, or raise; `more` is added to the document of `--json`."""
    from deployer.engine.result import Outcome
    from deployer.report.document import run_document

    result, url = ended.result, ended.url
    if session.json:
        document = run_document(
            result,
            command=session.command,
            environment=ended.subject.environment.name,
            target=ended.subject.target,
            url=url,
            diff=wish.diff,
        )
        session.document({**document, **(more or {})})
    if result.error is not None:
        raise result.error
    if url is not None and not wish.check and not session.json:
        session.sink.data(url)
    if wish.detailed_exitcode and result.outcome is Outcome.CHANGES:
        return ChangesPending.exit_code
    return 0


def _bounds(wish: Wish) -> tuple[float | None, float]:
    """How long the run may take, and how long it waits for others, in seconds; flags that do not fit are refused."""
    timeout = parse_duration(wish.timeout) if wish.timeout else None
    patience = parse_duration(wish.lock_timeout, flag="lock-timeout") if wish.lock_timeout else 0.0
    if wish.detailed_exitcode and not wish.check:
        raise UsageError("--detailed-exitcode goes with --check", hint="add `--check`; a run without it changes things")
    return timeout, patience


def _list_steps(session: Session, wish: Wish, verb: Verb) -> int:
    from deployer.cli.targets import offline
    from deployer.report.text import list_steps_lines

    _bounds(wish)
    subject = begin(session, env=wish.env, sandbox=wish.sandbox, settings=wish.settings)
    playbook = verb.playbook(subject.wiring(session, offline(session, subject.loaded)))
    selection = playbook.select(tags=_words(wish.tags), skip_tags=_words(wish.skip_tags))
    if session.json:
        steps = [
            {
                "name": step.name,
                "tags": sorted(step.tags),
                "needs": list(step.needs),
                "selected": selection.includes(step.tags),
            }
            for step in playbook.steps
        ]
        session.answer({"steps": steps})
        return 0
    for line in list_steps_lines(playbook, selection):
        session.sink.data(line)
    return 0


def parse_duration(text: str, *, flag: str = "timeout") -> float:
    """Read `90`, `90s`, `10m` or `1h` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    if match is None or float(match.group(1)) <= 0:
        raise UsageError(f"`--{flag} {text}` is not a duration", hint="e.g. 90, 10m, 1h")
    return float(match.group(1)) * {"s": 1, "m": 60, "h": 3600}[match.group(2) or "s"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
