"""pr.sweep from its flags to what it prints: what was found, what stays, what nobody could look at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.cli import sweep_runs
from deployer.cli.sweep_views import Outcome
from deployer.errors import CredentialsRefused, ServiceFailed
from deployer.playbooks import sweep as playbook
from deployer.playbooks.reporting import Told
from deployer.playbooks.sweep import Survey
from deployer.steps.sweep import Cause, Facts, Finding, Judgement, Kept, Kind, Rules, Thing
from deployer.steps.sweep_listing import Seen
from tests.support.cli import Checkout, make_checkout

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORKER = Thing(kind=Kind.WORKER, name="vibechecc-pr-12", environment="pr-12", number=12)
FOUND = Finding(environment="pr-12", number=12, cause=Cause.EXPIRED, why="its lease ran out 3 h ago", things=(WORKER,))
AT_WORK = Kept(environment="pr-7", number=7, why="a run works on it: `inv pr.up --number 7` of ana", noted=True)
ALIVE = Kept(environment="pr-8", number=8, why="its lease runs for another 2 d")
REFUSED = CredentialsRefused("Cloudflare does not allow this with these credentials (status 403)", place="GET /x")


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout of somebody without any credentials."""
    for name in ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return make_checkout(tmp_path, capsys)


def found(monkeypatch: pytest.MonkeyPatch, *, findings: tuple[Finding, ...] = (FOUND,), unseen: bool = False) -> None:
    """Let a survey have found this."""
    survey = Survey(
        facts=Facts(now=NOW, open=frozenset()),
        rules=Rules(grace=timedelta(), retention=timedelta()),
        judgement=Judgement(findings=findings, kept=(AT_WORK, ALIVE)),
        seen=Seen(things=(WORKER,), unseen=(("DNS records and routes", REFUSED),) if unseen else ()),
        hub=None,
        strays=("old-3",),
    )
    monkeypatch.setattr(playbook, "survey", lambda _wiring, **_options: survey)


def test_wrong_flags_are_refused_before_anything_is_asked(checkout: Checkout) -> None:
    """A name instead of a number, and an exit code for what is not looked at only."""
    for flags in (("--number", "pr-12"), ("--number", "0"), ("--detailed-exitcode",)):
        ran = checkout.inv("pr.sweep", *flags)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert "hint: " in ran.err


def test_missing_credentials_are_all_named(checkout: Checkout) -> None:
    """Nobody sweeps by halves."""
    ran = checkout.inv("pr.sweep", "--check")
    assert ran.code == 4
    assert "3 credentials are missing: CLOUDFLARE_API_TOKEN, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY" in ran.err


def test_a_person_sees_what_goes_and_what_was_left_alone(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on stdout; what is at work, and leases of nobody, as notes; what is simply alive not at all."""
    found(monkeypatch)
    ran = checkout.inv("pr.sweep", "--check")
    assert ran.code == 0
    assert ran.out == "pr-12: expired, its lease ran out 3 h ago; there is: Worker\n"
    assert "note: `pr-7` is left alone: a run works on it" in ran.err
    assert "`old-3` fits no template" in ran.err
    assert "pr-8" not in ran.out + ran.err


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--detailed-exitcode",), 10)])
def test_a_script_sees_the_same(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], code: int
) -> None:
    """One document, and if wanted an exit code that says that there is something to do."""
    found(monkeypatch)
    ran = checkout.inv("pr.sweep", "--check", "--json", *flags)
    document = json.loads(ran.out)
    assert (ran.code, document["outcome"], document["environment"]) == (code, "changes", None)
    assert [each["environment"] for each in document["findings"]] == ["pr-12"]
    assert document["findings"][0]["things"] == [{"kind": "Worker", "name": "vibechecc-pr-12"}]
    assert [each["environment"] for each in document["kept"]] == ["pr-7", "pr-8"]
    assert document["strays"] == ["old-3"]


@pytest.mark.parametrize("findings", [(), (FOUND,)])
def test_what_could_not_be_listed_is_a_failure(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, findings: tuple[Finding, ...]
) -> None:
    """Also if nothing was found: nobody knows what is there."""
    found(monkeypatch, findings=findings, unseen=True)
    ran = checkout.inv("pr.sweep", "--check", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["outcome"], document["error"]["reason"]) == (1, "failed", "unswept")
    assert document["unseen"] == [
        {"listing": "DNS records and routes", "message": REFUSED.message, "place": REFUSED.place}
    ]
    assert "docs/runbooks/sweep-failed.md" in ran.err


def test_a_pull_request_that_could_not_be_told_is_a_failure(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is gone, so no later sweep finds it: the command that tells it is said."""
    found(monkeypatch)
    failed = Outcome(finding=FOUND, removed=True, untold=ServiceFailed("GitHub answered with status 500"))
    monkeypatch.setattr(sweep_runs, "_remove", lambda *_: failed)
    ran = checkout.inv("pr.sweep", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["error"]["reason"], document["error"]["place"]) == (1, "unswept", "pr-12")
    assert document["findings"][0]["outcome"] == "removed"
    assert document["findings"][0]["untold"]["message"] == "GitHub answered with status 500"
    said = " ".join(ran.err.split())
    assert "1 pull request could not be told" in said
    assert "`inv pr.report --env pr-12` tells it" in said


def test_what_may_not_be_told_is_none(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notes are in the document, the exit code is 0."""
    found(monkeypatch)
    removed = Outcome(finding=FOUND, removed=True, told=Told(notes=["the comment was not written: no"]))
    monkeypatch.setattr(sweep_runs, "_remove", lambda *_: removed)
    ran = checkout.inv("pr.sweep", "--json")
    (finding,) = json.loads(ran.out)["findings"]
    assert (ran.code, finding["told"]["notes"]) == (0, ["the comment was not written: no"])


def test_nothing_to_do_is_said(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is a success, for the real sweep too: nothing is started for it."""
    found(monkeypatch, findings=())
    ran = checkout.inv("pr.sweep")
    assert (ran.code, ran.out) == (0, "nothing to remove\n")
