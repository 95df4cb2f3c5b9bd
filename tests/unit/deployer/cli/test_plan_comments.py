"""inv plan --comment: one comment per environment, changed in place, also when there is no plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.cli import ci_runs, plan_runs
from deployer.cli.plan_comments import marker_of
from deployer.cli.plan_runs import Planned
from deployer.errors import DeployError, Interrupted, ServiceUnreachable
from deployer.playbooks import github_wiring
from deployer.review.view import PlanView
from tests.support.cli import Checkout, make_checkout
from tests.support.github import BOT, REPOSITORY, TOKEN, Repository, github
from tests.support.plans import additive, empty, huge, plan_view, violations

PLANS: dict[str, PlanView | DeployError] = {}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository whose token the process has."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with github() as repository:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv(github_wiring.API_URL, repository.url)
        yield repository


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in which planning an environment gives what PLANS says."""

    def planned(_session: object, _wish: object, name: str, **_: Any) -> Planned:
        found = PLANS[name]
        if isinstance(found, DeployError):
            raise found
        kept = replace(found, manifest=found.manifest.model_copy(update={"environment": name}))
        return Planned(environment=name, view=kept, kept="plan/")

    PLANS.clear()
    monkeypatch.setattr(plan_runs, "_plan", planned)
    return make_checkout(tmp_path, capsys)


def bodies(there: Repository) -> list[str]:
    """What is said on the pull request."""
    return [str(each["body"]) for each in there.comments.values()]


def test_each_environment_has_a_comment_of_its_own(checkout: Checkout, there: Repository) -> None:
    """Planned again after a push, the same two say something else."""
    PLANS.update(production=additive(), development=empty())
    assert checkout.inv("plan", "--env", "production,dev", "--comment", "12").code == 10
    assert [body.splitlines()[0] for body in bodies(there)] == [
        "<!-- deployer: plan production -->",
        "<!-- deployer: plan development -->",
    ]
    PLANS.update(production=empty())
    ran = checkout.inv("plan", "--env", "production,dev", "--comment", "12")
    assert (ran.code, len(there.comments)) == (0, 2)
    assert "Nothing to change." in bodies(there)[0]
    assert "plan of development, as it said already" in ran.err


def test_a_plan_that_fails_takes_the_place_of_an_older_one(checkout: Checkout, there: Repository) -> None:
    """It must not pass for the plan of this commit; nobody is called by the words of an error."""
    PLANS["production"] = additive()
    checkout.inv("plan", "--env", "prod", "--comment", "12")
    PLANS["production"] = ServiceUnreachable("@octocat does not answer")
    ran = checkout.inv("plan", "--env", "prod", "--comment", "12")
    assert ran.code == 9
    (body,) = bodies(there)
    assert "There is none for this commit: <code>&#64;octocat does not answer</code>" in body


