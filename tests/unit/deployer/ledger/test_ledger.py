"""The ledger keeps what is appended, loses no race twice, and knows when something is not what was written."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.state import Object
from deployer.errors import Damaged, ServiceUnreachable
from deployer.steps.ledger import Head, Ledger, RunNote
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import join, last_runs, runs_since
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.ledgers import ENVIRONMENT, NAMED, LosingAnswers, Unreachable, closed, open_run, opened, past_run


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


def change(bucket: MemoryBucket, where: str, **values: Any) -> None:
    """What somebody does who edits an object in the bucket."""
    found = bucket.objects[where]
    text = json.dumps({**json.loads(found.body), **values}).encode()
    bucket.objects[where] = Object(text, found.etag, found.modified)


def problems(ledger: Ledger) -> list[tuple[str, str]]:
    """Key and text of each."""
    return [(problem.key, problem.text) for problem in verify(ledger)]


# --- appending and reading ----------------------------------------------------------------------------------------


def test_an_empty_ledger_is_free_and_whole() -> None:
    """Of an environment in which nothing was ever changed."""
    ledger = Ledger(MemoryBucket(), NAMED)
    assert ledger.head() == Head()
    assert problems(ledger) == []
    assert last_runs(ledger, 20) == []


def test_an_object_that_is_called_like_no_entry_is_none() -> None:
    """Also where the name is a digit of another alphabet, or one that is no number."""
    bucket = MemoryBucket()
    ledger = filled(bucket, runs=1)
    for name in ("notes", "²", "٣"):
        bucket.objects[f"ledger/{ENVIRONMENT}/{name}.json"] = Object(b"{}", "1")
    assert ledger.sequences() == [1, 2]


def test_entries_have_the_digest_of_the_one_before() -> None:
    """And numbers that are listed in order; the head names the last one."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 2)
    entries = ledger.entries()
    assert [entry.key for entry in entries] == [key(number) for number in (1, 2, 3, 4)]
    assert [entry.body["previous"] for entry in entries] == ["", *(entry.digest for entry in entries[:3])]
    assert ledger.head() == Head(sequence=4, digest=entries[3].digest)
    assert problems(ledger) == []


def test_an_open_run_is_the_lock() -> None:
    """The head has the entry that opened it."""
    ledger = filled(MemoryBucket(), 1)
    entry = open_run(ledger, "at work")
    head = ledger.head()
    assert head.open is not None
    assert (head.sequence, head.open.run, head.open.digest) == (3, "at work", entry.digest)
    assert problems(ledger) == [], "a run at work is no damage"


def test_reading_the_end_does_not_read_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small requests, however long the ledger is; for the last runs a listing and their entries."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 30)
    asked: list[str] = []
    get = MemoryBucket.get

    def noted(self: MemoryBucket, where: str) -> Object | None:
        asked.append(where)
        return get(self, where)

    monkeypatch.setattr(MemoryBucket, "get", noted)
    ledger.head()
    assert asked == [HEAD, key(61)]
    asked.clear()
    assert [run.opened.run for run in last_runs(ledger, 2)] == ["run-28", "run-29"]
    assert len(asked) == 5


def test_who_comes_second_is_told_so() -> None:
    """Both have seen the same end; nothing of the second one is written."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 1)
    seen = ledger.head()
    assert ledger.append(opened("first"), after=seen) is not None
    before = dict(bucket.objects)
    assert ledger.append(opened("second"), after=seen) is None
    assert bucket.objects == before


def test_a_lost_answer_is_no_lost_race() -> None:
    """The entry has arrived although nobody said so: it is ours, and not an open run that nobody closes."""
    bucket = LosingAnswers(deaf={key(1), HEAD})
    ledger = Ledger(bucket, NAMED)
    entry = ledger.append(opened("mine"), after=ledger.head())
    assert entry is not None
    head = ledger.head()
    assert head.open is not None
    assert head.open.run == "mine"


def test_an_entry_that_did_not_arrive_is_an_error() -> None:
    """And not a success."""
    ledger = Ledger(Unreachable(deaf={key(1)}), NAMED)
    with pytest.raises(ServiceUnreachable):
        ledger.append(opened("mine"), after=ledger.head())


def test_killed_between_entry_and_head_the_end_is_found_all_the_same() -> None:
    """A head that lags hides nothing; the next entry brings it up."""
    bucket = Unreachable()
    ledger = Ledger(bucket, NAMED)
    first = open_run(ledger, "one")
    bucket.deaf.add(HEAD)
    assert ledger.append(closed("one", 1), after=Head(sequence=1, digest=first.digest)) is not None
    assert json.loads(bucket.objects[HEAD].body)["sequence"] == 1
    assert ledger.head().sequence == 2
    open_run(ledger, "two")
    head = ledger.head()
    assert (head.sequence, head.open is not None) == (3, True)
    bucket.deaf.clear()
    assert ledger.append(closed("two", 3), after=head) is not None
    assert json.loads(bucket.objects[HEAD].body)["sequence"] == 4
    assert problems(ledger) == []


def test_the_head_never_goes_back() -> None:
    """A writer that was slow between its entry and the head meets a later head and leaves it."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 1)
    late = ledger.entry(1)
    assert late is not None
    ledger._advance(late)
    assert json.loads(bucket.objects[HEAD].body)["sequence"] == 2


