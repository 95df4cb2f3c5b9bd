"""Where there is no room for another environment: who could go, and who is made to go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.steps.ledger import Ledger
from deployer.words import Named
from tests.support.ledgers import ELSEWHERE, open_run
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
        "inv pr.down --env pr-3",
        "inv pr.down --env pr-2",
        "inv pr.down --env pr-4",
    ]
    assert desk.store(12).read().lease is None
    assert desk.pr("up", number=2).code == 0


def test_one_at_work_is_not_among_them(desk: Desk) -> None:
    """A run of another machine holds it, however old its lease is."""
    for number in (3, 4):
        desk.pr("up", number=number)
    desk.bucket.wait(hours=100)
    open_run(Ledger(desk.bucket, Named("pr-3", "cloudflare")), "far", ELSEWHERE)
    full(desk, evict=True)
    ran = desk.pr("up", "--json")

    assert ran.code == 15
    assert [line.split("`")[1] for line in json.loads(ran.out)["error"]["details"][1:]] == ["inv pr.down --env pr-4"]


def test_what_is_there_takes_no_more_room(desk: Desk) -> None:
    """Made by `inv deploy`, so that it has a state and no lease."""
    desk.bucket.put_json("terraform/pr-12/site.tfstate", {"version": 4, "resources": []})
    full(desk)

    assert desk.pr("up").code == 0


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
    monkeypatch.setattr(
        "deployer.adapters.cloudflare.CloudflareApi.total",
        lambda _api, path: 500 - len([n for n in (2, 3) if not made(desk, n)]) if path.endswith("scripts") else 0,
    )
    predicted = desk.pr("up", "--evict", "--check")
    assert "note: `pr-2` would make room, it is expired" in predicted.err
    assert made(desk, 2) == ["one", "two"]
    ran = desk.pr("up", "--evict")

    assert ran.code == 0, ran.err
    assert (made(desk, 1), made(desk, 2), made(desk, 3)) == (["one", "two"], [], ["one", "two"])
    lease = desk.store(2).read().lease
    assert lease is not None
    assert lease.closed is not None
    assert lease.closed.why == "evicted"
    assert lease.closed.removed is not None
    assert made(desk) == ["one", "two"]


def test_nobody_may_be_evicted(desk: Desk) -> None:
    """All are fresh or pinned: it is refused, and nothing goes."""
    desk.pr("up", number=1)
    desk.pr("up", number=2)
    desk.pr("pin", number=2)
    full(desk, evict=True)

    assert desk.pr("up", "--evict").code == 15
    assert (made(desk, 1), made(desk, 2)) == (["one", "two"], ["one", "two"])


@pytest.mark.parametrize(
    ("what", "count", "said"),
    [
        ("scripts", 500, "Workers: 500 of 500, 1 more needed"),
        ("domains", 100, "custom domains: 100 of 100, 1 more needed"),
        ("dns_records", 200, "DNS records: 200 of 200, 1 more needed"),
        ("convex", 40, "Convex deployments: 40 of 40, 1 more needed"),
    ],
)
def test_each_provider_is_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, what: str, count: int, said: str
) -> None:
    """One less is enough; the full one alone is named; without a number in the inventory nobody counts."""
    convex = {"has": 0}
    monkeypatch.setattr("deployer.adapters.convex.ConvexManagement.count", lambda _management: convex["has"])
    monkeypatch.setattr("deployer.adapters.convex.ConvexManagement.previews_called", lambda _management, _name: [])
    monkeypatch.setenv("CONVEX_MANAGEMENT_TOKEN", "made-up-credential")

    def has(number: int) -> None:
        convex["has"] = number if what == "convex" else 0
        desk.counts = {what: number}

    has(count)
    ran = desk.pr("up", "--json")
    assert ran.code == 15
    assert json.loads(ran.out)["error"]["details"] == [said, "every other environment is pinned or at work"]
    has(count - 1)
    assert desk.pr("up", "--check").code == 0
    has(count)
    inventory = desk.root / "environments.toml"
    lines = [line for line in inventory.read_text().splitlines() if not line.startswith(_KEYS[what])]
    inventory.write_text("\n".join(lines) + "\n")
    assert desk.pr("up").code == 0


_KEYS = {
    "scripts": "workers = 500",
    "domains": "custom_domains =",
    "dns_records": "dns_records =",
    "convex": "convex_deployments =",
}


def test_without_the_token_previews_are_not_counted_and_that_is_said(desk: Desk) -> None:
    """Once, however often it matters."""
    ran = desk.pr("up")

    assert ran.code == 0
    assert ran.err.count("no CONVEX_MANAGEMENT_TOKEN") == 1
