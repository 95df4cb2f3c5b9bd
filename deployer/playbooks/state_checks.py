"""Whether states are whole: what the bucket tells of them, and whether the code still has what they hold."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer.inventory.load import LoadedInventory
from deployer.playbooks.environments import all_environments, stacks_of
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
    return look(wiring.state_bucket, wiring.target.name)


def environments_in(loaded: LoadedInventory, found: Look) -> list[str]:
    """Environments that there are, by what was found."""
    return all_environments(loaded, [kept.key for kept in found.states.values()])


def check_bucket(wiring: Wiring, found: Look, environment: str | None) -> Checked:
    """What the bucket alone tells: of one environment, or of all."""
    checks = StateCheck(
        found=found,
        stacks=lambda name: stacks_of(wiring.loaded, name),
        copies=lambda state: state_copies(wiring, state),
        known=environments_in(wiring.loaded, found),
    )
    said = list(checks.problems(environment))
    states = [kept for kept in found.states.values() if environment in (None, kept.environment)]
    return Checked(
        states=states,
        problems=[each for each in said if each.severity == "problem"],
        notes=[each for each in said if each.severity == "note"],
    )


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
                    place=kept.object.place,
                    hint="the next deploy would delete it; if it has another address now: "
                    + kept.object.command("state.mv", f"--from {shlex.quote(change.address)} --to ADDRESS"),
                )
