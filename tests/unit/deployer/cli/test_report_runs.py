"""inv pr.report from flags to what GitHub has, on a bucket in memory and a repository on loopback."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployer.adapters.target import R2_KEYS
from deployer.playbooks import github_wiring
from deployer.playbooks.wiring import Wiring
from deployer.steps.environment_lease import Owner, Wish, removed
from deployer.steps.ledger import Head, Ledger
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.cli import ROOT, Checkout, Ran, make_checkout
from tests.support.github import REPOSITORY, TOKEN, Repository, github, pull_data
from tests.support.ledgers import closed, open_run

SHA = f"{12:040x}"


@dataclass
class Stage:
    """A checkout, its bucket and its repository."""

    checkout: Checkout
    bucket: MemoryBucket
    there: Repository

    def report(self, *more: str) -> Ran:
        """`inv pr.report --number 12`."""
        return self.checkout.inv("pr.report", "--number", "12", *more)

    def ran(self, command: str, outcome: str = "ok", **more: object) -> None:
        """A run on pr-12 that has ended."""
        ledger = Ledger(self.bucket, Named("pr-12", "cloudflare"))
        entry = open_run(ledger, "one", command=command, commit=SHA)
        body = closed("one", entry.sequence, outcome=outcome, **more)
        assert ledger.append(body, after=Head(sequence=entry.sequence, digest=entry.digest)) is not None


@pytest.fixture
def stage(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Pull request 12 is open, nothing was ever deployed."""
    bucket = MemoryBucket()
    monkeypatch.setattr(Wiring, "state_bucket", bucket)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with github() as there:
        there.pulls[12] = pull_data(12)
        for name in R2_KEYS:
            monkeypatch.setenv(name, "made-up-credential")
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv(github_wiring.API_URL, there.url)
        shutil.copytree(ROOT / "templates", tmp_path / "templates")
        yield Stage(make_checkout(tmp_path, capsys), bucket, there)


def body(stage: Stage) -> str:
    """The one comment."""
    (found,) = stage.there.comments.values()
    return str(found["body"])


def test_a_deploy_that_went_well_is_told_from_the_ledger(stage: Stage) -> None:
    """State, commit, release and duration are known without a flag."""
    stage.ran("inv pr.up --number 12", seconds=75.0, worker={"version": "v1", "digest": "910a8308e8f7ad5e"})
    ran = stage.report("--e2e", "passed", "--json")
    assert ran.code == 0
    document = json.loads(ran.out)
    assert (document["state"], document["changed"], document["notes"]) == ("up", True, [])
    for said in ("is up", "| took | 75 s |", "<code>910a8308e8f7</code>", "| end-to-end tests | passed |"):
        assert said in body(stage)
    assert stage.there.statuses[-1]["sha"] == SHA
    assert not json.loads(stage.report("--e2e", "passed", "--json").out)["changed"]


def test_a_failed_one_says_where_and_what_to_type(stage: Stage) -> None:
    """From the closing entry."""
    stage.ran("inv pr.up --number 12", "failed", reason="tool-failed", steps={"build": "ok", "worker": "failed"})
    assert stage.report().code == 0
    assert "run 1 ended failed in worker (tool-failed)" in body(stage)
    assert "What finishes it: <code>inv pr.up --number 12</code>" in body(stage)


def test_what_was_removed_is_told_by_its_steps(stage: Stage) -> None:
    """Those that changed something; a deploy's changes are none that were removed."""
    steps = {"terraform site": "changed", "worker": "ok", "buckets": "failed"}
    stage.ran("inv pr.down --number 12", steps=steps)
    stage.report("--state", "removed")
    assert "- <code>terraform site</code>" in body(stage)
    assert "Still there:\n\n- <code>buckets</code>" in body(stage)
    assert "worker" not in body(stage)
    stage.ran("inv pr.up --number 12", steps={"worker": "changed"})
    stage.report("--state", "removed")
    assert "worker" not in body(stage)


