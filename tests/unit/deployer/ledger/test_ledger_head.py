"""A ledger's head is what misses a tail: it is never lost by a kill, and nothing is done on top of one that is lost."""

from __future__ import annotations

import json

import pytest

from deployer.adapters.state import Object
from deployer.errors import Damaged, ServiceUnreachable
from deployer.steps.ledger import Head, Ledger
from deployer.steps.ledger_check import verify
from tests.support.buckets import MemoryBucket
from tests.support.ledgers import ENVIRONMENT, NAMED, Unreachable, closed, open_run, past_run


def key(sequence: int) -> str:
    """Where an entry lies."""
    return f"ledger/{ENVIRONMENT}/{sequence:08d}.json"


HEAD = f"ledger-heads/{ENVIRONMENT}.json"


def filled(bucket: MemoryBucket, runs: int = 3) -> Ledger:
    """A ledger of some runs that have ended."""
    ledger = Ledger(bucket, NAMED)
    for number in range(runs):
        past_run(ledger, f"run-{number}")
    return ledger


def problems(ledger: Ledger) -> list[tuple[str, str]]:
    """Key and text of each."""
    return [(problem.key, problem.text) for problem in verify(ledger)]


def test_killed_after_the_very_first_entry_the_next_one_brings_the_head() -> None:
    """It is written before that, so that no kill leads to two entries without a head."""
    bucket = Unreachable(deaf={HEAD})
    ledger = Ledger(bucket, NAMED)
    open_run(ledger, "one")
    assert HEAD not in bucket.objects
    head = ledger.head()
    assert (head.sequence, head.open is not None) == (1, True)
    with pytest.raises(ServiceUnreachable):
        ledger.append(closed("one", 1), after=head)
    assert ledger.sequences() == [1]
    assert problems(ledger) == []
    bucket.deaf.clear()
    bucket.deaf.add(key(2))
    with pytest.raises(ServiceUnreachable):
        ledger.append(closed("one", 1), after=head)
    assert json.loads(bucket.objects[HEAD].body)["sequence"] == 1, "and killed before the second entry"
    bucket.deaf.clear()
    assert ledger.append(closed("one", 1), after=ledger.head()) is not None
    assert (ledger.head().sequence, problems(ledger)) == (2, [])


def test_a_missing_head_is_found() -> None:
    """Without it a tail that was cut off would not be missed."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    for number in (5, 6):
        del bucket.objects[key(number)]
    del bucket.objects[HEAD]
    assert [where for where, _ in problems(ledger)] == [HEAD]
    with pytest.raises(Damaged, match="4 entries and no head") as caught:
        ledger.head()
    assert "inv history --env development --verify" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not JSON",
        b"[]",
        b'{"environment": "development", "sequence": 0, "digest": "d", "event": "closed"}',
        b'{"environment": "development", "sequence": "6", "digest": "d", "event": "closed"}',
        b'{"environment": "production", "sequence": 6, "digest": "d", "event": "closed"}',
    ],
)
@pytest.mark.parametrize("runs", [0, 3])
def test_a_head_that_is_none_is_found_and_stays(text: bytes, runs: int) -> None:
    """Nothing is done on top of it, and who is at work already does not write over it."""
    bucket = MemoryBucket()
    ledger = filled(bucket, runs)
    entry = open_run(ledger, "at work")
    bucket.objects[HEAD] = Object(text, "1")
    after = Head(sequence=entry.sequence, digest=entry.digest)
    assert ledger.append(closed("at work", entry.sequence), after=after) is not None
    assert bucket.objects[HEAD].body == text
    assert [where for where, _ in problems(ledger)] == [HEAD]
    with pytest.raises(Damaged, match="no head of a ledger"):
        ledger.head()


def test_a_head_that_is_removed_while_somebody_is_at_work_is_not_made_anew() -> None:
    """Whoever comes next is told."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 1)
    entry = open_run(ledger, "at work")
    del bucket.objects[HEAD]
    assert ledger.append(closed("at work", 3), after=Head(sequence=3, digest=entry.digest)) is not None
    assert HEAD not in bucket.objects
    with pytest.raises(Damaged):
        ledger.head()


def test_a_head_that_is_written_while_we_look_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's first run came and went between our look at the head and that at the entries."""
    bucket = MemoryBucket()
    ledger = Ledger(bucket, NAMED)
    get = MemoryBucket.get

    def late(self: MemoryBucket, where: str) -> Object | None:
        found = get(self, where)
        monkeypatch.setattr(MemoryBucket, "get", get)
        past_run(ledger, "quicker")
        return found

    monkeypatch.setattr(MemoryBucket, "get", late)
    assert ledger.head().sequence == 2
    bucket.objects.clear()
    monkeypatch.setattr(MemoryBucket, "get", late)
    assert verify(ledger) == []
