"""What a pull request is told: one comment, one deployment that counts, one status; twice is the same as once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deployer.errors import ServiceFailed
from deployer.playbooks.reporting import CONTEXT, Told, derived_state, report_environment, report_removed
from deployer.report.environment_report import EnvironmentReport
from tests.support.github import Repository, github, pull_data

SHA, NEXT = "a" * 40, "b" * 40
UP = EnvironmentReport(environment="pr-12", state="up", url="https://pr-12.vibechecc.app", log_url="https://x/runs/5")
READ_ONLY: tuple[int, dict[str, Any], dict[str, str]] = (403, {"message": "Resource not accessible by integration"}, {})


@pytest.fixture
def there() -> Iterator[Repository]:
    """An empty repository."""
    with github() as repository:
        yield repository


def tell(there: Repository, said: list[str] | None = None, *, sha: str = SHA, **changes: Any) -> Told:
    """Report one state of pull request 12."""
    report = replace(UP, **changes)
    say = (said if said is not None else []).append
    return report_environment(there.hub(), report, number=12, sha=sha, body=f"it is {report.state}", say=say)


def states(there: Repository) -> list[tuple[int, str]]:
    """Every deployment's last state."""
    last = {each["deployment"]: each["state"] for each in there.deployment_statuses}
    return [(each["id"], last.get(each["id"], "none")) for each in reversed(there.deployments)]


def test_a_life_is_told_in_place(there: Repository) -> None:
    """Coming, up, removed: one comment and one deployment all along, transient, for the pull request's own commit."""
    tell(there, state="coming")
    assert (states(there), there.statuses[-1]["state"]) == ([(1, "in_progress")], "pending")
    told = tell(there)
    assert (states(there), there.statuses[-1]["state"]) == ([(1, "success")], "success")
    assert (told.deployment, told.status, told.notes) == ("success", "success", [])
    assert there.deployment_statuses[-1]["environment_url"] == "https://pr-12.vibechecc.app"
    assert there.statuses[-1]["target_url"] == "https://pr-12.vibechecc.app"
    assert (there.deployments[0]["ref"], there.deployments[0]["transient_environment"]) == (SHA, True)
    tell(there, state="removed")
    assert states(there) == [(1, "inactive")]
    assert [each["body"].splitlines()[1:] for each in there.comments.values()] == [["it is removed"]]


def test_telling_it_twice_changes_nothing(there: Repository) -> None:
    """Comment and deployment are left alone; a status is said again, which shows nowhere."""
    for state in ("coming", "up", "removed"):
        assert tell(there, state=state).changed
        before = len(there.writes)
        assert not tell(there, state=state).changed
        assert {path for _, path in there.writes[before:]} <= {f"/repos/acme/shop/statuses/{SHA}"}


def test_a_push_makes_a_new_deployment_and_the_old_one_counts_until_that_is_up(there: Repository) -> None:
    """GitHub retires earlier ones by itself only where environments last."""
    tell(there)
    tell(there, state="coming", sha=NEXT)
    assert states(there) == [(1, "success"), (2, "in_progress")]
    tell(there, sha=NEXT)
    assert states(there) == [(1, "inactive"), (2, "success")]


def test_a_failure_is_told_as_one(there: Repository) -> None:
    """With the log, as there is nothing to open."""
    tell(there, state="coming")
    tell(there, state="failed", failure="run 7 ended failed")
    assert states(there) == [(1, "failure")]
    assert "environment_url" not in there.deployment_statuses[-1]
    assert (there.statuses[-1]["state"], there.statuses[-1]["target_url"]) == ("failure", "https://x/runs/5")
    assert "run 7 ended failed" in there.statuses[-1]["description"]


def test_red_tests_of_a_living_environment_are_a_red_commit(there: Repository) -> None:
    """The deployment is one all the same."""
    tell(there, tests="failed")
    assert (states(there), there.statuses[-1]["state"]) == ([(1, "success")], "failure")
    assert there.statuses[-1]["context"] == CONTEXT


