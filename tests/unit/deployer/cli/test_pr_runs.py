"""pr.* from flags to exit code, with small steps in place of the playbooks and a bucket in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.steps.environment_lease import CLOSED
from tests.support.leases import wish
from tests.support.pr_desk import Desk, GoneStep, made, make_desk
from tests.support.rehearsal import replace


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return make_desk(tmp_path, capsys, monkeypatch)


def test_up_twice_and_down_twice(desk: Desk) -> None:
    """The address alone on stdout; the second time there is nothing to do; the lease is told."""
    up, again = desk.pr("up"), desk.pr("up", "--json")
    assert (up.code, up.out) == (0, "https://pr-12.vibechecc.app\n")
    assert "note: GitHub is not asked: no GITHUB_TOKEN or GH_TOKEN" in up.err
    document = json.loads(again.out)
    assert (document["command"], document["environment"], document["recap"]["changed"]) == ("pr.up", "pr-12", 0)
    assert document["lease"]["number"] == 12
    assert document["lease"]["closed"] is None

    down, again = desk.pr("down"), desk.pr("down", "--json")
    assert down.code == 0
    assert made(desk) == []
    assert json.loads(again.out)["recap"]["changed"] == 0
    assert json.loads(again.out)["removed"] is True


def test_check_writes_nothing(desk: Desk) -> None:
    """Neither a lease nor a tombstone."""
    assert desk.pr("up", "--check").code == 0
    assert desk.pr("down", "--check").code == 0
    assert desk.bucket.objects == {}
    desk.pr("down")
    refused = desk.pr("up", "--check")

    assert refused.code == 14, "what the run would say, it says"
    assert "removed by hand" in refused.err


def test_one_that_is_closed_meanwhile_is_taken_back(desk: Desk) -> None:
    """The exit code and the words of the tombstone, and what became of what it had made."""

    def closes() -> None:
        desk.store().close(wish(run="down", who="mira@laptop"), why=CLOSED)

    desk.after_first = closes
    ran = desk.pr("up", "--json")

    assert ran.code == 14
    document = json.loads(ran.out)
    assert document["error"]["reason"] == "environment-closed"
    assert document["error"]["details"] == ["what it had made was taken back"]
    assert document["taken_back"] is True
    assert made(desk) == []
    assert "by mira@laptop (pull request closed)" in " ".join(ran.err.split())
    history = desk.checkout.inv("history", "--env", "pr-12", "--json")
    assert [(run["command"], run["outcome"]) for run in json.loads(history.out)["runs"]] == [
        ("inv pr.up --number 12", "failed"),
        ("inv pr.down --number 12", "ok"),
    ]


def test_what_cannot_be_taken_back_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that goes on."""

    def closes() -> None:
        desk.store().close(wish(run="down"), why=CLOSED)
        monkeypatch.setattr(GoneStep, "apply", lambda *_: (_ for _ in ()).throw(OSError("x")))

    desk.after_first = closes
    ran = desk.pr("up", "--json")

    assert ran.code == 14
    document = json.loads(ran.out)
    assert document["taken_back"] is False
    assert "was not taken back" in document["error"]["details"][0]
    assert "`inv pr.down --env pr-12` removes what is left" in document["error"]["hint"]


@pytest.mark.parametrize(("state", "code", "said"), [("closed", 14, "is closed"), ("merged", 14, "is merged")])
def test_a_pull_request_that_is_not_open(desk: Desk, state: str, code: int, said: str) -> None:
    """Nothing is made for it; it can be removed."""
    desk.pulls[12] = state
    ran = desk.pr("up")
    assert ran.code == code
    assert f"pull request 12 {said}, so nothing is made for it" in ran.err
    assert desk.bucket.objects == {}
    assert desk.pr("down").code == 0


def test_a_tombstone_is_cleared_by_github_or_by_hand(desk: Desk) -> None:
    """Without either it stays."""
    desk.pr("down")
    assert desk.pr("up").code == 14
    assert desk.pr("up", "--reopen").code == 0
    desk.pr("down")
    desk.pulls[12] = "open"

    assert desk.pr("up").code == 0
    assert made(desk) == ["one", "two"]


def test_a_late_removal_of_an_open_one_is_no_failure(desk: Desk) -> None:
    """A workflow says `--unless-open`."""
    desk.pulls[12] = "open"
    desk.pr("up")
    ran = desk.pr("down", "--unless-open", "--json")

    assert ran.code == 0
    assert json.loads(ran.out)["removed"] is False
    assert "pull request 12 is open, so `pr-12` stays" in ran.err
    assert made(desk) == ["one", "two"]


