"""Where there is no room for another environment: who could go, and who is made to go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pr_desk import Desk, made, make_desk
from tests.support.rehearsal import replace


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return make_desk(tmp_path, capsys, monkeypatch)


def full(desk: Desk, *, evict: bool = False) -> None:
    """There is room for no further Worker; evicting is allowed or not."""
    desk.counts["scripts"] = 500
    if evict:
        replace(desk.root / "environments.toml", "evict = false", "evict = true")


def test_no_room_says_who_could_go(desk: Desk) -> None:
    """Expired first, then the oldest; neither the pinned one nor one at work; what is there is updated all the same."""
    for number in (1, 2, 3):
        desk.pr("up", number=number)
        desk.bucket.wait(hours=1)
    desk.pr("pin", number=1)
    desk.bucket.wait(hours=100)
    desk.pr("up", number=2)
    desk.pr("up", number=4)
    full(desk)
    ran = desk.pr("up", "--json")

    assert ran.code == 15
    error = json.loads(ran.out)["error"]
    assert error["details"][0] == "Workers: 500 of 500, 1 more needed"
    assert [line.split("`")[1] for line in error["details"][1:]] == [
        "inv pr.down --number 3",
        "inv pr.down --number 2",
        "inv pr.down --number 4",
    ]
    assert desk.store(12).read().lease is None
    assert desk.pr("up", number=2).code == 0


def test_evicting_has_to_be_allowed(desk: Desk) -> None:
    """By the inventory."""
    desk.pr("up", number=3)
    desk.bucket.wait(hours=100)
    full(desk)

    ran = desk.pr("up", "--evict")
    assert ran.code == 11
    assert "lease.evict is false" in ran.err
    assert made(desk, 3) == ["one", "two"]


def test_evicting_takes_as_few_as_needed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has expired for longest, and no fresh, pinned or working one."""
    for number in (1, 2, 3):
        desk.pr("up", number=number)
        desk.bucket.wait(hours=1)
    desk.pr("pin", number=1)
    desk.bucket.wait(hours=100)
    full(desk, evict=True)
    removed = desk.store(2).mark_removed
    monkeypatch.setattr(
        "deployer.adapters.cloudflare.CloudflareApi.total",
        lambda _api, path: 500 - len([n for n in (2, 3) if not made(desk, n)]) if path.endswith("scripts") else 0,
    )
    ran = desk.pr("up", "--evict")

    assert ran.code == 0, ran.err
    assert removed()
    assert (made(desk, 1), made(desk, 2), made(desk, 3)) == (["one", "two"], [], ["one", "two"])
    lease = desk.store(2).read().lease
    assert lease is not None
    assert lease.closed is not None
    assert lease.closed.why == "evicted"
    assert made(desk) == ["one", "two"]


def test_nobody_may_be_evicted(desk: Desk) -> None:
    """All are fresh or pinned: it is refused, and nothing goes."""
    desk.pr("up", number=1)
    desk.pr("up", number=2)
    desk.pr("pin", number=2)
    full(desk, evict=True)

    assert desk.pr("up", "--evict").code == 15
    assert (made(desk, 1), made(desk, 2)) == (["one", "two"], ["one", "two"])
