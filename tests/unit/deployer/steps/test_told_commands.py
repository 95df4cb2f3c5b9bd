"""What somebody in the sandbox is told to type acts on the sandbox, whatever has gone wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from deployer.adapters.state import Object
from deployer.errors import DeployError
from deployer.review.view import Finding
from deployer.steps.holdings import Holdings
from deployer.steps.ledger import CLOSED, OPENED, Head, Ledger
from deployer.steps.lock_object import LockObject
from deployer.steps.policy import refuse_violations
from deployer.steps.state_check import StateCheck, look
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_edit import StateMoved
from deployer.steps.state_file import StateFile
from deployer.steps.state_lock import StateLock
from deployer.steps.state_object import StateObject
from deployer.steps.state_restore import StateRestored
from deployer.words import Named
from tests.support.buckets import MemoryBucket, state_in, terraform_state

HERE = Named("development", "sandbox")
HELD = terraform_state(("cloudflare_r2_bucket", {"id": "b"}))


def state(*, there: object = None, kept: object = None) -> StateObject:
    """A state that says `there`, with a copy that says `kept`."""
    made = state_in(MemoryBucket(), target="sandbox")
    assert isinstance(made.bucket, MemoryBucket)
    for body in (kept, there):
        if body is not None:
            made.bucket.put_json(made.key, body)
            if body is kept:
                StateCopies(state=made).keep(made.bucket.objects.pop(made.key).body)
    return made


def file(at: StateObject) -> StateFile:
    """The same for those who change it."""
    return StateFile(copies=StateCopies(state=at), records=ANY, identity="me@here")


def edit(at: StateObject) -> StateMoved:
    """Somebody moves what is not there."""
    return StateMoved(name="s", state=file(at), stack=ANY, recover=ANY, source="a.b", destination="a.c")


def restored(at: StateObject, choice: str = "") -> StateRestored:
    """Somebody goes back to a copy."""
    lock = StateLock(state=file(at), run="r", command="c")
    return StateRestored(
        name="s", state=file(at), lock=lock, choice=choice, other_lineage=False, recover=ANY, agreed=ANY
    )


def changed_copy() -> None:
    """A copy is read that is not what its name says."""
    at = state(kept=HELD)
    copies = StateCopies(state=at)
    (copy,) = copies.newest_first()
    at.bucket.objects[copy.key] = Object(b"{}", "1")  # type: ignore[attr-defined]
    copies.read(copy)


def locked() -> None:
    """Terraform holds the state."""
    lock = LockObject(state=state())
    lock.take(run="one", command="c", who="ana@laptop")
    lock.take(run="two", command="c", who="me@here")


def cut_off() -> None:
    """The last entry of the ledger is gone."""
    ledger = Ledger(MemoryBucket(), HERE)
    assert ledger.append({"event": OPENED, "run": "r"}, after=Head())
    ledger.bucket.delete([ledger.key(1)])
    ledger.head()


def forbidden() -> None:
    """A rule of the policy is broken."""
    finding = Finding(rule="tls", severity="error", message="m", where="w", reason="r", place="p")
    refuse_violations([finding], named=HERE)


ANY: Any = None
PROVOKED: dict[str, Callable[[], object]] = {
    "damaged": lambda: state(there={}).read(),
    "damaged, looked at for what it holds": lambda: Holdings(state(there={}).bucket, HERE).resources("site"),
    "lost": lambda: file(state(kept=HELD)).require_not_lost(),
    "no such copy": lambda: restored(state(kept=HELD), "nope").look(),
    "no copy at all": lambda: restored(state()).look(),
    "changed copy": changed_copy,
    "no state to edit": lambda: edit(state()).look(),
    "no such thing in it": lambda: edit(state(there=HELD)).look(),
    "locked": locked,
    "ledger cut off": cut_off,
    "forbidden": forbidden,
}


def commands(text: str) -> list[str]:
    """What is told to be typed about an environment."""
    return re.findall(r"`(inv [^`]*--env [^`]*)`", text)


@pytest.mark.parametrize("provoke", PROVOKED.values(), ids=PROVOKED.keys())
def test_the_next_command_names_the_sandbox(provoke: Callable[[], object]) -> None:
    """Without the word it would act on the cloud."""
    with pytest.raises(DeployError) as caught:
        provoke()
    told = commands(caught.value.hint or "")
    assert told
    assert all("--env development" in command and "--sandbox" in command for command in told), told


def test_so_does_what_a_check_of_the_states_says() -> None:
    """Each problem and each note."""
    at = state(there=HELD)
    bucket = at.bucket
    assert isinstance(bucket, MemoryBucket)
    ledger = Ledger(bucket, HERE)
    opened = ledger.append({"event": OPENED, "run": "r"}, after=Head())
    assert opened is not None
    left = {"site": {"serial": 9, "lineage": "other"}, "hosts": {"serial": 1, "lineage": "x"}}
    ended = {"event": CLOSED, "run": "r", "opened": 1, "terraform": left}
    assert ledger.append(ended, after=Head(sequence=1, digest=opened.digest))
    bucket.put_json(f"{at.key}.tflock", {"ID": "1", "Who": "ana@laptop", "Created": "x"})
    bucket.put_json("terraform/development/former.tfstate", HELD)
    check = StateCheck(
        found=look(bucket, "sandbox"),
        stacks={"development": ("site", "hosts")}.get,
        copies=lambda each: StateCopies(state=each),
    )
    told = [command for problem in check.problems() for command in commands(problem.hint)]
    tasks = {command.split()[1] for command in told}
    assert tasks == {"state.copies", "history", "state.restore", "state.unlock", "state.list", "state.rm"}
    assert [command for command in told if "--sandbox" not in command] == []
