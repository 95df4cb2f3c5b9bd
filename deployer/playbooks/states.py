"""What is done to a state itself, and what is looked up in it.

    secrets -- state <stack>

A restore, a move, a removal are one step that looks first, like any other, so that it is predicted, recorded and
repeated like a deploy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from deployer.adapters.terraform.state import State
from deployer.engine.playbook import Playbook
from deployer.errors import UsageError
from deployer.inventory.state_keys import folder_of
from deployer.inventory.suggest import unknown
from deployer.playbooks.credentials import require_credentials
from deployer.playbooks.deploy import resolve_secrets
from deployer.playbooks.state_wiring import copy_references
from deployer.playbooks.wiring import Wiring
from deployer.steps.policy import place_of
from deployer.steps.secrets import COPY_KEY
from deployer.steps.state_copies import FOLDER, Copy
from deployer.steps.state_edit import StateEdit, StateForgotten, StateMoved
from deployer.steps.state_lock import StateLock
from deployer.steps.state_restore import RestoreFacts, StateRestored

Agreed = tuple[str | None, str]


def restore(
    wiring: Wiring, *, stack: str, copy: str, other_lineage: bool, agreed: Callable[[], Agreed | None]
) -> Playbook:
    """The steps of a restore."""
    step = _restored(wiring, stack=stack, copy=copy, other_lineage=other_lineage, agreed=agreed)
    return Playbook("state.restore", (resolve_secrets(wiring, only=frozenset({COPY_KEY})), step))


def preview(wiring: Wiring, *, stack: str, copy: str, other_lineage: bool) -> RestoreFacts:
    """What a restore would do, to be shown before somebody agrees."""
    look_at_states(wiring)
    return _restored(wiring, stack=stack, copy=copy, other_lineage=other_lineage, agreed=lambda: None).look()


def moved(wiring: Wiring, *, stack: str, source: str, destination: str) -> StateMoved:
    """The step of a move."""
    return StateMoved(**_edit(wiring, require_stack(wiring, stack)), source=source, destination=destination)


def forgotten(wiring: Wiring, *, stack: str, addresses: Sequence[str], note: Callable[[str], None]) -> StateForgotten:
    """The step of a removal from the state."""
    loaded, environment = wiring.loaded, wiring.environment
    return StateForgotten(
        **_edit(wiring, require_stack(wiring, stack)),
        addresses=addresses,
        protected=environment.guards.never_destroy,
        protected_place=place_of(loaded, environment, "guards", "never_destroy"),
        note=note,
    )


def editing(wiring: Wiring, name: str, step: StateEdit) -> Playbook:
    """The steps of a move or a removal."""
    return Playbook(name, (resolve_secrets(wiring, only=frozenset({COPY_KEY})), step))


def _edit(wiring: Wiring, stack: str) -> dict[str, Any]:
    return {
        "name": f"state {stack}",
        "needs": ("secrets",),
        "tags": frozenset({"state"}),
        "state": wiring.state_file(stack),
        "stack": lambda: wiring.stack(stack),
        "recover": wiring.recover_once,
    }


def look_at_states(wiring: Wiring) -> None:
    """One error for all credentials that are missing, before states are read."""
    require_credentials(wiring, references=copy_references(wiring))


def states_of(wiring: Wiring, stack: str = "") -> dict[str, State]:
    """The states of an environment that are there, or that of one stack; Damaged if one cannot be read."""
    look_at_states(wiring)
    stacks = [require_stack(wiring, stack)] if stack else known_stacks(wiring)
    found = {name: wiring.state_file(name).object.read() for name in stacks}
    return {name: state for name, state in found.items() if state is not None}


def raw_state(wiring: Wiring, *, stack: str, copy: str = "") -> tuple[str, bytes]:
    """The key and the bytes of a state, whatever they are, or of a copy of it."""
    look_at_states(wiring)
    file = wiring.state_file(require_stack(wiring, stack))
    if copy:
        chosen = file.copies.named(copy)
        return chosen.key, file.copies.read(chosen)
    state = file.object
    found = state.get()
    if found is None:
        raise UsageError(
            "there is no such state", place=state.place, hint=f"if there was one: {state.command('state.copies')}"
        )
    return state.key, found.body


def copies_of(wiring: Wiring, stack: str) -> Iterator[tuple[Copy, bool]]:
    """The copies of a state, newest first, each with whether it is what the state holds now."""
    state = wiring.state_file(stack)
    found = state.object.get()
    digest = hashlib.sha256(found.body).hexdigest() if found else None
    for copy in state.copies.newest_first():
        yield copy, digest is not None and digest.startswith(copy.digest)


def _restored(
    wiring: Wiring, *, stack: str, copy: str, other_lineage: bool, agreed: Callable[[], Agreed | None]
) -> StateRestored:
    stack = require_stack(wiring, stack)
    state = wiring.state_file(stack)
    return StateRestored(
        name=f"state {stack}",
        needs=("secrets",),
        tags=frozenset({"state"}),
        state=state,
        lock=StateLock(state=state, run=wiring.run_id, command="inv state.restore"),
        choice=copy,
        other_lineage=other_lineage,
        recover=wiring.recover_once,
        agreed=agreed,
    )


def known_stacks(wiring: Wiring) -> list[str]:
    """Stacks of the environment: those of the inventory, and former ones that have left a state or copies."""
    copies = f"{FOLDER}{folder_of(wiring.environment.name)}"
    copied = (key.removeprefix(copies).partition("/")[0] for key in wiring.state_bucket.list_keys(copies))
    return [*wiring.environment.stacks, *sorted({*wiring.holdings.states(), *copied} - set(wiring.environment.stacks))]


def require_stack(wiring: Wiring, stack: str) -> str:
    """The stack that is meant; one that nobody knows is a mistake."""
    if stack in wiring.environment.stacks:
        return stack
    known = known_stacks(wiring)
    if not stack:
        if len(known) == 1:
            return known[0]
        raise UsageError("which stack? --stack is missing", hint=f"one of {', '.join(known)}")
    if stack not in known:
        message, hint = unknown("stack", stack, known)
        raise UsageError(message, hint=hint)
    return stack
