"""State by state, and the states with each other: every way to be wrong has a line with a place and a next command."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from deployer.adapters.state import Cipher, Object
from deployer.inventory.state_keys import owner_of
from deployer.steps.ledger import CLOSED, OPENED, Head, Ledger
from deployer.steps.state_check import Problem, StateCheck, look
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_object import StateObject
from deployer.words import Named
from tests.support.buckets import MemoryBucket, state_in, terraform_state

SITE = "terraform/development/site.tfstate"
KNOWN = {"development": ("site", "hosts"), "production": ("zone", "site", "hosts")}
LINEAGE = "5d1f2c3e-0000-4000-8000-000000000001"


def text(*, serial: int = 3, kind: str = "t", **more: Any) -> bytes:
    """A state."""
    return json.dumps(terraform_state((kind, {"id": "b"}), serial=serial, **more)).encode()


def copies(state: StateObject, secret: str | None = None) -> StateCopies:
    """The copies of a state."""
    return StateCopies(state=state, cipher=lambda: Cipher(secret) if secret else None)


def put(bucket: MemoryBucket, key: str, body: bytes, *, kept: bool = True) -> None:
    """A state with its copy."""
    bucket.objects[key] = Object(body, "1")
    owner = owner_of(key) if kept else None
    if owner:
        copies(state_in(bucket, *owner)).keep(body)


def ran(bucket: MemoryBucket, states: dict[str, Any], *, event: str = CLOSED, found: bool = False) -> None:
    """A run that has left these states, by the ledger."""
    ledger = Ledger(bucket, Named("development", "cloudflare"))
    opened = ledger.append({"event": OPENED, "run": "r"}, after=Head())
    assert opened is not None
    if event == CLOSED:
        told = {"found": {"terraform": states}} if found else {"found": None, "terraform": states}
        ledger.append({"event": CLOSED, "run": "r", "opened": 1, **told}, after=Head(sequence=1, digest=opened.digest))


def check(bucket: MemoryBucket, environment: str | None = "development") -> tuple[list[Problem], ...]:
    """Problems and notes."""
    made = StateCheck(found=look(bucket, "cloudflare"), stacks=KNOWN.get, known=tuple(KNOWN), copies=copies)
    said = list(made.problems(environment))
    return tuple([each for each in said if each.severity == kind] for kind in ("problem", "note"))


def only(problems: Sequence[Problem]) -> Problem:
    """The one problem that there is, with its place and its hint."""
    (problem,) = problems
    assert problem.place
    assert problem.hint
    return problem


def test_states_that_are_whole() -> None:
    """Also when nothing was ever deployed."""
    bucket = MemoryBucket()
    assert check(bucket) == ([], [])
    put(bucket, SITE, text())
    ran(bucket, {"site": {"serial": 3, "lineage": LINEAGE}, "hosts": None})
    assert check(bucket) == ([], [])
    assert check(bucket, None) == ([], [])


def then(*deeds: Callable[[MemoryBucket], None]) -> Callable[[MemoryBucket], None]:
    """One after the other."""

    def all_of_them(bucket: MemoryBucket) -> None:
        for deed in deeds:
            deed(bucket)

    return all_of_them


def site(body: bytes, *, kept: bool = True) -> Callable[[MemoryBucket], None]:
    """The state of the site is this."""
    return lambda bucket: put(bucket, SITE, body, kept=kept)


def left(serial: int, lineage: str = LINEAGE, *, found: bool = False) -> Callable[[MemoryBucket], None]:
    """The last run has left this state of the site."""
    return lambda bucket: ran(bucket, {"site": {"serial": serial, "lineage": lineage}}, found=found)


WHOLE = site(text())
WRONG: list[tuple[str, Callable[[MemoryBucket], None], str]] = [
    ("not JSON", site(b"{", kept=False), "is damaged: it is not JSON"),
    ("version", site(b'{"version": 3}', kept=False), "is damaged: it is not a Terraform state"),
    ("no copy", site(text(), kept=False), "has no copy to go back to"),
    (
        "newer",
        then(WHOLE, site(text(serial=4), kept=False)),
        "no copy of this version: serial 4, the newest copy has 3",
    ),
    ("older", then(WHOLE, site(text(serial=2), kept=False)), "is older than its newest copy: serial 2, the copy has 3"),
    ("edited", then(WHOLE, site(text(kind="u"), kept=False)), "was edited: serial 3 as its copy"),
    ("lineage", then(WHOLE, site(text(lineage="ffffffff-1"), kept=False)), "another lineage than its newest copy"),
    ("older than recorded", then(WHOLE, left(9)), "is older than the ledger has on record: serial 3, not 9"),
    ("other lineage recorded", then(WHOLE, left(3, "x")), "is of another lineage than the ledger has on record"),
    ("gone", left(3), "is gone; the ledger has it on record"),
    ("gone after a killed run", left(3, found=True), "is gone"),
    ("lock", lambda bucket: put(bucket, f"{SITE}.tflock", b"locked", kept=False), "a lock that cannot be read"),
    ("former", lambda bucket: put(bucket, "terraform/development/former.tfstate", text()), "belongs to a stack that"),
]


@pytest.mark.parametrize(("make", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_with_one_state(make: Callable[[MemoryBucket], None], said: str) -> None:
    """One problem; the same when the whole bucket is looked at, and none when it is another environment."""
    bucket = MemoryBucket()
    make(bucket)
    assert said in only(check(bucket)[0]).text
    assert check(bucket, "production")[0] == []
    assert said in only(check(bucket, None)[0]).text


def test_the_newest_copy_is_opened() -> None:
    """One that was changed, or was encrypted with another key, is no copy."""
    bucket = MemoryBucket()
    put(bucket, SITE, text())
    (key,) = (key for key in bucket.objects if key.startswith("copies/"))
    bucket.objects[key] = Object(text(serial=8), "2")
    assert "its newest copy: the copy is not what its name says" in only(check(bucket)[0]).text
    bucket = MemoryBucket()
    put(bucket, SITE, text(), kept=False)
    copies(state_in(bucket), "s" * 32).keep(text())
    assert "is encrypted" in only(check(bucket)[0]).text


def test_a_state_of_nobody() -> None:
    """An environment that the inventory does not know, and objects that are neither state nor lock."""
    bucket = MemoryBucket()
    put(bucket, "terraform/staging/site.tfstate", b"{", kept=False)
    put(bucket, "terraform/notes.txt", b"", kept=False)
    problems, _ = check(bucket, None)
    assert [problem.text for problem in problems] == [
        "belongs to an environment that the inventory does not know",
        "is neither a state nor a lock",
    ]


def test_a_thing_in_two_states() -> None:
    """By type, id, and what it lies in; the same word within two zones is two things, a data source is nobody's."""
    bucket = MemoryBucket()

    def state(stack: str, *attributes: dict[str, Any], mode: str = "managed") -> None:
        data = terraform_state(*(("cloudflare_zone_setting", each) for each in attributes))
        for number, resource in enumerate(data["resources"]):
            resource.update(mode=mode, name=f"n{number}")
        put(bucket, f"terraform/{stack}.tfstate", json.dumps(data).encode())

    state("development/site", {"id": "ssl", "zone_id": "1"}, {"id": "tls", "zone_id": "1"}, {"name": "without id"})
    state("production/site", {"id": "ssl", "zone_id": "2"}, {"name": "without id"})
    state("production/hosts", {"id": "ssl", "zone_id": "1"}, mode="data")
    assert check(bucket, None)[0] == []
    state("production/zone", {"id": "ssl", "zone_id": "1"}, {"id": "tls", "zone_id": "1"})
    problem = only(check(bucket, None)[0])
    assert "shares 2 things with terraform/production/zone.tfstate" in problem.text
    assert "inv state.rm" in problem.hint
    assert only(check(bucket, "production")[0]) == problem
    assert only(check(bucket, "development")[0]) == problem


def test_what_is_no_damage_is_a_note() -> None:
    """A lock that somebody holds, and work outside the ledger; while a run is at work nothing is compared with it."""
    bucket = MemoryBucket()
    put(bucket, SITE, text(serial=5))
    ran(bucket, {"site": {"serial": 3, "lineage": LINEAGE}})
    bucket.put_json(f"{SITE}.tflock", {"ID": "1", "Who": "ana@laptop", "Created": "2026-11-22T15:00:00Z"})
    problems, notes = check(bucket)
    assert problems == []
    assert [note.text for note in notes] == [
        "was changed by something that is not in the ledger: serial 5, not 3",
        "is locked by ana@laptop since 2026-11-22T15:00:00Z",
    ]
    bucket = MemoryBucket()
    put(bucket, SITE, text(serial=5))
    ran(bucket, {}, event=OPENED)
    assert check(bucket) == ([], [])
