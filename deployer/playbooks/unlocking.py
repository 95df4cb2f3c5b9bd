"""What is locked in one environment, what proves that its owners are gone, and how it is given back.

The environment's own lock is the open entry of its ledger; each Terraform state has one of its own beside it. A lock is
removed with proof, or by force by whoever names it; never one whose owner is known to be alive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.errors import DeployError, EnvironmentLocked, StateLocked, UsageError
from deployer.playbooks.recording import environment_lock, holding, ledger_of
from deployer.playbooks.state_wiring import state_object
from deployer.playbooks.wiring import Wiring
from deployer.steps.environment_lock import EnvironmentLock
from deployer.steps.holder import Verdict, describe, lock_id, particulars
from deployer.steps.ledger import Entry
from deployer.steps.ledger_runs import Run, last_runs
from deployer.steps.lock_object import HeldLock, LockObject, judge, taken_in
from deployer.words import moment

# A lock that is older than that many runs was taken by none that we would find.
_RUNS = 50


@dataclass(frozen=True, kw_only=True)
class Found:
    """One lock. `stack` is None for that of the environment."""

    stack: str | None
    id: str
    text: str
    details: Sequence[str]
    verdict: Verdict
    place: str
    who: str | None
    since: str
    run: str | None
    operation: str | None
    entry: Entry | None = None
    lock: HeldLock | None = None

    def document(self, *, removed: bool) -> dict[str, Any]:
        """For `--json`."""
        verdict = self.verdict
        return {
            "stack": self.stack,
            "who": self.who,
            "since": self.since,
            "run": self.run,
            "operation": self.operation,
            "lock_id": self.id,
            "owner": "gone" if verdict.gone else "alive" if verdict.alive else "unknown",
            "proof": verdict.text,
            "removed": removed,
        }


@dataclass(frozen=True, kw_only=True)
class Force:
    """That a person insists, and on which lock."""

    lock_id: str


@dataclass(kw_only=True)
class Unlocking:
    """Looks at the locks of one environment and removes those that it may."""

    wiring: Wiring
    command: str
    lock: EnvironmentLock
    # Only this stack's state, besides the environment itself.
    stack: str | None = None

    def look(self) -> list[Found]:
        """What is locked: the environment first, then its states."""
        head = self.lock.ledger.head()
        found = [self._environment(head.open)] if head.open else []
        stacks = (self.stack,) if self.stack else self.wiring.environment.stacks
        held = {stack: self._object(stack).held() for stack in stacks}
        if any(held.values()):
            runs = last_runs(self.lock.ledger, _RUNS)
            found += [self._state(stack, lock, runs) for stack, lock in held.items() if lock]
        return found

    def _object(self, stack: str) -> LockObject:
        return LockObject(state=state_object(self.wiring, stack))

    def _environment(self, entry: Entry) -> Found:
        verdict = self.lock.owners.judge(entry)
        body = entry.body
        return Found(
            stack=None,
            id=lock_id(entry),
            text=describe(entry, self.wiring.environment.name),
            details=particulars(entry, verdict),
            verdict=verdict,
            place=self.lock.ledger.place(entry.key),
            who=body.get("who"),
            since=moment(entry.written, seconds=True),
            run=entry.run or None,
            operation=body.get("command"),
            entry=entry,
        )

    def _state(self, stack: str, lock: HeldLock, runs: Sequence[Run]) -> Found:
        run = taken_in(lock, runs)
        verdict = judge(lock, run, self.lock.owners)
        holder, beside = lock.holder, self._object(stack)
        who, operation = (holder.who or None, holder.operation or None) if holder else (None, None)
        since = moment(lock.written, seconds=True)
        return Found(
            stack=stack,
            id=lock.id,
            text=f"{who or 'somebody'} holds the state of `{stack}` since {since}",
            details=[f"operation {operation or 'unknown'}, lock id {lock.id}", verdict.text],
            verdict=verdict,
            place=beside.place,
            who=who,
            since=since,
            run=run.opened.run if run else None,
            operation=operation,
            lock=lock,
        )

    def remove(self, found: Sequence[Found], force: Force | None) -> dict[str, bool]:
        """Remove what may be; lock id to whether it is gone. While the environment stays locked, so do its states."""
        if force is not None and force.lock_id not in {each.id for each in found}:
            raise UsageError(
                f"no lock has the id `{force.lock_id}`",
                hint=f"{self.wiring.named.command('state.unlock')} lists what is locked",
                details=[f"{each.stack or 'environment'}: {each.id}" for each in found],
            )
        removed = dict.fromkeys([each.id for each in found], False)
        for each in found:
            if each.entry is not None and self._may(each, force):
                removed[each.id] = self._close(each.entry, each, forced=not each.verdict.gone)
        states = [each for each in found if each.lock is not None and self._may(each, force)]
        if states and all(removed[each.id] for each in found if each.entry is not None):
            with holding(self.wiring, command=self.command, say=self.lock.say) as recorder:
                recorder.more["unlocked"] = [self._remove_state(each, removed) for each in states]
        return removed

    def _may(self, found: Found, force: Force | None) -> bool:
        insisted = force is not None and force.lock_id == found.id
        return found.verdict.gone or (insisted and not found.verdict.alive)

    def _close(self, entry: Entry, found: Found, *, forced: bool) -> bool:
        if found.verdict.lapsed and not self.lock.heartbeat.claim(entry, by=self.lock.run):
            raise self.lock.held(entry, self.lock.owners.judge(entry))
        return self.lock.close_for(entry, "by force" if forced else found.verdict.text, forced=forced)

    def _remove_state(self, found: Found, removed: dict[str, bool]) -> Mapping[str, Any]:
        assert found.stack is not None
        assert found.lock is not None
        proof = found.verdict.text if found.verdict.gone else "by force"
        beside = self._object(found.stack)
        # A Terraform that outlived its run gives its lock back itself, while the run is closed.
        removed[found.id] = beside.remove(found.lock) or beside.held() is None
        return {"stack": found.stack, "lock_id": found.id, "who": found.who, "proof": proof}

    def refusal(self, found: Found) -> DeployError:
        """Why a lock stays, and what would be at risk without it."""
        name = self.wiring.environment.name
        stack = [f"--stack {found.stack}"] if found.stack else []
        if found.verdict.alive:
            hint = f"wait for it to end, or end it: `kill {' '.join(map(str, found.verdict.pids))}`"
        else:
            force = self.wiring.named.command("state.unlock", *stack, f"--force --lock-id {found.id}")
            hint = f"wait for it; whoever is certain that nobody is behind it: {force}"
        risk = (
            f"at risk: two applies on the state of `{found.stack}` lose what one of them did"
            if found.stack
            else f"at risk: a run that is still at work would change `{name}` at the same time as the next one"
        )
        kind = StateLocked if found.stack else EnvironmentLocked
        why = "its owner is alive" if found.verdict.alive else "nothing proves that its owner is gone"
        return kind(f"{found.text}; {why}", place=found.place, details=[*found.details, risk], hint=hint)


def unlocking(wiring: Wiring, *, command: str, stack: str | None, say: Callable[[str], None]) -> Unlocking:
    """For the environment of this wiring, whose work folder is locked."""
    if stack and stack not in wiring.environment.stacks:
        known = ", ".join(f"`{name}`" for name in wiring.environment.stacks)
        raise UsageError(f"`{wiring.environment.name}` has no stack `{stack}`", hint=f"it has {known}")
    ledger_of(wiring)
    lock = environment_lock(wiring, command=command, say=say)
    return Unlocking(wiring=wiring, command=command, lock=lock, stack=stack)
