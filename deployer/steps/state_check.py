"""Whether the states in the bucket are whole, and fit all else: copies, ledger, inventory, each other.

Reads the bucket and nothing else. Each problem has a place and the next command; one does not hide the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deployer.adapters.state import Bucket
from deployer.adapters.terraform.events import lock_holder
from deployer.adapters.terraform.state import NotAState, State
from deployer.errors import Damaged
from deployer.steps.ledger import Ledger
from deployer.steps.state_copies import Copy, StateCopies, short_lineage
from deployer.words import Named

FOLDER: Final = "terraform/"
_STATE: Final = ".tfstate"
_LOCK: Final = ".tfstate.tflock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one state, or, as a note, what one should know of it."""

    environment: str
    stack: str
    text: str
    place: str
    hint: str = ""

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

    environment: str
    stack: str
    key: str
    state: State | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Everything below `terraform/`: states, locks (key to text), and what is neither."""

    states: Mapping[tuple[str, str], Kept]
    locks: Mapping[tuple[str, str], str]
    strangers: tuple[str, ...]


def look(bucket: Bucket) -> Look:
    """Read all states of the bucket."""
    states: dict[tuple[str, str], Kept] = {}
    locks: dict[tuple[str, str], str] = {}
    strangers = []
    for key in bucket.list_keys(FOLDER):
        parts = key.removeprefix(FOLDER).split("/")
        ending = next((end for end in (_LOCK, _STATE) if key.endswith(end)), None)
        if len(parts) != 2 or ending is None:
            strangers.append(key)
            continue
        environment, stack = parts[0], parts[1].removesuffix(ending)
        found = bucket.get(key)
        if found is None:
            continue
        if ending == _LOCK:
            locks[environment, stack] = found.body.decode("utf-8", "replace")
            continue
        try:
            state, why = State.parse(found.body), ""
        except NotAState as error:
            state, why = None, str(error)
        states[environment, stack] = Kept(environment=environment, stack=stack, key=key, state=state, why=why)
    return Look(states=states, locks=locks, strangers=tuple(strangers))


@dataclass(frozen=True, kw_only=True)
class StateCheck:
    """The checks. `stacks` gives the stacks of an environment by the inventory, None for one that it does not know.

    `known` are environments that may have lost all their states.
    """

    bucket: Bucket
    target: str
    found: Look
    stacks: Callable[[str], Iterable[str] | None]
    copies: Callable[[str], StateCopies]
    known: Iterable[str] = ()
    notes: list[Problem] = field(default_factory=list)

    def problems(self, environment: str | None = None) -> Iterator[Problem]:
        """All of them, or those of one environment."""
        states = self.found.states.values()
        everywhere = {*self.known, *(name for name, _ in (*self.found.states, *self.found.locks))}
        for name in sorted(everywhere) if environment is None else [environment]:
            yield from self._environment(name, [kept for kept in states if kept.environment == name])
        yield from self._twice(environment)
        if environment is None:
            for key in self.found.strangers:
                yield self._problem(
                    "", "", "is neither a state nor a lock", key, "look at it; nothing of ours wrote it"
                )

    def _environment(self, environment: str, states: Iterable[Kept]) -> Iterator[Problem]:
        stacks = self.stacks(environment)
        recorded = _recorded(Ledger(self.bucket, Named(environment, self.target)))
        for kept in states:
            if stacks is None:
                text = "belongs to an environment that the inventory does not know"
                yield self._of(kept, text, "put it back into environments.toml to destroy it, or remove the object")
                continue
            if kept.stack not in stacks:
                listing = f"`inv state.list --env {environment} --stack {kept.stack}` says what it holds"
                yield self._of(kept, f"belongs to a stack that `{environment}` does not have", listing)
            if kept.state is None:
                yield self._of(kept, f"is damaged: {kept.why}", _restore(kept))
                continue
            yield from self._against_copies(kept, kept.state)
            yield from self._against_ledger(kept, kept.state, recorded)
        yield from self._missing(environment, stacks or (), recorded)
        yield from self._locks(environment)

    def _against_copies(self, kept: Kept, state: State) -> Iterator[Problem]:
        copies = self.copies(kept.key)
        newest = copies.newest()
        if newest is None:
            yield self._of(kept, "has no copy to go back to", _keep(kept))
            return
        try:
            copies.read(newest)
        except Damaged as error:
            yield self._problem(
                kept.environment, kept.stack, f"its newest copy: {error.message}", newest.key, error.hint or ""
            )
        yield from self._serials(kept, state, newest)

    def _serials(self, kept: Kept, state: State, newest: Copy) -> Iterator[Problem]:
        if newest.holds(state):
            return
        restore = f"`inv state.restore --env {kept.environment} --stack {kept.stack} --check` shows the difference"
        if newest.lineage != short_lineage(state.lineage):
            yield self._of(kept, f"is of another lineage than its newest copy, {newest.name}", restore)
        elif state.serial < newest.serial:
            text = f"is older than its newest copy: serial {state.serial}, the copy has {newest.serial}"
            yield self._of(kept, text, restore)
        elif state.serial == newest.serial:
            yield self._of(kept, f"was edited: serial {state.serial} as its copy {newest.name}, other content", restore)
        else:
            text = f"has no copy of this version: serial {state.serial}, the newest copy has {newest.serial}"
            yield self._of(kept, text, _keep(kept))

    def _against_ledger(self, kept: Kept, state: State, recorded: Mapping[str, Any]) -> Iterator[Problem]:
        known = recorded.get(kept.stack)
        if not isinstance(known, Mapping) or type(known.get("serial")) is not int:
            return
        if known.get("lineage") != state.lineage:
            yield self._of(
                kept,
                f"is of another lineage than the ledger has on record: {state.lineage}, not {known.get('lineage')}",
                f"`inv history --env {kept.environment}` says who worked on it",
            )
        elif state.serial < known["serial"]:
            text = f"is older than the ledger has on record: serial {state.serial}, not {known['serial']}"
            yield self._of(kept, text, _restore(kept))
        elif state.serial > known["serial"]:
            text = f"was changed by something that is not in the ledger: serial {state.serial}, not {known['serial']}"
            self.notes.append(self._of(kept, text, ""))

    def _missing(self, environment: str, stacks: Iterable[str], recorded: Mapping[str, Any]) -> Iterator[Problem]:
        """A state that is gone although the last run left one."""
        for stack in stacks:
            key = f"{FOLDER}{environment}/{stack}{_STATE}"
            kept = Kept(environment=environment, stack=stack, key=key, state=None)
            if (environment, stack) not in self.found.states and "serial" in (recorded.get(stack) or {}):
                yield self._of(kept, "is gone; the ledger has it on record", _restore(kept))

    def _locks(self, environment: str) -> Iterator[Problem]:
        """Somebody may be at work, so a lock is no problem; one that says nothing is."""
        for (name, stack), text in self.found.locks.items():
            if name != environment:
                continue
            holder = lock_holder(text)
            key = f"{FOLDER}{name}/{stack}{_LOCK}"
            hint = f"`inv state.unlock --env {name}` says whether anybody is behind it"
            if holder is None:
                yield self._problem(name, stack, "has a lock that cannot be read", key, hint)
            else:
                said = f"is locked by {holder.who} since {holder.since}"
                self.notes.append(self._problem(name, stack, said, key, hint))

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
            yield self._of(
                things[0][0],
                f"shares {len(things)} thing{'s' if len(things) > 1 else ''} with {', '.join(keys[1:])}: {listed}",
                "decide whose they are, then let the other state forget them: `inv state.rm --env NAME --stack STACK "
                "--address ADDRESS`",
            )

    def _of(self, kept: Kept, text: str, hint: str) -> Problem:
        return self._problem(kept.environment, kept.stack, text, kept.key, hint)

    def _problem(self, environment: str, stack: str, text: str, key: str, hint: str) -> Problem:
        place = self.bucket.place(key)
        return Problem(environment=environment, stack=stack, text=text, place=place, hint=hint)


def _recorded(ledger: Ledger) -> Mapping[str, Any]:
    """What the last run that ended has left of states: stack to serial and lineage. Nothing while a run is at work."""
    for sequence in reversed(ledger.sequences()):
        entry = ledger.entry(sequence)
        if entry is None or entry.opens:
            return {}
        body = entry.body.get("found") or entry.body
        states = body.get("terraform") if isinstance(body, Mapping) else None
        return states if isinstance(states, Mapping) else {}
    return {}


def _restore(kept: Kept) -> str:
    return f"`inv state.restore --env {kept.environment} --stack {kept.stack}` brings back its newest copy"


def _keep(kept: Kept) -> str:
    return f"`inv state.copies --env {kept.environment} --stack {kept.stack} --keep` makes one"
