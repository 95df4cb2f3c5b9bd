"""Going back to a copy: the right one, with what it replaces kept, and whole wherever it is cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.state import Object
from deployer.adapters.terraform.state import State
from deployer.engine.change import Action
from deployer.errors import Damaged, GuardRefused, PlanChanged, StateLocked, UsageError
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_file import StateFile
from deployer.steps.state_lock import StateLock
from deployer.steps.state_restore import StateRestored
from tests.support.buckets import MemoryBucket, state_in, terraform_state

KEY = "terraform/development/site.tfstate"
LOCK = f"{KEY}.tflock"


def text(name: str, *, serial: int = 1, **more: Any) -> bytes:
    """A state that holds a bucket of that name."""
    return json.dumps(terraform_state(("cloudflare_r2_bucket", {"id": name}), serial=serial, **more)).encode()


def copies(bucket: MemoryBucket) -> StateCopies:
    """The copies of the state."""
    return StateCopies(state=state_in(bucket))


def step(bucket: MemoryBucket, folder: Path, *, run: str = "one", choice: str = "", **more: Any) -> StateRestored:
    """A restore by the run `run`; all other runs are over."""
    state = StateFile(
        copies=copies(bucket), records=folder, identity="me@here", ended=lambda other: other != run
    )  # fmt: skip
    lock = StateLock(state=state, run=run, command="inv state.restore")
    given = {"other_lineage": False, "recover": lambda: None, "agreed": lambda: None, **more}
    return StateRestored(name="state site", state=state, lock=lock, choice=choice, **given)


def restore(made: StateRestored, context: Any) -> list[Action]:
    """One run: what it changed."""
    facts = made.observe(context.of())
    changes = made.diff(context.of(), facts)
    if changes:
        made.apply(context.of(), facts, changes)
    return [change.action for change in changes]


def holds(bucket: MemoryBucket) -> tuple[str, int]:
    """Name of the bucket in the state, and its serial."""
    state = State.parse(bucket.objects[KEY].body)
    return str(state.instances["cloudflare_r2_bucket.this"].attributes["id"]), state.serial


def test_a_lost_state_comes_back(tmp_path: Path, context: Any) -> None:
    """From the newest copy, under the next serial; a second run has nothing to do, and no lock is left."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("old", serial=1))
    copies(bucket).keep(text("new", serial=7))
    assert restore(step(bucket, tmp_path), context) == [Action.CREATE]
    assert holds(bucket) == ("new", 8)
    assert LOCK not in bucket.objects
    assert restore(step(bucket, tmp_path, run="two"), context) == []
    assert copies(bucket).newest_first()[0].serial == 8


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", text("x")[:-9]])
def test_a_damaged_state_is_replaced_and_kept(tmp_path: Path, context: Any, damaged: bytes) -> None:
    """Whatever it is; what was there can be looked at afterwards."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("new", serial=7))
    bucket.put(KEY, damaged, replaces=None)
    assert restore(step(bucket, tmp_path), context) == [Action.REPLACE]
    assert holds(bucket) == ("new", 8)
    (kept,) = (copy for copy in copies(bucket).newest_first() if copy.replaced)
    assert copies(bucket).read(kept) == damaged
    assert restore(step(bucket, tmp_path, run="two"), context) == []


def test_a_copy_that_is_no_state_is_blamed_itself(tmp_path: Path, context: Any) -> None:
    """It was kept as what was there; the state that is there now has nothing to do with it."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("new", serial=7))
    kept = copies(bucket).keep(b"{", replaced=True)
    bucket.put(KEY, text("new", serial=7), replaces=None)
    with pytest.raises(Damaged, match="the copy is no state: it is not JSON") as caught:
        restore(step(bucket, tmp_path, choice="replaced-00000000"), context)
    assert kept in str(caught.value)
    assert "state.copies" in (caught.value.hint or "")


def test_an_older_copy_by_name(tmp_path: Path, context: Any) -> None:
    """The serial goes on, so that Terraform takes nothing made from the replaced state."""
    bucket = MemoryBucket()
    old = copies(bucket).keep(text("old", serial=3)).rpartition("/")[2]
    bucket.put(KEY, text("new", serial=9), replaces=None)
    for choice in (old, old[:20]):
        assert step(bucket, tmp_path, choice=choice).observe(context.of()).copy.name == old
    assert restore(step(bucket, tmp_path, choice=old), context) == [Action.REPLACE]
    assert holds(bucket) == ("old", 10)
    assert restore(step(bucket, tmp_path, choice=old, run="two"), context) == []
    replaced = next(copy for copy in copies(bucket).newest_first() if copy.replaced)
    assert copies(bucket).read(replaced) == text("new", serial=9)


