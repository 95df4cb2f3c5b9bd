"""What concerns states and their copies, put together from a wiring: part of `wiring`, which is near its limit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from deployer.adapters import process_records
from deployer.adapters.environ import identity
from deployer.adapters.state import Cipher
from deployer.adapters.state.cipher import LEAST
from deployer.errors import ConfigError, DeployError, SecretMissing
from deployer.inventory.base import SecretRef
from deployer.steps.ledger import Ledger
from deployer.steps.ledger_runs import is_over
from deployer.steps.secrets import COPY_KEY, value_at
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_file import StateFile
from deployer.steps.state_object import StateObject

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring


def copy_references(wiring: Wiring) -> dict[str, SecretRef]:
    """The secret that copies are encrypted with, if the inventory names one."""
    reference = wiring.loaded.inventory.project.state.copy_key
    return {} if reference is None else {COPY_KEY: reference}


def make_cipher(wiring: Wiring) -> Cipher | None:
    """What copies are encrypted with; None if the inventory names no key. There is no way to plain copies but that."""
    for label, reference in copy_references(wiring).items():
        stored: Mapping[str, Mapping[str, str] | None] = {}
        if reference.aws is not None:
            stored = wiring.secrets_manager.read([reference.aws])
        value = value_at(reference, stored, wiring.target.credentials)
        if not value:
            raise SecretMissing(
                "the key of the copies has no value",
                place=f"{label}: {reference}",
                hint="run what is listed above, then the same command again",
                details=wiring.secret_places.how_to_mend([(label, reference)], stored),
            )
        if len(value) < LEAST:
            raise ConfigError(
                f"the key of the copies is shorter than {LEAST} characters, so it could be found by trying",
                place=f"{label}: {reference}",
                hint="make one with `openssl rand -base64 32`; copies made with the old one need that to be read",
            )
        # Not before: a word of the error above might be masked.
        wiring.redactor.add(value)
        return Cipher(value)
    return None


def state_file(wiring: Wiring, stack: str) -> StateFile:
    """Where the state of a stack lies, with its copies."""
    return StateFile(
        copies=state_copies(wiring, state_object(wiring, stack)),
        records=wiring.records,
        identity=identity(),
        ended=lambda run: run != wiring.run_id and is_over(Ledger(wiring.state_bucket, wiring.named), run),
        patience=wiring.patience or 0.0,
    )


def state_object(wiring: Wiring, stack: str) -> StateObject:
    """The state of a stack."""
    return StateObject(bucket=wiring.state_bucket, named=wiring.named, stack=stack)


def state_copies(wiring: Wiring, state: StateObject) -> StateCopies:
    """The copies of one state, of whichever environment."""
    return StateCopies(
        state=state,
        cipher=lambda: wiring.copy_cipher,
        days=wiring.loaded.inventory.project.state.copies_days,
    )


def after_killed(wiring: Wiring, *, say: Callable[[str], None]) -> None:
    """What a run that was killed has left to others: programs that go on, states of which there is no copy yet."""
    for left in process_records.leftovers(wiring.records):
        if left.pids:
            pids = ", ".join(map(str, left.pids))
            say(f"waiting for `{left.title}` (process {pids}), which a killed run has left at work")
    wiring.recover_once()
    for stack in wiring.environment.stacks:
        # The next change of the state copies it as well, and is refused without.
        with contextlib.suppress(DeployError):
            state_file(wiring, stack).keep_copy()
