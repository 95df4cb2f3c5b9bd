"""Changes of a state by hand: an address that is another one now, a thing that is to be forgotten.

Terraform does the work. Here is what is looked at before: whether there is anything to do, whether the address is
known, whether the inventory protects it; and a copy before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployer.adapters.files import digest_of
from deployer.adapters.terraform import Stack
from deployer.adapters.terraform.state import State
from deployer.adapters.terraform.state_commands import forget, move
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import GuardRefused, UsageError
from deployer.inventory.suggest import nearest
from deployer.review.patterns import fits_any
from deployer.steps.state_file import StateFile


@dataclass(frozen=True, kw_only=True)
class StateEdit(BaseStep[State]):
    """What both have in common."""

    state: StateFile
    stack: Callable[[], Stack]
    recover: Callable[[], None]

    def observe(self, context: Context) -> State:
        """Read the state, and refuse what must not be done to it."""
        if not context.check:
            self.recover()
        return self.look()

    def look(self) -> State:
        """Read the state, and refuse what must not be done to it."""
        state = self.state.object.read()
        if state is None:
            raise UsageError(
                "there is no such state",
                place=self.state.object.place,
                hint=f"if there was one: {self.state.object.command('state.copies')}",
            )
        self.check(state)
        return state

    def check(self, state: State) -> None:
        """Raise what speaks against it."""
        raise NotImplementedError

    def changes(self, state: State) -> Sequence[Change]:
        """What would be done."""
        raise NotImplementedError

    def diff(self, context: Context, facts: State) -> Sequence[Change]:
        """What would be done."""
        return self.changes(facts)

    def place(self) -> str:
        """The state, for messages."""
        return f"state `{self.state.stack}`"

    def unknown(self, address: str, state: State) -> UsageError:
        """The error for an address that the state does not have."""
        meant = nearest(address, state.instances)
        listing = f"{self.state.object.command('state.list')} lists what it has"
        return UsageError(
            f"`{address}` is not in the state",
            place=self.place(),
            hint=f"did you mean `{meant}`? {listing}" if meant else listing,
        )

    def apply(self, context: Context, facts: State, changes: Sequence[Change]) -> Mapping[str, object]:
        """Let Terraform do it, with a copy before and after."""
        with self.state.copied(context):
            self.state.unlocking(lambda: self.carry_out(facts), context)
        return {}

    def carry_out(self, state: State) -> None:
        """Call Terraform."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class StateMoved(StateEdit):
    """A thing, or a module, known under another address. One that is there already has been moved before."""

    source: str
    destination: str

    def check(self, state: State) -> None:
        """The source is there and the destination is not; the other way round there is nothing to do."""
        there, taken = self._both(state)
        if not there and not taken:
            raise self.unknown(self.source, state)
        if there and taken:
            raise UsageError(
                f"`{self.destination}` is in the state as well; one of both has to go first",
                place=self.place(),
                hint="the next plan says which of them the code does not have",
            )

    def changes(self, state: State) -> Sequence[Change]:
        """One change for each thing."""
        return [
            Change(
                action=Action.UPDATE,
                address=f"{self.state.stack}:{address}",
                summary=f"is {self.destination}{address.removeprefix(self.source)} from now on",
                meaning=digest_of([self.source, self.destination]),
            )
            for address in self._both(state)[0]
        ]

    def _both(self, state: State) -> tuple[list[str], list[str]]:
        """What is under the source, and what is under the destination; one may be an instance of the other."""
        exactly = [self.destination] if self.destination in state.instances else []
        there = [each for each in matching(state, self.source) if each not in exactly]
        return there, exactly or [each for each in matching(state, self.destination) if each not in there]

    def carry_out(self, state: State) -> None:
        """Terraform's `state mv`."""
        move(self.stack(), self.source, self.destination)


@dataclass(frozen=True, kw_only=True)
class StateForgotten(StateEdit):
    """Things that Terraform is to know nothing of any more; they themselves stay. Those that are gone are no error."""

    addresses: Sequence[str]
    # Patterns of what no plan may delete: forgotten, it would be out of their reach.
    protected: Sequence[str]
    protected_place: str
    note: Callable[[str], None]

    def check(self, state: State) -> None:
        """Nothing of it is protected; that some are not there is said."""
        for address in self.addresses:
            if not matching(state, address):
                error = self.unknown(address, state)
                self.note(f"{error.message}; {error.hint}")
        for address in self._found(state):
            if fits_any(self.protected, f"{self.state.stack}:{address}"):
                raise GuardRefused(
                    f"`{address}` is protected: guards.never_destroy has a pattern for it",
                    place=self.protected_place,
                    hint="a thing that is forgotten is protected from nothing; change the inventory first",
                )

    def changes(self, state: State) -> Sequence[Change]:
        """One change for each thing."""
        return [
            Change(
                action=Action.DELETE,
                address=f"{self.state.stack}:{address}",
                summary="forgotten by Terraform; the thing itself stays",
                meaning=digest_of("forgotten"),
            )
            for address in self._found(state)
        ]

    def carry_out(self, state: State) -> None:
        """Terraform's `state rm`."""
        forget(self.stack(), [address for address in self.addresses if matching(state, address)])

    def _found(self, state: State) -> list[str]:
        return sorted({found for address in self.addresses for found in matching(state, address)})


def matching(state: State, address: str) -> list[str]:
    """What an address stands for: a thing, or all instances of a resource, or everything of a module."""
    if address in state.instances:
        return [address]
    return [each for each in state.instances if each.startswith((f"{address}.", f"{address}["))]