def test_two_writers_that_race_two_hundred_times_lose_nothing() -> None:
    """Each pair of entries is there once, in turn, and the chain is whole."""
    bucket = MemoryBucket()
    won: dict[str, int] = {}

    def work(name: str) -> None:
        ledger = Ledger(bucket, NAMED)
        won[name] = 0
        while won[name] < 100:
            head = ledger.head()
            run = f"{name}-{won[name]}"
            if head.open is not None:
                continue
            entry = ledger.append(opened(run), after=head)
            if entry is None:
                continue
            after = Head(sequence=entry.sequence, digest=entry.digest)
            assert ledger.append(closed(run, entry.sequence), after=after) is not None, "the environment was ours"
            won[name] += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    ledger = Ledger(bucket, NAMED)
    runs = [run.opened.run for run in last_runs(ledger, 0)]
    assert sorted(runs) == sorted(f"{name}-{number}" for name in ("one", "two") for number in range(100))
    assert len(ledger.sequences()) == 400
    assert problems(ledger) == []


# --- what is known of runs ----------------------------------------------------------------------------------------


def test_a_run_is_an_opening_and_a_closing_entry() -> None:
    """Without the second one it is open; the document has both."""
    ledger = filled(MemoryBucket(), 1)
    open_run(ledger, "at work")
    first, second = last_runs(ledger, 20)
    assert (first.number, first.outcome, first.document()["seconds"]) == (1, "ok", 2.5)
    assert (second.number, second.outcome, second.document()["closed"]) == (3, "open", None)
    assert first.document()["who"] == "mira@build-7"


def test_the_runs_of_a_bundle_are_found_with_how_they_ended() -> None:
    """Applied twice is refused by it, and one that was killed may be continued."""
    ledger = Ledger(MemoryBucket(), NAMED)
    note = RunNote(plan_id="p-1", plan_digest="d" * 64, approvals=("ana", "bo"), freeze="weekend", reason="outage")
    past_run(ledger, "one", outcome="killed", **note.fields())
    past_run(ledger, "other")
    past_run(ledger, "two", **note.fields())
    planned = dt.datetime(2026, 11, 25, 11, tzinfo=dt.UTC)
    found = [run for run in runs_since(ledger, planned) if run.plan.get("digest") == "d" * 64]
    assert [(run.opened.run, run.outcome) for run in found] == [("one", "killed"), ("two", "ok")]
    assert found[0].document()["approvals"] == ["ana", "bo"]
    assert found[0].document()["override"] == {"freeze": "weekend", "reason": "outage"}
    assert runs_since(ledger, planned + dt.timedelta(days=2)) == []


def test_half_a_run_at_the_edge_of_what_is_read_tells_nothing() -> None:
    """A closing entry whose opening one was not read is no run."""
    ledger = filled(MemoryBucket(), 2)
    assert [run.number for run in join(ledger.entries([2, 3, 4]))] == [3]


# --- verification ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_changed_entry_is_found(number: int) -> None:
    """Whichever it is: the next one, or the head, knows another digest of it."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    change(bucket, key(number), who="somebody else")
    assert [where for where, text in problems(ledger) if "was changed" in text] == [key(number)]


@pytest.mark.parametrize("number", [1, 3, 4])
def test_a_missing_entry_is_found(number: int) -> None:
    """By the gap; a closing entry that is left alone is said as well."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    del bucket.objects[key(number)]
    assert (key(number), "is missing") in problems(ledger)