def test_a_plan_that_breaks_a_rule_is_shown_with_it(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reviews sees why."""
    broken = Planned(environment="production", view=violations(), error=ServiceUnreachable("a rule"))
    monkeypatch.setattr(plan_runs, "_plan", lambda *_, **__: broken)
    checkout.inv("plan", "--env", "production", "--comment", "12")
    assert "it cannot be applied" in bodies(there)[0]


def test_an_interruption_says_nothing(checkout: Checkout, there: Repository) -> None:
    """The next run does."""
    PLANS["production"] = Interrupted("interrupted")
    assert checkout.inv("plan", "--env", "production", "--comment", "12").code == 130
    assert bodies(there) == []


def test_a_plan_of_thousands_fits(checkout: Checkout, there: Repository) -> None:
    """With its hidden line."""
    PLANS["production"] = huge(3000)
    checkout.inv("plan", "--env", "production", "--comment", "12")
    (body,) = bodies(there)
    assert len(body.encode()) <= 65_536
    assert "lines were left out for want of room" not in body, "the plan's own cut is the better one"


def test_a_forks_token_keeps_nobody_from_planning(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code and plan are as without; the text is in the summary."""
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    there.refuse = [("POST .*", 403, {"message": "Resource not accessible by integration"}, {})]
    PLANS["production"] = additive()
    ran = checkout.inv("plan", "--env", "production", "--comment", "12")
    assert ran.code == 10
    assert "note: the comment was not written" in ran.err
    assert page.read_text().startswith("### Plan for <code>production</code>")


def test_what_is_missing_is_said_before_anything_is_planned(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number, a token."""
    for number in ("0", "x", "1;2", "٣"):
        ran = checkout.inv("plan", "--env", "production", "--comment", number)
        assert (ran.code, "is no number of a pull request" in ran.err) == (2, True)
    monkeypatch.delenv("GITHUB_TOKEN")
    ran = checkout.inv("plan", "--env", "production", "--comment", "12")
    assert ran.code == 4
    assert "comments on the pull request" in ran.err
    assert there.comments == {}


def test_other_bots_with_a_plan_are_left_alone(checkout: Checkout, there: Repository) -> None:
    """Even with our marker."""
    theirs = there.comment("<!-- deployer: plan production -->\ntheirs", by="atlantis[bot]")
    PLANS["production"] = plan_view()
    checkout.inv("plan", "--env", "production", "--comment", "12")
    assert there.comments[theirs]["body"].endswith("theirs")
    assert [each["user"]["login"] for each in there.comments.values()] == ["atlantis[bot]", BOT]


def affects(monkeypatch: pytest.MonkeyPatch, *paths: str) -> None:
    """What the commit at hand has changed since the base of its pull request."""
    monkeypatch.setattr(ci_runs, "changed_paths", lambda *_, **__: paths)


def test_a_commit_that_changes_nothing_there_says_so_on_the_plan_of_an_older_one(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the comments there are; other bots' are left alone, and said again nothing changes."""
    PLANS["production"] = additive()
    checkout.inv("plan", "--env", "production", "--comment", "12")
    there.comment("<!-- deployer: plan development -->\ntheirs", by="atlantis[bot]")
    affects(monkeypatch, "docs/README.md")
    ran = checkout.inv("ci.plan-comments", "--number", "12", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["notes"]) == (0, []), ran.err
    assert [(each["environment"], each["changed"]) for each in document["outdated"]] == [("production", True)]
    ours, theirs = bodies(there)
    assert theirs.endswith("theirs")
    assert ours == (
        "<!-- deployer: plan production -->\n### Plan for <code>production</code>\n\n"
        "There is none for this commit: it changes nothing there. "
        "The plan that was shown here was for an older commit.\n"
    )
    before = len(there.writes)
    again = json.loads(checkout.inv("ci.plan-comments", "--number", "12", "--json").out)
    assert ([each["changed"] for each in again["outdated"]], len(there.writes)) == ([False], before)


def test_the_plan_of_this_commit_is_left_alone(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it affects is planned, and its comment is that job's to write."""
    PLANS["production"] = additive()
    checkout.inv("plan", "--env", "production", "--comment", "12")
    before = bodies(there)
    affects(monkeypatch, "environments.toml")
    ran = checkout.inv("ci.plan-comments", "--number", "12")
    assert (ran.code, bodies(there)) == (0, before)
    assert "no plan of an older commit stands where this one changes nothing" in ran.err


def test_no_comment_is_begun_for_it(checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was ever said, and nothing changes."""
    affects(monkeypatch, "docs/README.md")
    assert checkout.inv("ci.plan-comments", "--number", "12").code == 0
    assert there.writes == []


def test_a_token_that_only_reads_leaves_the_older_plan_with_a_note(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dependabot's, for one; the job is no failure for it."""
    PLANS["production"] = additive()
    checkout.inv("plan", "--env", "production", "--comment", "12")
    affects(monkeypatch, "docs/README.md")
    there.refuse = [("PATCH .*", 403, {"message": "Resource not accessible by integration"}, {})]
    ran = checkout.inv("ci.plan-comments", "--number", "12")
    assert ran.code == 0
    assert "note: the comment was not written" in ran.err


def test_what_was_not_planned_is_not_said_to_change_nothing(
    checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bot's pull request gets no secrets, so nothing was looked at; the number is the event's."""
    there.comment("<!-- deployer: plan production -->\nolder")
    payload: dict[str, Any] = {
        "action": "synchronize",
        "pull_request": {
            "number": 12,
            "user": {"login": "dependabot[bot]"},
            "head": {"sha": "e" * 40, "repo": {"full_name": REPOSITORY}},
            "base": {"sha": "f" * 40},
            "labels": [],
        },
        "repository": {"full_name": REPOSITORY},
    }
    (tmp_path / "event.json").write_text(json.dumps(payload))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    affects(monkeypatch, "docs/README.md")
    ran = checkout.inv("ci.plan-comments")
    assert (ran.code, there.writes) == (0, []), ran.err
    assert "no plan of it is shown" in ran.err
    payload["pull_request"] |= {"user": {"login": "octocat"}}
    (tmp_path / "event.json").write_text(json.dumps(payload))
    assert checkout.inv("ci.plan-comments").code == 0
    assert "an older commit" in bodies(there)[0]


def test_who_is_told_has_to_be_said(checkout: Checkout, there: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a number, where there is no event."""
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    for flags in ((), ("--number", "x")):
        ran = checkout.inv("ci.plan-comments", *flags)
        assert (ran.code, "is no number of a pull request" in ran.err) == (2, True)


def test_every_name_of_an_environment_has_a_marker_of_its_own(there: Repository) -> None:
    """Also one with two hyphens, which would end what hides the marker."""
    hub = there.hub()
    for name in ("dev-x", "dev--x", "dev---x", "dev-x--1"):
        hub.put_comment(12, marker=marker_of(name), body=name)
    assert sorted(body.splitlines()[1] for body in bodies(there)) == ["dev---x", "dev--x", "dev-x", "dev-x--1"]