def test_printing_tells_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token, too."""
    monkeypatch.delenv("GITHUB_TOKEN")
    ran = stage.report("--print", "--state", "coming")
    assert ran.code == 0
    assert ran.out.startswith("### <code>pr-12</code> is being made")
    document = json.loads(stage.report("--print", "--state", "coming", "--json").out)
    assert (document["number"], document["state"], document["body"].rstrip("\n")) == (
        12,
        "coming",
        ran.out.rstrip("\n"),
    )
    assert stage.there.asked == []
    refused = stage.report("--state", "coming")
    assert refused.code == 4
    assert "GITHUB_TOKEN  tells the pull request" in refused.err


def test_a_forks_token_is_a_note_and_the_text_is_in_the_summary(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit 0: nothing was asked for but to tell it. Without a summary it is printed."""
    stage.there.refuse = [("POST .*", 403, {"message": "Resource not accessible by integration"}, {})]
    printed = stage.report("--state", "coming")
    assert (printed.code, printed.out.splitlines()[0]) == (0, "### <code>pr-12</code> is being made")
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = stage.report("--state", "coming")
    assert (ran.code, ran.out) == (0, "")
    assert page.read_text().startswith("before\n### <code>pr-12</code> is being made")
    assert "the comment was not written: GitHub does not let this token write this" in ran.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--state", "gone"], "`--state gone` is none of coming, up, failed, removed"),
        (["--e2e", "ok"], "`--e2e ok` is none of passed, failed, skipped"),
        (["--number", "13"], "acme/shop has no pull request 13"),
        (["--commit", "main"], "`--commit main` is no whole commit"),
        (["--number", "12; rm"], "is not a number from 1 to"),
    ],
)
def test_bad_input_is_refused_before_anything_is_told(stage: Stage, flags: list[str], said: str) -> None:
    """With what there is to choose from."""
    ran = stage.checkout.inv("pr.report", *(["--number", "12"] if "--number" not in flags else []), *flags)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert stage.there.writes == []


def test_a_job_that_comes_too_late_does_not_overwrite_that_it_was_removed(stage: Stage) -> None:
    """Its `failed` is true for it; the tombstone says how it ended."""
    now = dt.datetime.now(dt.UTC)
    owner = Owner(run="one", who="mira")
    wish = Wish(environment="pr-12", number=12, owner=owner, commit=SHA, lasts=dt.timedelta(hours=1))
    tombstone = removed(wish.closed(None, now), now)
    assert tombstone is not None
    stage.bucket.put("leases/pr-12.json", tombstone.text(), replaces=None)
    stage.report("--state", "failed", "--e2e", "skipped")
    assert "### <code>pr-12</code> is removed\n\nWhy: removed by hand.\n" in body(stage)


def test_a_removal_that_did_not_come_to_its_end_is_not_told_as_one_that_did(stage: Stage) -> None:
    """One that was refused before its first change is not in the ledger: the tombstone says that something is there."""
    now = dt.datetime.now(dt.UTC)
    owner = Owner(run="one", who="mira")
    wish = Wish(environment="pr-12", number=12, owner=owner, commit=SHA, lasts=dt.timedelta(hours=1))
    stage.bucket.put("leases/pr-12.json", wish.closed(None, now).text(), replaces=None)
    stage.ran("inv pr.up --number 12", steps={"worker": "changed"})
    stage.report()
    assert "### <code>pr-12</code> is not removed as a whole" in body(stage)
    assert "What finishes it: <code>inv pr.down --number 12</code>" in body(stage)
    assert "expires" not in body(stage)


def leased(stage: Stage, commit: str) -> None:
    """The environment is of this commit."""
    owner = Owner(run="one", who="mira")
    wish = Wish(environment="pr-12", number=12, owner=owner, commit=commit, lasts=dt.timedelta(hours=1))
    stage.bucket.put("leases/pr-12.json", wish.taken(None, dt.datetime.now(dt.UTC)).text(), replaces=None)


def test_what_was_tested_is_told_of_its_own_commit(stage: Stage) -> None:
    """A newer push has neither been deployed nor tested: nothing that is green stands beside it."""
    older = "a" * 40
    leased(stage, older)
    assert stage.report("--commit", older, "--state", "up", "--e2e", "passed").code == 0
    assert [status["sha"] for status in stage.there.statuses] == [older]
    assert [made["ref"] for made in stage.there.deployments] == [older]
    assert f"| commit | <code>{older[:12]}</code> |" in body(stage)


def test_a_run_that_was_overtaken_tells_nothing(stage: Stage) -> None:
    """The environment is the newer commit's by now, and so is the comment; that one's run tells it."""
    leased(stage, SHA)
    ran = stage.report("--commit", "a" * 40, "--state", "up", "--e2e", "passed", "--json")
    assert ran.code == 0
    assert "the environment is of commit 000000000000 by now" in json.loads(ran.out)["notes"][0]
    assert stage.there.writes == []
    assert stage.report("--commit", SHA, "--state", "up").code == 0
    assert [status["sha"] for status in stage.there.statuses] == [SHA]
