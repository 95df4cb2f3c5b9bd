"""inv approve --from-run: GitHub's reviewers as approvals of the bundle that their run has made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.apply_runs import ApplyWish, apply_plan
from deployer.cli.ci_delivery import apply_commit
from deployer.cli.reviewer_runs import take_reviews_of_this_run
from deployer.cli.session import Session
from deployer.errors import PlanUnusable
from deployer.playbooks import github_wiring
from deployer.playbooks.plan import project_of
from deployer.report.plan_document import plan_document
from deployer.review.digest import meaning_of_all
from deployer.review.manifest import APPROVALS, CiRun, Manifest, Planner
from deployer.steps.bundle import digests_of, write_bundle
from deployer.steps.secrets import FINGERPRINT_KEY, Secrets
from tests.support.cli import Checkout, Ran, make_checkout
from tests.support.github import REPOSITORY, TOKEN, Repository, github, review_data, run_data
from tests.support.inventory import inventory, replaced
from tests.support.plans import change, plan_view, step

PEOPLE = '[project.approvers.mira]\ngithub = "mira-k"\n\n[project.approvers.tom]\ngithub = "tom"\n\n[app]'
ASKED = ('github_environment = "production"', 'github_environment = "live"')
NOBODY = (', github_environment = "production"', "")


@dataclass
class Stage:
    """A checkout with a bundle, and the repository whose run 5 has made it."""

    checkout: Checkout
    there: Repository

    def plan(self, action: str = "update", **changed: Any) -> Manifest:
        """A bundle in `plan`."""
        steps = (step("terraform site", change(action, "site:cloudflare_dns_record.this")),)
        now = dt.datetime.now(dt.UTC)
        values = {
            "digest": meaning_of_all(steps),
            "project": project_of(inventory().inventory.project),
            "created": now,
            "expires": now + dt.timedelta(hours=1),
            "planner": Planner(who="runner@host", account="somebody"),
            "run": CiRun(repository=REPOSITORY, run="5", attempt="1"),
            "commit": "a" * 40,
        }
        view = plan_view(steps, **{**values, **changed})
        parts = {
            "plan.json": json.dumps(plan_document(view)).encode(),
            "private/site.tfplan": b"saved",
            "private/site.json": b"{}",
        }
        seal = Secrets({FINGERPRINT_KEY: "key"}).fingerprint
        manifest = view.manifest.model_copy(update={"files": digests_of(parts)}).sealed(seal)
        write_bundle(self.checkout.root / "plan", manifest, parts)
        return manifest

    def approve(self, *more: str, run: str = "5") -> Ran:
        """`inv approve --plan plan --from-run 5`."""
        return self.checkout.inv("approve", "--plan", str(self.checkout.root / "plan"), "--from-run", run, *more)

    def verdict(self) -> dict[str, Any]:
        """Who has approved, as `inv approvals` counts now."""
        ran = self.checkout.inv("approvals", "--plan", str(self.checkout.root / "plan"), "--json")
        found: dict[str, Any] = json.loads(ran.out)["approvals"]
        return found

    @property
    def records(self) -> list[str]:
        """The files beside the bundle."""
        return sorted(path.name for path in (self.checkout.root / "plan" / APPROVALS).glob("*"))


@pytest.fixture
def stage(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Run 5 has waited at `live` and was let pass by mira."""
    for name in ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "GITHUB_RUN_ID", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with github() as there:
        there.runs[5] = run_data(5, status="in_progress", conclusion=None)
        there.reviews[5] = [review_data("Mira-K", environment="live")]
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv(github_wiring.API_URL, there.url)
        checkout = make_checkout(tmp_path, capsys)
        (tmp_path / "environments.toml").write_text(replaced(("[app]", PEOPLE), ASKED))
        yield Stage(checkout, there)


def test_a_reviewer_of_the_run_has_approved_its_bundle(stage: Stage) -> None:
    """Written once; it counts as long as GitHub says the same."""
    manifest = stage.plan()
    ran = stage.approve("--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert (document["taken"], document["changed"], document["approvals"]["missing"]) == (["mira"], True, 0)
    record = json.loads((stage.checkout.root / "plan" / APPROVALS / "mira.json").read_text())
    assert record["method"] == "github"
    assert record["review"] == {"repository": REPOSITORY, "run": "5", "environment": "live", "login": "Mira-K"}
    assert json.loads(record["statement"])["bundle"] == manifest.bundle_digest
    again = stage.approve("--json")
    assert (json.loads(again.out)["changed"], stage.records) == (False, ["mira.json"])
    assert stage.verdict()["missing"] == 0
    stage.there.reviews[5] = []
    assert stage.verdict()["missing"] == 1


def test_what_destroys_needs_somebody_else_as_well(stage: Stage) -> None:
    """One approval lets GitHub's environment pass; the next command says that somebody signs."""
    stage.plan("delete")
    ran = stage.approve()
    assert ran.code == 0
    assert "1 of 2 approvals, 1 missing; next: `inv approve --plan" in ran.err
    stage.there.reviews[5].append(review_data("tom", environment="live"))
    assert "2 of 2 approvals" in stage.approve().err
    assert stage.records == ["mira.json", "tom.json"]


def test_whoever_started_the_run_is_not_one_of_two(stage: Stage) -> None:
    """And one of one is: as with signatures."""
    planner = Planner(who="runner@host", account="mira-k")
    stage.plan("delete", planner=planner)
    ran = stage.approve()
    assert ran.code == 12
    assert "`mira` made the plan, and where 2 are needed that one does not count" in " ".join(ran.err.split())
    assert stage.records == []
    stage.plan(planner=planner)
    assert stage.approve().code == 0


def test_in_a_job_the_run_is_this_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """By GitHub's variable; elsewhere there is no such run."""
    stage.plan()
    refused = stage.approve(run="this")
    assert (refused.code, "there is no GITHUB_RUN_ID" in refused.err) == (2, True)
    monkeypatch.setenv("GITHUB_RUN_ID", "5")
    assert stage.approve(run="this").code == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": None}, "the plan was made in no run"),
        ({"run": CiRun(repository=REPOSITORY, run="4", attempt="1")}, "the plan was made in run 4"),
        ({"commit": "b" * 40}, "its run is for commit aaaaaaaaaaaa"),
        ({"run": CiRun(repository=REPOSITORY, run="5", attempt="2")}, "a review may be of an earlier one"),
    ],
)
def test_only_the_bundle_that_the_run_has_made(stage: Stage, changed: dict[str, Any], said: str) -> None:
    """Whoever reviewed has seen no other one."""
    stage.plan(**changed)
    ran = stage.approve()
    assert ran.code == 12
    assert said in " ".join(ran.err.split())
    assert stage.records == []