def test_what_was_replaced_is_not_the_newest_copy(tmp_path: Path, context: Any) -> None:
    """Otherwise a second restore would undo the first one."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("right", serial=3))
    bucket.put(KEY, text("edited by hand", serial=3), replaces=None)
    for run in ("one", "two", "three"):
        restore(step(bucket, tmp_path, run=run), context)
        assert holds(bucket) == ("right", 4)


def test_a_copy_newer_than_the_state_is_said(tmp_path: Path, context: Any) -> None:
    """Somebody has put an old state in its place."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("new", serial=9))
    bucket.put(KEY, text("old", serial=3), replaces=None)
    lines = step(bucket, tmp_path).observe(context.of()).lines()
    assert "the copy is newer than the state: serial 9, the state has 3" in lines
    assert "~ cloudflare_r2_bucket.this: 1 attribute (id)" in lines


def test_another_lineage_is_refused_unless_wanted(tmp_path: Path, context: Any) -> None:
    """It is the state of other things."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("other", serial=9, lineage="ffffffff-1"))
    bucket.put(KEY, text("ours", serial=3), replaces=None)
    with pytest.raises(GuardRefused, match="another lineage") as caught:
        restore(step(bucket, tmp_path), context)
    assert "--other-lineage" in str(caught.value.hint)
    assert holds(bucket) == ("ours", 3)
    assert restore(step(bucket, tmp_path, other_lineage=True), context) == [Action.REPLACE]
    assert holds(bucket) == ("other", 10)


def test_without_a_copy_there_is_nothing_to_go_back_to(tmp_path: Path, context: Any) -> None:
    """One that a restore had replaced does not count unasked."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("x"), replaced=True)
    with pytest.raises(Damaged, match="no copy of this state"):
        restore(step(bucket, tmp_path), context)
    name = copies(bucket).newest_first()[0].name
    assert restore(step(bucket, tmp_path, choice=name), context) == [Action.CREATE]


@pytest.mark.parametrize(("choice", "said"), [("nothing", "is no copy"), ("5d1f2c3e-", "several names")])
def test_a_name_that_is_not_one_copy(tmp_path: Path, context: Any, choice: str, said: str) -> None:
    """Says where the names are listed."""
    bucket = MemoryBucket()
    for serial in (1, 2):
        copies(bucket).keep(text("x", serial=serial))
    with pytest.raises(UsageError, match=said) as caught:
        step(bucket, tmp_path, choice=choice).observe(context.of())
    assert "inv state.copies --env development --stack site" in str(caught.value.hint)


def test_what_was_agreed_to_is_what_is_done(tmp_path: Path, context: Any) -> None:
    """A state that moved since it was shown, or since it was observed, is left alone."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("copy", serial=1))
    bucket.put(KEY, text("shown", serial=5), replaces=None)
    shown = step(bucket, tmp_path).look().versions
    bucket.put(KEY, text("later", serial=6), replaces="1")
    with pytest.raises(PlanChanged):
        restore(step(bucket, tmp_path, agreed=lambda: shown), context)
    made = step(bucket, tmp_path)
    facts = made.observe(context.of())
    bucket.put(KEY, text("last", serial=7), replaces="2")
    with pytest.raises(PlanChanged):
        made.apply(context.of(), facts, made.diff(context.of(), facts))
    assert holds(bucket) == ("last", 7)
    assert LOCK not in bucket.objects


def test_a_state_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, context: Any) -> None:
    """It was missing when it was looked at."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("copy", serial=1))
    made = step(bucket, tmp_path)
    facts = made.observe(context.of())
    bucket.put(KEY, text("theirs", serial=1), replaces=None)
    with pytest.raises(PlanChanged):
        made.apply(context.of(), facts, made.diff(context.of(), facts))
    assert holds(bucket) == ("theirs", 1)