def test_a_tail_that_was_cut_off_is_found() -> None:
    """The head knows how far it went; every entry that is gone has its key."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    for number in (5, 6):
        del bucket.objects[key(number)]
    assert problems(ledger) == [(key(number), "is missing: the ledger had 6 entries") for number in (5, 6)]


def test_all_of_it_gone_is_found() -> None:
    """As long as the head is left."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 1)
    for number in (1, 2):
        del bucket.objects[key(number)]
    assert [where for where, _ in problems(ledger)] == [key(1), key(2)]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_an_entry_that_is_no_json_is_found(text: bytes) -> None:
    """And named once for it, however else it does not fit."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    bucket.objects[key(3)] = Object(text, "9", bucket.objects[key(3)].modified)
    assert [where for where, said in problems(ledger) if said == "cannot be read as an entry"] == [key(3)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"process": ["x"]},
        {"plan": "x"},
        {"override": 1},
        {"approvals": 1},
        {"time": "2026-11-25T12:00:00"},
        {"time": "noon"},
        {"opened": "1"},
        {"ci": "x"},
    ],
)
@pytest.mark.parametrize("number", [5, 6])
def test_an_entry_of_another_shape_cannot_be_read(number: int, wrong: dict[str, Any]) -> None:
    """It is named, and whoever lists runs or looks for the last one does not stumble over it."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    change(bucket, key(number), **wrong)
    assert (key(number), "cannot be read as an entry") in problems(ledger)
    for run in (*last_runs(ledger, 0), *runs_since(ledger, NOON)):
        assert run.document()["outcome"] in {"ok", "open", "unreadable"}
        assert isinstance(run.plan, dict)
    assert ledger.head().sequence == 6


NOON = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schema": 2}, "has schema 2, known is 1"),
        ({"sequence": 7}, "says that it is entry 7 of `development`"),
        ({"environment": "production"}, "says that it is entry 3 of `production`"),
        ({"event": "eaten"}, "neither opens nor closes a run"),
    ],
)
def test_an_entry_that_belongs_elsewhere_is_found(values: dict[str, Any], said: str) -> None:
    """Copied from another ledger, or written by a newer version."""
    bucket = MemoryBucket()
    ledger = filled(bucket)
    change(bucket, key(3), **values)
    assert (key(3), said) in problems(ledger)


def test_an_end_without_a_beginning_is_found() -> None:
    """Of a run that nobody opened, and of one that was closed before."""
    ledger = filled(MemoryBucket(), 1)
    assert ledger.append(closed("never", 9), after=ledger.head()) is not None
    assert problems(ledger) == [(key(3), "closes run never, which did not open as entry 9")]
    assert ledger.append(closed("run-0", 1), after=ledger.head()) is not None
    assert (key(4), "closes run run-0, which did not open as entry 1") in problems(ledger)


def test_two_open_runs_are_found() -> None:
    """The one that opened although the other was at work."""
    ledger = Ledger(MemoryBucket(), NAMED)
    first = open_run(ledger, "one")
    after = Head(sequence=first.sequence, digest=first.digest)
    assert ledger.append(opened("two"), after=after) is not None
    assert problems(ledger) == [(key(2), "opens a run while entry 1 was open")]


def test_nothing_is_done_on_top_of_a_ledger_whose_open_entry_is_gone() -> None:
    """The head says that somebody is at work, and nobody can say who."""
    bucket = MemoryBucket()
    ledger = filled(bucket, 1)
    open_run(ledger, "at work")
    del bucket.objects[key(3)]
    with pytest.raises(Damaged) as caught:
        ledger.head()
    assert key(3) in str(caught.value)
    assert "inv history --env development --verify" in (caught.value.hint or "")


def test_an_entry_that_cannot_be_read_counts_as_open() -> None:
    """Better nobody works on the environment than two."""
    bucket = MemoryBucket()
    ledger = Ledger(bucket, NAMED)
    open_run(ledger, "at work")
    bucket.objects[key(1)] = Object(b"{", "2", bucket.objects[key(1)].modified)
    head = ledger.head()
    assert head.open is not None
    assert head.open.run == ""


def test_other_environments_have_ledgers_of_their_own(tmp_path: Path) -> None:
    """One of a name that begins like another's too."""
    bucket = MemoryBucket()
    for name in ("pr-1", "pr-12"):
        past_run(Ledger(bucket, Named(name, "cloudflare")), f"in {name}")
    assert [run.opened.run for run in last_runs(Ledger(bucket, Named("pr-1", "cloudflare")), 0)] == ["in pr-1"]
