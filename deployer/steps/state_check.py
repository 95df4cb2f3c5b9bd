"""Whether the states in the bucket are whole, and fit all else: copies, ledger, inventory, each other.

Reads the bucket and nothing else. Each problem has a place and the next command; one does not hide the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from deployer.adapters.state import Bucket
from deployer.adapters.terraform.events import LockHolder
from deployer.adapters.terraform.state import NotAState, State
from deployer.errors import Damaged
from deployer.inventory.state_keys import LOCK_ENDING, STATES, owner_of
from deployer.steps.ledger import Ledger
from deployer.steps.lock_object import LockObject, fields_in
from deployer.steps.state_copies import Copy, StateCopies, short_lineage
from deployer.steps.state_object import StateObject
from deployer.words import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one state, or, as a note, what one should know of it. An object may be nobody's."""

    environment: str
    stack: str
    text: str
    place: str
    hint: str = ""
    severity: Literal["problem", "note"] = "problem"

    def document(self) -> dict[str, str]:
        """For JSON."""
        return {
            "environment": self.environment,
            "stack": self.stack,
            "text": self.text,
            "place": self.place,
            "hint": self.hint,
        }


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One state as it lies in the bucket; `state` is None if it cannot be read, and `why` says why."""

    object: StateObject
    state: State | None
    why: str = ""

    @property
    def environment(self) -> str:
        """Whose it is."""
        return self.object.named.environment

    @property
    def stack(self) -> str:
        """Of which stack."""
        return self.object.stack

    @property
    def key(self) -> str:
        """Where it lies."""
        return self.object.key


@dataclass(frozen=True, kw_only=True)
class Look:
    """Everything below `terraform/`: states by environment and stack, locks with who holds them, and what is neither.

    `target` is where they are.
    """

    bucket: Bucket
    target: str
    states: Mapping[tuple[str, str], Kept]
    locks: Mapping[tuple[str, str], LockHolder | None]
    strangers: tuple[str, ...]

    def object(self, environment: str, stack: str) -> StateObject:
        """A state, whether it is there or not."""
        return StateObject(bucket=self.bucket, named=Named(environment, self.target), stack=stack)


def look(bucket: Bucket, target: str) -> Look:
    """Read all states of the bucket."""
    states: dict[tuple[str, str], Kept] = {}
    locks: dict[tuple[str, str], LockHolder | None] = {}
    strangers = []
    found = Look(bucket=bucket, target=target, states=states, locks=locks, strangers=())
    for key in bucket.list_keys(STATES):
        owner = owner_of(key.removesuffix(LOCK_ENDING))
        if owner is None:
            strangers.append(key)
            continue
        there = bucket.get(key)
        if there is None:
            continue
        if key.endswith(LOCK_ENDING):
            locks[owner] = LockHolder.of(fields_in(there.body))
            continue
        try:
            state, why = State.parse(there.body), ""
        except NotAState as error:
            state, why = None, str(error)
        states[owner] = Kept(object=found.object(*owner), state=state, why=why)
    return replace(found, strangers=tuple(strangers))


@dataclass(frozen=True, kw_only=True)
class StateCheck:
    """The checks. `stacks` gives the stacks of an environment by the inventory, None for one that it does not know.

    `known` are environments that may have lost all their states.
    """

    found: Look
    stacks: Callable[[str], Iterable[str] | None]
    copies: Callable[[StateObject], StateCopies]
    known: Iterable[str] = ()

    def problems(self, environment: str | None = None) -> Iterator[Problem]:
        """All problems and notes, or those of one environment."""
        states = self.found.states.values()
        everywhere = {*self.known, *(name for name, _ in (*self.found.states, *self.found.locks))}
        for name in sorted(everywhere) if environment is None else [environment]:
            yield from self._environment(name, [kept for kept in states if kept.environment == name])
        yield from self._twice(environment)
        if environment is None:
            for key in self.found.strangers:
                yield Problem(
                    environment="", stack="", text="is neither a state nor a lock",
                    place=self.found.bucket.place(key), hint="look at it; nothing of ours wrote it",
                )  # fmt: skip

    def _environment(self, environment: str, states: Iterable[Kept]) -> Iterator[Problem]:
        stacks = self.stacks(environment)
        recorded = _recorded(Ledger(self.found.bucket, Named(environment, self.found.target)))
        for kept in states:
            if stacks is None:
                text = "belongs to an environment that the inventory does not know"
                yield _of(kept.object, text, "put it back into environments.toml to destroy it, or remove the object")
                continue
            if kept.stack not in stacks:
                listing = f"{kept.object.command('state.list')} says what it holds"
                yield _of(kept.object, f"belongs to a stack that `{environment}` does not have", listing)
            if kept.state is None:
                yield _of(kept.object, f"is damaged: {kept.why}", _restore(kept.object))
                continue
            yield from self._against_copies(kept, kept.state)
            yield from _against_ledger(kept.object, kept.state, recorded)
        yield from self._missing(environment, stacks or (), recorded)
        yield from self._locks(environment)

    def _against_copies(self, kept: Kept, state: State) -> Iterator[Problem]:
        copies = self.copies(kept.object)
        newest = copies.newest()
        if newest is None:
            yield _of(kept.object, "has no copy to go back to", _keep(kept.object))
            return
        try:
            copies.read(newest)
        except Damaged as error:
            place = self.found.bucket.place(newest.key)
            yield _of(kept.object, f"its newest copy: {error.message}", error.hint or "", place=place)
        yield from _serials(kept.object, state, newest)

    def _missing(self, environment: str, stacks: Iterable[str], recorded: Mapping[str, Any]) -> Iterator[Problem]:
        """A state that is gone although the last run left one."""
        for stack in stacks:
            if (environment, stack) not in self.found.states and "serial" in (recorded.get(stack) or {}):
                gone = self.found.object(environment, stack)
                yield _of(gone, "is gone; the ledger has it on record", _restore(gone))

    def _locks(self, environment: str) -> Iterator[Problem]:
        """Somebody may be at work, so a lock is no problem; one that says nothing is."""
        for (name, stack), holder in self.found.locks.items():
            if name != environment:
                continue
            state = self.found.object(name, stack)
            place = LockObject(state=state).place
            hint = f"{state.named.command('state.unlock')} says whether anybody is behind it"
            if holder is None:
                yield _of(state, "has a lock that cannot be read", hint, place=place)
            else:
                said = f"is locked by {holder.who} since {holder.since}"
                yield _of(state, said, hint, place=place, severity="note")

    def _twice(self, environment: str | None) -> Iterator[Problem]:
        """The same thing in two states: each would undo what the other one does."""
        owners: dict[tuple[str, ...], list[tuple[Kept, str]]] = defaultdict(list)
        for kept in self.found.states.values():
            for address, instance in (kept.state.managed if kept.state else {}).items():
                if instance.identity is not None:
                    owners[instance.identity].append((kept, address))
        shared: dict[tuple[str, ...], list[tuple[Kept, str]]] = defaultdict(list)
        for places in owners.values():
            if len(places) > 1 and environment in (None, *(kept.environment for kept, _ in places)):
                shared[tuple(kept.key for kept, _ in places)].append(places[0])
        for keys, things in sorted(shared.items()):
            listed = ", ".join(sorted(address for _, address in things))
            first = things[0][0].object
            yield _of(
                first,
                f"shares {len(things)} thing{'s' if len(things) > 1 else ''} with {', '.join(keys[1:])}: {listed}",
                "decide whose they are, then let the other state forget them: `inv state.rm --env NAME --stack STACK "
                f"--address ADDRESS{first.named.flags}`",
            )


def _of(
    state: StateObject, text: str, hint: str, *, place: str = "", severity: Literal["problem", "note"] = "problem"
) -> Problem:
    return Problem(
        environment=state.named.environment,
        stack=state.stack,
        text=text,
        place=place or state.place,
        hint=hint,
        severity=severity,
    )


def _serials(at: StateObject, state: State, newest: Copy) -> Iterator[Problem]:
    """A state against its newest copy."""
    if newest.holds(state):
        return
    restore = f"{at.command('state.restore', '--check')} shows the difference"
    if newest.lineage != short_lineage(state.lineage):
        yield _of(at, f"is of another lineage than its newest copy, {newest.name}", restore)
    elif state.serial < newest.serial:
        yield _of(at, f"is older than its newest copy: serial {state.serial}, the copy has {newest.serial}", restore)
    elif state.serial == newest.serial:
        yield _of(at, f"was edited: serial {state.serial} as its copy {newest.name}, other content", restore)
    else:
        text = f"has no copy of this version: serial {state.serial}, the newest copy has {newest.serial}"
        yield _of(at, text, _keep(at))


def _against_ledger(at: StateObject, state: State, recorded: Mapping[str, Any]) -> Iterator[Problem]:
    """A state against what the last run has left."""
    known = recorded.get(at.stack)
    if not isinstance(known, Mapping) or type(known.get("serial")) is not int:
        return
    if known.get("lineage") != state.lineage:
        yield _of(
            at,
            f"is of another lineage than the ledger has on record: {state.lineage}, not {known.get('lineage')}",
            f"{at.named.command('history')} says who worked on it",
        )
    elif state.serial < known["serial"]:
        text = f"is older than the ledger has on record: serial {state.serial}, not {known['serial']}"
        yield _of(at, text, _restore(at))
    elif state.serial > known["serial"]:
        text = f"was changed by something that is not in the ledger: serial {state.serial}, not {known['serial']}"
        yield _of(at, text, "", severity="note")


def _recorded(ledger: Ledger) -> Mapping[str, Any]:
    """What the last run that ended has left of states: stack to serial and lineage. Nothing while a run is at work."""
    last = max(ledger.sequences(), default=0)
    entry = ledger.entry(last) if last else None
    if entry is None or entry.opens:
        return {}
    body = entry.body.get("found") or entry.body
    states = body.get("terraform") if isinstance(body, Mapping) else None
    return states if isinstance(states, Mapping) else {}


def _restore(state: StateObject) -> str:
    return f"{state.command('state.restore')} brings back its newest copy"


def _keep(state: StateObject) -> str:
    return f"{state.command('state.copies', '--keep')} makes one"