def test_removing_retires_every_deployment_of_that_name_and_no_other(there: Repository) -> None:
    """pr-1 is not pr-12; a removed environment's commit is told nothing."""
    for sha in (SHA, NEXT):
        tell(there, sha=sha, state="failed")
    there.hub().create_deployment(SHA, environment="pr-1")
    before = len(there.statuses)
    tell(there, state="removed", sha=NEXT)
    assert states(there) == [(1, "inactive"), (2, "inactive"), (3, "none")]
    assert len(there.statuses) == before


def test_removing_what_was_never_told_makes_no_deployment(there: Repository) -> None:
    """Only the comment."""
    tell(there, state="removed")
    assert there.deployments == []
    assert len(there.comments) == 1


def sweep(there: Repository, said: list[str] | None = None) -> Told:
    """Tell of the removal what a sweep tells."""
    report = replace(UP, state="removed")
    say = (said if said is not None else []).append
    return report_removed(there.hub(), report, number=12, body="it is removed", say=say)


def test_a_sweep_brings_up_to_date_what_was_told_once(there: Repository) -> None:
    """The comment in place, the deployment inactive, the commit's status as it was; the second time nothing."""
    there.pulls[12] = pull_data(12)
    tell(there)
    told = sweep(there)
    assert (told.changed, told.deployment, told.notes) == (True, "inactive", [])
    assert [each["body"].splitlines()[1:] for each in there.comments.values()] == [["it is removed"]]
    assert (states(there), len(there.statuses)) == ([(1, "inactive")], 1)
    before = len(there.writes)
    assert not sweep(there).changed
    assert len(there.writes) == before


def test_a_sweep_begins_no_conversation(there: Repository) -> None:
    """Not on a pull request that was told nothing, nor about a number that none has."""
    for pulls in ({}, {12: pull_data(12)}):
        there.pulls = pulls
        assert not sweep(there).changed
    assert there.writes == []


def test_a_deployment_without_a_comment_is_told_alone(there: Repository) -> None:
    """Somebody has deleted the comment."""
    there.pulls[12] = pull_data(12)
    tell(there)
    there.comments.clear()
    assert sweep(there).deployment == "inactive"
    assert there.comments == {}


def test_a_sweep_that_may_not_write_has_notes(there: Repository) -> None:
    """Both are said once, and neither is a failure."""
    there.pulls[12] = pull_data(12)
    tell(there)
    there.refuse = [("(POST|PATCH) .*", *READ_ONLY)]
    said: list[str] = []
    told = sweep(there, said)
    assert not told.changed
    assert [note.partition(":")[0] for note in told.notes] == [
        "the comment was not written",
        "the deployment was not told",
    ]
    assert [f"note: {note}" for note in told.notes] == said


def test_a_token_that_only_reads_is_three_notes(there: Repository) -> None:
    """And no failure."""
    there.refuse = [("(POST|PATCH) .*", *READ_ONLY)]
    said: list[str] = []
    told = tell(there, said)
    assert told.comment is None
    assert [note.partition(":")[0] for note in told.notes] == [
        "the comment was not written",
        "the deployment was not told",
        "the commit's status was not set",
    ]
    assert [f"note: {note}" for note in told.notes] == said


def test_what_may_be_told_is_told(there: Repository) -> None:
    """A token for comments alone."""
    there.refuse = [("POST .*/(deployments|statuses/.*)", *READ_ONLY)]
    told = tell(there)
    assert told.comment is not None
    assert len(told.notes) == 2


def test_any_other_failure_is_one(there: Repository) -> None:
    """GitHub down is not a fork."""
    there.refuse = [("POST .*", 422, {"message": "Validation Failed"}, {})]
    with pytest.raises(ServiceFailed):
        tell(there)


@pytest.mark.parametrize(
    ("closed", "outcome", "state"),
    [
        (False, None, "coming"),
        (False, "open", "coming"),
        (False, "ok", "up"),
        (False, "failed", "failed"),
        (False, "killed", "failed"),
        (True, "ok", "failed"),
        (True, None, "failed"),
        (True, "interrupted", "failed"),
    ],
)
def test_the_state_when_nobody_says_it(closed: bool, outcome: str | None, state: str) -> None:
    """By the lease and the last run."""
    assert derived_state(closed=closed, outcome=outcome) == state