@pytest.mark.parametrize(
    "key", ["prod:polished-heron-217|x", "dev:brisk-otter-482|x", "preview:other:vibechecc|x", "x"]
)
def test_a_key_that_is_not_for_previews_is_refused_first(desk: Desk, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Before GitHub is asked, and before anything is written."""
    monkeypatch.setenv("CONVEX_PREVIEW_DEPLOY_KEY", key)
    monkeypatch.setattr("deployer.playbooks.ephemeral.Pulls.require_open", lambda _pulls: pytest.fail("asked"))
    assert desk.pr("up").code == 11
    assert desk.bucket.objects == {}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "needs --number"),
        (("--number", "0"), "is not a number from 1 to"),
        (("--number", "-1"), "is not a number from 1 to"),
        (("--number", "12345678"), "is not a number from 1 to"),
        (("--number", "x"), "is not a number from 1 to"),
        (("--number", "12", "--env", "production"), "no template is called `production`"),
        (("--number", "12", "--env", "pr-13"), "no template is called `pr-13`"),
        (("--env", "production"), "needs --number"),
    ],
)
def test_a_number_that_is_none(desk: Desk, flags: tuple[str, ...], said: str) -> None:
    """Production is no pull request."""
    for verb in ("up", "down", "show", "pin", "extend"):
        ran = desk.checkout.inv(f"pr.{verb}", *flags)
        assert ran.code == 2
        assert said in ran.err
    assert desk.bucket.objects == {}


def test_one_of_several_templates(desk: Desk) -> None:
    """By its name; the number alone is not enough then."""
    file = desk.root / "environments.toml"
    other = '\n[environments."demo-{number}"]\nkind = "ephemeral"\nhost = "demo-{number}.{zone}"\n'
    file.write_text(f'{file.read_text()}{other}convex = {{ deploy_key = {{ env = "CONVEX_PREVIEW_DEPLOY_KEY" }} }}\n')

    unclear = desk.pr("up")
    assert unclear.code == 2
    assert "several templates, and --env does not say which" in unclear.err
    assert "`pr`, `demo`" in unclear.err
    for flag in ("demo", "demo-12", "demo-{number}"):
        assert desk.pr("up", "--env", flag).code == 0
    assert desk.checkout.inv("pr.show", "--env", "demo-12").code == 0
    assert [key for key in desk.bucket.objects if key.startswith("leases/")] == ["leases/demo-12.json"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'host = "dev.{zone}"',
            'host = "pr-12.{zone}"',
            "host `pr-12.vibechecc.app` of `pr-12` belongs to `development`",
        ),
        (
            "[environments.development]\n",
            '[environments.development]\nworker = { name = "vibechecc-pr-12" }\n',
            "Worker",
        ),
        (
            "[environments.development]\n",
            '[environments.development]\nworker = { kv = { CACHE = "vibechecc-pr-12-cache" } }\n',
            "KV namespace",
        ),
    ],
)
def test_names_that_belong_to_somebody_else(desk: Desk, old: str, new: str, said: str) -> None:
    """Of this number only: the inventory as a whole is right."""
    replace(desk.root / "environments.toml", old, new)

    for verb in ("up", "down"):
        ran = desk.pr(verb)
        assert ran.code == 2
        assert said in " ".join(ran.err.split())
        assert "belongs to `development` as well" in " ".join(ran.err.split())
    assert desk.bucket.objects == {}
    assert desk.pr("up", number=13).code == 0


def test_extend_and_pin(desk: Desk) -> None:
    """What they say, and what they refuse."""
    assert desk.pr("pin").code == 2
    desk.pr("up")
    before = json.loads(desk.pr("show", "--json").out)["lease"]
    longer = json.loads(desk.pr("extend", "--hours", "200", "--json").out)["lease"]
    pinned = json.loads(desk.pr("pin", "--json").out)["lease"]
    shown = desk.pr("show")
    freed = json.loads(desk.pr("pin", "--off", "--json").out)["lease"]

    assert longer["expires"] > before["expires"]
    assert (pinned["state"], freed["state"]) == ("pinned", "open")
    assert "pinned" in shown.out
    assert freed["expires"] == longer["expires"]
    assert desk.pr("extend", "--hours", "0").code == 2
    desk.pr("down")
    assert desk.pr("extend").code == 14


def test_list_says_what_there_is(desk: Desk) -> None:
    """Tombstones only where something may be left, or if asked for; one that cannot be read is named."""
    for number in (3, 12):
        desk.pr("up", number=number)
    desk.pr("down", number=3)
    desk.store(4).close(wish(4))
    desk.bucket.put_json("leases/pr-5.json", {"schema": 99})
    listed = json.loads(desk.checkout.inv("pr.list", "--json").out)
    everything = desk.checkout.inv("pr.list", "--closed")

    assert [(each["number"], each["state"]) for each in listed["leases"]] == [(4, "closing"), (12, "open")]
    assert listed["unreadable"] == ["pr-5"]
    assert [line.split()[:2] for line in everything.out.splitlines()[1:]] == [
        ["pr-3", "closed"],
        ["pr-4", "closing"],
        ["pr-12", "open"],
    ]
