"""Whether states are whole: what the bucket tells of them, and whether the code still has what they hold."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer.errors import UsageError
from deployer.inventory.load import LoadedInventory
from deployer.inventory.names import NUMBER
from deployer.playbooks.state_wiring import state_copies
from deployer.playbooks.states import look_at_states
from deployer.playbooks.wiring import Wiring
from deployer.steps.state_check import Kept, Look, Problem, StateCheck, look

# Terraform's words for a resource that it would delete because no code mentions it.
_NO_CODE = {
    "delete_because_no_resource_config": "the code has no such resource any more",
    "delete_because_no_module": "the code has no such module any more",
}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What came of it."""

    states: Sequence[Kept]
    problems: Sequence[Problem]
    notes: Sequence[Problem]


def look_around(wiring: Wiring) -> Look:
    """All states of the bucket, read once."""
    look_at_states(wiring)
    return look(wiring.state_bucket)


def environments_in(loaded: LoadedInventory, found: Look) -> list[str]:
    """Environments that are written out, and those of templates that have a state."""
    written = [entry for entry in loaded.entries if NUMBER not in entry]
    others = sorted({kept.environment for kept in found.states.values()} - set(written))
    return [*written, *(name for name in others if _stacks(loaded, name) is not None)]


def check_bucket(wiring: Wiring, found: Look, environment: str | None) -> Checked:
    """What the bucket alone tells: of one environment, or of all."""
    checks = StateCheck(
        bucket=wiring.state_bucket,
        target=wiring.target.name,
        found=found,
        stacks=lambda name: _stacks(wiring.loaded, name),
        copies=lambda key: state_copies(wiring, key),
        known=environments_in(wiring.loaded, found),
    )
    problems = list(checks.problems(environment))
    states = [kept for kept in found.states.values() if environment in (None, kept.environment)]
    return Checked(states=states, problems=problems, notes=tuple(checks.notes))


def check_code(wiring: Wiring, found: Look) -> Iterator[Problem]:
    """What a plan would delete because no code mentions it, in the states of the wiring's environment."""
    name = wiring.environment.name
    for stack in wiring.environment.stacks:
        kept = found.states.get((name, stack))
        if kept is None or kept.state is None or not kept.state.managed:
            continue
        for change in wiring.stack(stack).plan().changes:
            why = _NO_CODE.get(change.reason or "")
            if why is not None:
                yield Problem(
                    environment=name,
                    stack=stack,
                    text=f"holds {change.address}, and {why}",
                    place=wiring.state_bucket.place(kept.key),
                    hint=f"the next deploy would delete it; if it has another address now: `inv state.mv --env {name} "
                    f"--stack {stack} --from {shlex.quote(change.address)} --to ADDRESS`",
                )


def _stacks(loaded: LoadedInventory, name: str) -> Sequence[str] | None:
    """The stacks of an environment, None for one that the inventory does not know; a mistake in it is an error."""
    try:
        environment = loaded.environment(name)
    except UsageError:
        return None
    # An alias is no name of a folder.
    return environment.stacks if environment.name == name else None