def test_nobody_that_counts_is_no_approval(stage: Stage) -> None:
    """Nobody yet; a stranger; somebody at another environment; a rejection."""
    stage.plan()
    for reviews, said in (
        ([], "nobody has approved run 5 at `live`"),
        ([review_data("stranger", environment="live")], "`stranger` is no approver's `github`"),
        ([review_data("mira-k", environment="staging")], "nobody has approved run 5 at `live`"),
        ([review_data("mira-k", environment="live", state="rejected")], "was also rejected"),
    ):
        stage.there.reviews[5] = reviews
        ran = stage.approve()
        assert ran.code == 12
        assert said in " ".join(ran.err.split())
    assert stage.records == []


def test_a_record_that_somebody_wrote_by_hand_is_held_against_github(stage: Stage) -> None:
    """Tom's name in a copy of mira's record."""
    stage.plan()
    stage.approve()
    path = stage.checkout.root / "plan" / APPROVALS / "mira.json"
    forged = (
        path.read_text().replace("Mira-K", "tom").replace('\\"approver\\": \\"mira\\"', '\\"approver\\": \\"tom\\"')
    )
    path.with_name("tom.json").write_text(forged)
    path.unlink()
    found = stage.verdict()
    assert (found["accepted"], found["missing"]) == ([], 1)
    assert "knows of no approval by `tom`" in found["refused"][0]["why"]


def test_bad_input_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys beside it, a run that is none, an inventory that asks nobody there, no token."""
    stage.plan()
    assert stage.approve("--key", "x.pub").code == 2
    assert stage.approve(run="5; rm").code == 2
    monkeypatch.delenv("GITHUB_TOKEN")
    ran = stage.approve()
    assert (ran.code, "reads who has reviewed the run" in ran.err) == (4, True)
    (stage.checkout.root / "environments.toml").write_text(replaced(("[app]", PEOPLE), NOBODY))
    ran = stage.approve()
    assert (ran.code, "names no environment on GitHub whose reviewers" in ran.err) == (2, True)


def taken(stage: Stage) -> None:
    """What `inv ci.apply` does before it applies."""
    session = Session(root=stage.checkout.root, command="ci.apply")
    take_reviews_of_this_run(session, plan=str(stage.checkout.root / "plan"), sandbox=False)


def test_a_job_that_is_about_to_apply_takes_what_there_is(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a run nothing; in it the reviews; what is missing is a note, and the apply's to refuse."""
    stage.plan()
    taken(stage)
    assert stage.records == []
    monkeypatch.setenv("GITHUB_RUN_ID", "5")
    reviews, stage.there.reviews[5] = stage.there.reviews[5], []
    taken(stage)
    assert "note: nobody has approved run 5 at `live`" in stage.checkout.capsys.readouterr().err
    stage.there.reviews[5] = reviews
    monkeypatch.delenv("GITHUB_TOKEN")
    taken(stage)
    assert "note: 1 credential is missing: GITHUB_TOKEN" in stage.checkout.capsys.readouterr().err
    assert stage.records == []
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    taken(stage)
    assert stage.records == ["mira.json"]
    asked = len(stage.there.asked)
    taken(stage)
    assert stage.records == ["mira.json"]
    assert len(stage.there.asked) == asked + 2, "the record is confirmed, and nothing more is asked"


def test_only_the_bundle_that_was_noted_is_applied(stage: Stage) -> None:
    """Somebody who writes to the bucket has put another one there under the same name, sealed and all."""
    stage.plan()
    session = Session(root=stage.checkout.root, command="ci.apply")
    wish = ApplyWish(plan=str(stage.checkout.root / "plan"), env="", sandbox=False, bundle="e" * 64)
    with pytest.raises(PlanUnusable, match="is not the one that this run has made"):
        apply_plan(session, wish)


@pytest.mark.parametrize("note", ["", "{}", '{"plan": "../../x", "bundle": "ab"}', '{"plan": 5, "bundle": "ab"}', "[]"])
def test_without_a_note_of_its_run_a_job_applies_nothing(stage: Stage, note: str) -> None:
    """It does not look for one of the same commit instead."""
    folder = stage.checkout.root / "plans"
    folder.mkdir()
    if note:
        (folder / "made.json").write_text(note)
    session = Session(root=stage.checkout.root, command="ci.apply")
    with pytest.raises(PlanUnusable, match="no job of this run has noted"):
        apply_commit(session, env="production", sandbox=False, made="plans")
