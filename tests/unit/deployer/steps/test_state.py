"""What is kept beside the state: the record, notes of unfinished applies, copies, and locks that nobody holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters import process_records
from deployer.adapters.state import Bucket
from deployer.adapters.terraform import PlannedChange
from deployer.errors import Damaged, GuardRefused, StateLocked, ToolFailed
from deployer.steps.adoption import Adoption, Note
from deployer.steps.guards import DestroyGuards
from deployer.steps.holdings import Holdings
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.state_bucket import StateBucket
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_file import StateFile
from tests.support.buckets import state_in, terraform_state

KEY = "terraform/development/site.tfstate"
LOCK = f"{KEY}.tflock"


def test_the_bucket_is_made_once(aws: str, context: Any) -> None:
    """Absent: one change. Present: none, and making it again is no error."""
    step = StateBucket(name="b", bucket=Bucket(_access(aws), "fresh-state-bucket"), location="weur")
    changes = step.diff(context.of(), step.observe(context.of()))
    assert [change.address for change in changes] == ["r2:fresh-state-bucket"]
    step.apply(context.of(), facts=False, changes=changes)
    step.apply(context.of(), facts=False, changes=changes)
    assert step.diff(context.of(), step.observe(context.of())) == ()


def _access(aws: str) -> Any:
    from tests.support.s3 import access

    return access(aws, "s3")


def test_two_writers_keep_each_others_part_of_the_record(bucket: Bucket) -> None:
    """A write that lost the race is done again on what the other has written."""
    one, two = ReleaseRecord(bucket, "development"), ReleaseRecord(bucket, "development")
    one.write("convex", {"sources": "1"})

    class Racing(Bucket):
        """Somebody else writes between our reading and our writing, once."""

        raced = False

        def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
            if not Racing.raced:
                Racing.raced = True
                two.write("worker", {"digest": "2"})
            return super().try_put(key, body, replaces=replaces)

    ReleaseRecord(Racing(bucket.access, bucket.name), "development").write("convex", {"sources": "3"})
    assert Racing.raced
    assert one.section("convex") == {"sources": "3"}
    assert one.section("worker") == {"digest": "2"}


@pytest.mark.parametrize("text", ["", "{", '{"schema": 99, "worker": {"digest": "x"}}', "[]"])
def test_a_record_that_cannot_be_read_is_no_record(bucket: Bucket, text: str) -> None:
    """It costs one deploy that is not needed, and no error."""
    record = ReleaseRecord(bucket, "development")
    bucket.put(record.key, text.encode(), replaces=None)
    assert record.section("worker") == {}
    record.write("worker", {"digest": "new"})
    assert record.section("worker") == {"digest": "new"}


def state(bucket: Bucket, tmp_path: Path) -> StateFile:
    """The state of a stack, with notes in a folder of the test."""
    copies = StateCopies(state=state_in(bucket))
    return StateFile(copies=copies, records=tmp_path / "notes", identity="me@here")


def lock(bucket: Bucket, *, who: str, created: datetime) -> None:
    """A lock object as Terraform writes it."""
    body = {"ID": "1", "Who": who, "Created": created.isoformat(), "Operation": "OperationTypeApply", "Path": KEY}
    bucket.put(LOCK, json.dumps(body).encode(), replaces=None)


def note(tmp_path: Path, *, title: str = "terraform apply (site)", since: datetime, marker: str = "abc") -> None:
    """A note that a run which was killed has left."""
    (tmp_path / "notes").mkdir(exist_ok=True)
    text = json.dumps({"title": title, "since": since.isoformat(), "pid": 2**22 - 1})
    (tmp_path / "notes" / f"{marker}.json").write_text(text)


NOW = datetime.now(UTC)


def test_a_lock_is_released_with_proof_that_its_owner_is_gone(bucket: Bucket, tmp_path: Path) -> None:
    """It names us, a note says that we had started Terraform on this stack before, and nothing of it is alive."""
    lock(bucket, who="me@here", created=NOW)
    note(tmp_path, since=NOW - timedelta(seconds=1))
    assert state(bucket, tmp_path).release_abandoned_lock()
    assert bucket.get(LOCK) is None
    assert process_records.leftovers(tmp_path / "notes") == []


@pytest.mark.parametrize(
    ("who", "title", "earlier"),
    [
        ("ana@laptop", "terraform apply (site)", 1),
        ("me@here", "terraform apply (hosts)", 1),
        ("me@here", "terraform apply (site)", -1),
        ("me@here", None, 1),
    ],
    ids=["somebody else's", "another stack's", "older than our program", "without a note"],
)
def test_a_lock_without_proof_is_left_alone(
    bucket: Bucket, tmp_path: Path, who: str, title: str | None, earlier: int
) -> None:
    """Whatever is missing from the proof."""
    lock(bucket, who=who, created=NOW)
    if title is not None:
        note(tmp_path, title=title, since=NOW - timedelta(seconds=earlier))
    assert not state(bucket, tmp_path).release_abandoned_lock()
    assert bucket.get(LOCK) is not None


def test_a_lock_whose_owner_is_alive_is_left_alone(bucket: Bucket, tmp_path: Path) -> None:
    """A process that carries the note's marker is still there."""
    import subprocess
    import sys

    lock(bucket, who="me@here", created=NOW)
    note(tmp_path, since=NOW - timedelta(seconds=1), marker="alive")
    code = "import sys; print(1, flush=True); sys.stdin.read()"
    environment = {process_records.VARIABLE: "alive"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert not state(bucket, tmp_path).release_abandoned_lock()
        run.communicate()


def test_work_is_done_again_once_after_an_abandoned_lock(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """And the error of a lock that is held goes through."""
    attempts = []

    def work() -> str:
        attempts.append(1)
        if bucket.get(LOCK) is not None:
            raise StateLocked("locked")
        return "done"

    lock(bucket, who="me@here", created=NOW)
    note(tmp_path, since=NOW - timedelta(seconds=1))
    assert state(bucket, tmp_path).unlocking(work, context.of()) == "done"
    assert len(attempts) == 2
    lock(bucket, who="ana@laptop", created=NOW)
    with pytest.raises(StateLocked):
        state(bucket, tmp_path).unlocking(work, context.of())


def test_a_lock_that_somebody_holds_is_waited_for(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """As long as there is patience; then the work is done."""
    lock(bucket, who="ana@laptop", created=NOW)
    said: list[str] = []

    def work() -> str:
        if bucket.get(LOCK) is not None:
            raise StateLocked("locked by ana")
        return "done"

    def say(text: str) -> None:
        said.append(text)
        bucket.delete([LOCK])

    patient = replace(state(bucket, tmp_path), patience=30.0)
    assert patient.unlocking(work, replace(context.of(), say=say)) == "done"
    assert said == ["waiting: locked by ana"]
    lock(bucket, who="ana@laptop", created=NOW)
    with pytest.raises(StateLocked):
        replace(patient, patience=0.1).unlocking(work, context.of())


def written(bucket: Bucket, serial: int) -> bytes:
    """The state as somebody writes it."""
    body = json.dumps(terraform_state(serial=serial)).encode()
    found = bucket.get(KEY)
    bucket.put(KEY, body, replaces=found.etag if found else None)
    return body


def kept(bucket: Bucket) -> list[bytes]:
    """What lies there as copies, by serial."""
    found = [bucket.get(key) for key in bucket.list_keys("copies/terraform/development/site/")]
    return sorted((copy.body for copy in found if copy), key=lambda body: int(json.loads(body)["serial"]))


def test_a_copy_is_kept_before_and_after_every_change(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """The newest state is there as well; without a state there is nothing to copy."""
    file = state(bucket, tmp_path)
    file.keep_copy()
    assert kept(bucket) == []
    first = written(bucket, 1)
    with file.copied(context.of()):
        assert kept(bucket) == [first]
        second = written(bucket, 2)
    assert kept(bucket) == [first, second]
    with file.copied(context.of()):
        pass
    assert kept(bucket) == [first, second]


def test_a_change_that_fails_halfway_is_copied_too(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """Terraform has written down what it got done."""

    def fail() -> None:
        written(bucket, 2)
        raise StateLocked("locked")

    first = written(bucket, 1)
    with pytest.raises(StateLocked), state(bucket, tmp_path).copied(context.of()):
        fail()
    assert kept(bucket) == [first, bucket.get(KEY).body]  # type: ignore[union-attr]


def test_without_a_copy_nothing_is_changed(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """Whatever keeps it from being written: here the state is none."""
    bucket.put(KEY, b"{", replaces=None)
    with pytest.raises(Damaged, match="it is not JSON") as caught, state(bucket, tmp_path).copied(context.of()):
        pytest.fail("this must not be reached")
    assert "inv state.restore --env development --stack site" in str(caught.value.hint)


def test_a_lost_state_is_told_from_one_that_never_was(bucket: Bucket, tmp_path: Path, context: Any) -> None:
    """By its newest copy: what that holds would be made twice by a deploy, and be forgotten by a destroy."""
    file = state(bucket, tmp_path)
    file.require_not_lost()
    written(bucket, 1)
    file.keep_copy()
    bucket.delete([KEY])
    file.require_not_lost()
    held = json.dumps(terraform_state(("t", {"id": "1"}), serial=2)).encode()
    bucket.put(KEY, held, replaces=None)
    file.keep_copy()
    file.require_not_lost()
    bucket.delete([KEY])
    for step in (file.require_not_lost, lambda: lost_guard(bucket, file).observe(context.of())):
        with pytest.raises(Damaged, match="is gone, and its newest copy holds 1 thing") as caught:
            step()
    assert "inv state.restore --env development --stack site" in str(caught.value.hint)
    bucket.put(KEY, b"", replaces=None)
    with pytest.raises(Damaged, match="is empty"):
        file.require_not_lost()


def lost_guard(bucket: Bucket, file: StateFile) -> DestroyGuards:
    """What a destroy looks at before it touches anything."""
    return DestroyGuards(
        name="guards",
        holdings=Holdings(bucket, file.object.named),
        stacks=("site",),
        known_stacks=("site",),
        bucket=lambda _name: bucket,
        may_empty=True,
        place="environments.toml",
        states=(file,),
    )


def test_what_terraform_says_of_a_damaged_state_is_said_by_us(bucket: Bucket, tmp_path: Path) -> None:
    """Any other failure of Terraform stays what it is."""
    file = state(bucket, tmp_path)
    with pytest.raises(ToolFailed), file.blamed():
        raise ToolFailed("plan")
    written(bucket, 1)
    with pytest.raises(ToolFailed), file.blamed():
        raise ToolFailed("plan")
    found = bucket.get(KEY)
    assert found is not None
    bucket.put(KEY, b"[]", replaces=found.etag)
    with pytest.raises(Damaged, match="version 4"), file.blamed():
        raise ToolFailed("plan")


CREATED = [PlannedChange("create", 'module.s.cloudflare_r2_bucket.this["U"]', wanted={"name": "uploads"})]


def adoption(bucket: Bucket, existing: dict[str, str]) -> Adoption:
    """Whether a bucket exists is said by a table."""
    return Adoption(
        note=Note(bucket, "unfinished.json"),
        find=lambda _kind, wanted: existing.get(wanted["name"]),
        findable=frozenset({"cloudflare_r2_bucket"}),
    )


def test_what_an_unfinished_apply_was_making_is_adopted(bucket: Bucket) -> None:
    """It is on the note, so it is ours; what does not exist is simply created."""
    there = adoption(bucket, {"uploads": "account/uploads/default"})
    there.note.write([CREATED[0].address])
    assert there.existing(CREATED) == {CREATED[0].address: "account/uploads/default"}
    assert adoption(bucket, {}).existing(CREATED) == {}


def test_what_nobody_noted_is_not_taken(bucket: Bucket) -> None:
    """Also after a note was cleared: that apply had ended well."""
    there = adoption(bucket, {"uploads": "account/uploads/default"})
    there.note.write([CREATED[0].address])
    there.note.clear()
    with pytest.raises(GuardRefused, match="exist already") as caught:
        there.existing(CREATED)
    assert "account/uploads/default" in caught.value.details[0]


def test_notes_add_up_until_they_are_cleared(bucket: Bucket) -> None:
    """A second attempt that is cut off does not forget the first one's."""
    one = Note(bucket, "unfinished.json")
    one.write(["a"])
    one.write(["b"])
    assert one.read() == {"a", "b"}
    one.clear()
    one.clear()
    assert one.read() == frozenset()