@pytest.mark.parametrize(
    "lock",
    [
        {"ID": "1", "Who": "ana@laptop", "Created": "2026-11-22T15:00:00Z", "Operation": "OperationTypeApply"},
        {"ID": "1", "Who": "me@here", "Created": "2026-11-22T15:00:00Z", "Info": "deployer run one"},
        "no lock at all",
    ],
    ids=["Terraform's", "a run that is not over", "unreadable"],
)
def test_a_lock_that_is_held_is_respected(tmp_path: Path, context: Any, lock: Any) -> None:
    """Nothing is written, and the lock stays."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("copy", serial=1))
    bucket.put_json(LOCK, lock)
    with pytest.raises(StateLocked) as caught:
        restore(step(bucket, tmp_path), context)
    assert "inv state.unlock --env development" in str(caught.value.hint)
    assert KEY not in bucket.objects
    assert json.loads(bucket.objects[LOCK].body) == lock


class KilledError(BaseException):
    """As kill -9: nothing of this process happens any more, no cleaning up either."""


class Mortal(MemoryBucket):
    """A store whose client is killed before, or right after, its write number `left`."""

    left: int
    after: bool

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Counted."""
        with self._counted():
            return super().try_put(key, body, replaces=replaces)

    def delete(self, keys: list[str]) -> None:
        """Counted."""
        with self._counted():
            super().delete(keys)

    def _counted(self) -> Any:
        import contextlib

        @contextlib.contextmanager
        def counted() -> Iterator[None]:
            object.__setattr__(self, "left", self.left - 1)
            if self.left < 0 or (self.left == 0 and not self.after):
                raise KilledError
            yield
            if self.left == 0:
                raise KilledError

        return counted()


WRITES = 6
"""Lock, what is replaced, state, copy of the state, lock to be given back, lock gone."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("now", [None, b"{", text("edited", serial=5)], ids=["missing", "damaged", "edited"])
def test_killed_between_every_two_writes_the_next_run_converges(
    tmp_path: Path, context: Any, number: int, after: bool, now: bytes | None
) -> None:
    """The state is whole at every moment, the one from before or the copy; then it is the copy, and nothing is left."""
    bucket = MemoryBucket()
    copies(bucket).keep(text("right", serial=3))
    if now is not None:
        bucket.put(KEY, now, replaces=None)
    mortal = Mortal(objects=bucket.objects, writes=bucket.writes)
    object.__setattr__(mortal, "left", number)
    object.__setattr__(mortal, "after", after)
    try:
        restore(step(mortal, tmp_path, run="killed"), context)
        assert number == WRITES, "the number of writes is another one by now"
        assert now is None, "without a state there is nothing to keep, so one write less"
    except KilledError:
        pass
    found = bucket.objects.get(KEY)
    assert (found.body if found else None) == now or holds(bucket)[0] == "right"
    restore(step(bucket, tmp_path, run="next"), context)
    assert holds(bucket)[0] == "right"
    assert LOCK not in bucket.objects
    there = copies(bucket)
    assert any(there.read(copy) == bucket.objects[KEY].body for copy in there.newest_first())
    if now is not None:
        assert any(there.read(copy) == now for copy in there.newest_first())
    assert restore(step(bucket, tmp_path, run="last"), context) == []


def test_a_lock_left_by_a_restore_does_not_hold_up_terraform(tmp_path: Path, context: Any) -> None:
    """Whoever meets it removes it, once the ledger says that the run is over."""
    bucket = MemoryBucket()
    bucket.put_json(LOCK, {"ID": "1", "Who": "me@there", "Created": "2026-11-22T15:00:00Z", "Info": "deployer run old"})
    state = step(bucket, tmp_path).state

    def work() -> str:
        if LOCK in bucket.objects:
            raise StateLocked("locked")
        return "done"

    assert state.unlocking(work, context.of()) == "done"


def test_sensitive_attributes_are_counted_and_never_shown(tmp_path: Path, context: Any) -> None:
    """Nor is any other value."""
    bucket = MemoryBucket()
    for serial, value in ((1, "first-value"), (2, "second-value")):
        data = terraform_state(("cloudflare_api_token", {"id": "t", "value": value, "name": value}), serial=serial)
        hidden = [[{"type": "get_attr", "value": "value"}]]
        data["resources"][0]["instances"][0]["sensitive_attributes"] = hidden
        copies(bucket).keep(json.dumps(data).encode())
    bucket.objects[KEY] = Object(bucket.objects[copies(bucket).newest_first()[0].key].body, "1")
    oldest = copies(bucket).newest_first()[-1].name
    made = step(bucket, tmp_path, choice=oldest)
    (change,) = made.diff(context.of(), made.observe(context.of()))
    assert "2 attributes (name, value (sensitive))" in change.detail
    assert "-value" not in change.detail + change.summary
