"""Copies of states: named by content, kept once, found out when changed, encrypted if wished, and pruned with care."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from deployer.adapters.state import Cipher, Object
from deployer.errors import Damaged
from deployer.steps.state_copies import KEPT, StateCopies
from tests.support.buckets import MemoryBucket, state_in, terraform_state

KEY = "terraform/development/site.tfstate"
PREFIX = "copies/terraform/development/site/"
SECRET = "a secret of thirty-two characters"


def text(*, serial: int = 1, **more: Any) -> bytes:
    """A state."""
    return json.dumps(terraform_state(("cloudflare_r2_bucket", {"id": "b"}), serial=serial, **more)).encode()


def copies(bucket: MemoryBucket, secret: str | None = None, **more: Any) -> StateCopies:
    """The copies of one stack, plain or encrypted."""
    return StateCopies(state=state_in(bucket), cipher=lambda: Cipher(secret) if secret else None, **more)


def test_a_copy_is_named_by_what_it_holds() -> None:
    """Lineage, serial and digest; the same state again is the same copy."""
    bucket = MemoryBucket()
    key = copies(bucket).keep(text(serial=7))
    assert key.startswith(f"{PREFIX}5d1f2c3e-00000007-")
    assert key.endswith(".tfstate")
    assert copies(bucket).keep(text(serial=7)) == key
    assert bucket.writes == [key]
    assert bucket.objects[key].body == text(serial=7)


def test_a_lineage_that_is_no_uuid_is_named_by_its_digest() -> None:
    """A name must not be able to leave its folder."""
    key = copies(MemoryBucket()).keep(text(lineage="../../x"))
    assert "/".join(key.split("/")[:-1]) + "/" == PREFIX
    assert ".." not in key


@pytest.mark.parametrize("secret", [None, SECRET], ids=["plain", "encrypted"])
def test_what_was_kept_is_read(secret: str | None) -> None:
    """Byte for byte, newest first; an encrypted one shows nothing of what it holds."""
    bucket = MemoryBucket()
    there = copies(bucket, secret)
    for serial in (1, 3, 2):
        there.keep(text(serial=serial))
    found = there.newest_first()
    assert [copy.serial for copy in found] == [2, 3, 1]
    assert [there.read(copy) for copy in found] == [text(serial=serial) for serial in (2, 3, 1)]
    assert {copy.key_id is not None for copy in found} == {secret is not None}
    assert any(b"cloudflare" in each.body for each in bucket.objects.values()) is (secret is None)


def test_both_kinds_are_read_by_who_has_the_key() -> None:
    """A key that is set later does not lose what was kept before."""
    bucket = MemoryBucket()
    copies(bucket).keep(text(serial=1))
    copies(bucket, SECRET).keep(text(serial=2))
    assert [copies(bucket, SECRET).read(copy) for copy in copies(bucket).newest_first()] == [
        text(serial=2),
        text(serial=1),
    ]


def test_another_key_is_told_from_a_changed_byte() -> None:
    """Both are damage; without any key it is said that there is one."""
    bucket = MemoryBucket()
    key = copies(bucket, SECRET).keep(text())
    (copy,) = copies(bucket).newest_first()
    with pytest.raises(Damaged, match="the key of this run is"):
        copies(bucket, SECRET[::-1]).read(copy)
    with pytest.raises(Damaged, match="copy_key` is not set"):
        copies(bucket).read(copy)
    whole = bucket.objects[key].body
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        bucket.objects[key] = Object(bytes(changed), "2")
        with pytest.raises(Damaged):
            copies(bucket, SECRET).read(copy)


def test_a_copy_under_another_name_is_refused() -> None:
    """An encrypted one belongs to its key, so that an old one cannot be passed off as a newer one."""
    bucket = MemoryBucket()
    there = copies(bucket, SECRET)
    old, new = there.keep(text(serial=1)), there.keep(text(serial=2))
    bucket.objects[new] = bucket.objects[old]
    with pytest.raises(Damaged, match="moved here"):
        there.read(there.newest_first()[0])


@pytest.mark.parametrize("wrong", [b"", text(serial=9), text()[:-1]], ids=["empty", "another state", "cut off"])
def test_a_plain_copy_that_was_changed_is_found(wrong: bytes) -> None:
    """When it is read, and when it would be relied on as a copy that is there already."""
    bucket = MemoryBucket()
    key = copies(bucket).keep(text())
    bucket.objects[key] = Object(wrong, "2")
    (copy,) = copies(bucket).newest_first()
    with pytest.raises(Damaged, match="changed or cut off") as caught:
        copies(bucket).read(copy)
    assert key in str(caught.value)
    with pytest.raises(Damaged):
        copies(bucket).keep(text())


def test_a_new_key_makes_new_copies() -> None:
    """A state that has not changed since the key was replaced can be read with the new one as well."""
    bucket = MemoryBucket()
    first, second = (copies(bucket, secret).keep(text()) for secret in (SECRET, SECRET[::-1]))
    assert first != second
    assert set(bucket.objects) == {first, second}


def test_what_is_replaced_is_kept_apart() -> None:
    """Also what is no state; what has a copy already needs no second one."""
    bucket = MemoryBucket()
    there = copies(bucket)
    there.keep(text(serial=1))
    there.keep(text(serial=1), replaced=True)
    assert len(bucket.objects) == 1
    there.keep(b"{", replaced=True)
    there.keep(text(serial=2), replaced=True)
    found = there.newest_first()
    assert [(copy.replaced, copy.readable, copy.serial) for copy in found] == [
        (True, True, 2),
        (True, False, 0),
        (False, True, 1),
    ]
    assert there.read(found[1]) == b"{"


def test_other_objects_are_no_copies() -> None:
    """Whatever lies in the folder."""
    bucket = MemoryBucket()
    for name in ("notes.txt", "5d1f2c3e-1-0.tfstate", "x/5d1f2c3e-00000001-0123456789ab.tfstate.enc"):
        bucket.put_json(PREFIX + name, {})
    assert copies(bucket).newest_first() == []


def aged(bucket: MemoryBucket, days: int) -> None:
    """Everything that is there was written so many days before what comes next."""
    for key, each in bucket.objects.items():
        bucket.objects[key] = Object(each.body, each.etag, each.modified - dt.timedelta(days=days))


def test_old_copies_go_when_there_are_newer_ones() -> None:
    """By age against the newest one; the newest ten stay however old they are."""
    bucket = MemoryBucket()
    there = copies(bucket, days=90)
    for serial in range(1, 16):
        there.keep(text(serial=serial))
    aged(bucket, 1000)
    assert there.prune() == 0, "nobody has changed this state for long: nothing goes"
    there.keep(text(serial=16))
    assert there.prune() == 16 - KEPT
    assert [copy.serial for copy in there.newest_first()] == list(range(16, 6, -1))
    assert there.prune() == 0


def test_young_copies_stay_however_many() -> None:
    """A busy day loses nothing."""
    bucket = MemoryBucket()
    there = copies(bucket, days=1)
    for serial in range(1, 40):
        there.keep(text(serial=serial))
    assert there.prune() == 0
