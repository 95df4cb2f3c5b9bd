"""Whether a ledger is what was written: no entry changed, none missing, no tail cut off, no end without a beginning.

Whoever may write the bucket can write a whole ledger anew, head and all: this finds what somebody changed in passing,
not what somebody forged with care.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer.errors import Damaged
from deployer.steps.ledger import CLOSED, OPENED, SCHEMA, Entry, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with the object at `key`."""

    key: str
    text: str


def verify(ledger: Ledger) -> list[Problem]:
    """Every problem, in the order of the entries; empty if the ledger is whole."""
    # First the head: what is appended while we read is behind it, and not missing.
    noted, unreadable = _noted(ledger)
    entries = ledger.entries()
    if noted is None and entries:
        # Written since, if these entries are younger than our look at it.
        noted, unreadable = _noted(ledger)
    problems = [*_single(ledger, entries), *_chain(ledger, entries), *_pairs(entries)]
    problems += [Problem(key=ledger.head_key, text="is no head of a ledger")] if unreadable else []
    problems += [] if unreadable else _head(ledger, noted, entries)
    order = {ledger.key(sequence): sequence for sequence in range(1, _last(noted, entries) + 1)}
    return sorted(problems, key=lambda problem: order.get(problem.key, len(order) + 1))


def _noted(ledger: Ledger) -> tuple[tuple[int, str, str] | None, bool]:
    """What the head says, and whether it is something else."""
    try:
        return ledger.noted_head(), False
    except Damaged:
        return None, True


def _last(noted: tuple[int, str, str] | None, entries: Sequence[Entry]) -> int:
    return max([entry.sequence for entry in entries] + ([noted[0]] if noted else []), default=0)


def _single(ledger: Ledger, entries: Sequence[Entry]) -> Iterator[Problem]:
    """Each entry by itself."""
    for entry in entries:
        body = entry.body
        if not body:
            yield Problem(key=entry.key, text="cannot be read as an entry")
        elif body.get("schema") != SCHEMA:
            yield Problem(key=entry.key, text=f"has schema {body.get('schema')}, known is {SCHEMA}")
        elif body.get("sequence") != entry.sequence or body.get("environment") != ledger.environment:
            yield Problem(
                key=entry.key,
                text=f"says that it is entry {body.get('sequence')} of `{body.get('environment')}`",
            )
        elif body.get("event") not in (OPENED, CLOSED) or not entry.run:
            yield Problem(key=entry.key, text="neither opens nor closes a run")


def _chain(ledger: Ledger, entries: Sequence[Entry]) -> Iterator[Problem]:
    """Each entry against the one that follows, which knows its digest."""
    digest: str | None = ""
    expected = 1
    before: Entry | None = None
    for entry in entries:
        for missing in range(expected, entry.sequence):
            yield Problem(key=ledger.key(missing), text="is missing")
            digest = None
        if digest is not None and entry.body and entry.body.get("previous") != digest:
            if before is None:
                yield Problem(key=entry.key, text="is the first one and names one before it")
            else:
                yield Problem(key=before.key, text=f"was changed: entry {entry.sequence} knows another digest of it")
        digest, expected, before = entry.digest, entry.sequence + 1, entry


def _pairs(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Runs open and close in turn."""
    readable = {entry.sequence: entry for entry in entries if entry.body}
    closed: set[object] = set()
    for sequence, entry in readable.items():
        if entry.body.get("event") == CLOSED:
            number = entry.body.get("opened")
            opened = readable.get(number) if isinstance(number, int) else None
            if opened is None and number in {each.sequence for each in entries}:
                continue  # it cannot be read, which is said already
            if opened is None or not opened.opens or opened.run != entry.run or number in closed:
                yield Problem(key=entry.key, text=f"closes run {entry.run}, which did not open as entry {number}")
            closed.add(number)
        elif sequence - 1 in readable and readable[sequence - 1].opens:
            yield Problem(key=entry.key, text=f"opens a run while entry {sequence - 1} was open")


def _head(ledger: Ledger, noted: tuple[int, str, str] | None, entries: Sequence[Entry]) -> Iterator[Problem]:
    """The head against the entries; it may lag behind them."""
    last = entries[-1].sequence if entries else 0
    if noted is None:
        if last > 1:
            # After the very first entry its writer may have been killed.
            yield Problem(key=ledger.head_key, text="is missing: nobody knows whether the end of the ledger is there")
        return
    sequence, digest, _ = noted
    for cut in range(last + 1, sequence + 1):
        yield Problem(key=ledger.key(cut), text=f"is missing: the ledger had {sequence} entries")
    found = next((entry for entry in entries if entry.sequence == sequence), None)
    follower = next((entry for entry in entries if entry.sequence == sequence + 1), None)
    # With a follower the chain has told.
    if found is not None and follower is None and found.digest != digest:
        yield Problem(key=found.key, text="was changed: the head knows another digest of it")
