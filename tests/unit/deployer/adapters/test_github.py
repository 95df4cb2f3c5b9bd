"""GitHub: pull requests, comments that stay one, deployments, runs, and what each refusal means. Against a server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from deployer.adapters.github.calls import slow_down
from deployer.adapters.github.hub import COMMENT_LIMIT, cut
from deployer.adapters.http import NotFound, Response
from deployer.errors import CredentialsRefused, NotPermitted, RateLimited, ServiceFailed
from tests.support.github import BOT, NOW, TOKEN, Repository, github, pull_data, review_data, run_data

MARKER = "environment"
SIGN = f"<!-- deployer: {MARKER} -->\n"


@pytest.fixture
def there() -> Iterator[Repository]:
    """An empty repository."""
    with github() as repository:
        yield repository


# --- pull requests ------------------------------------------------------------------------------------------------


def test_a_pull_request_is_told_as_it_is(there: Repository) -> None:
    """Open, of our own repository, at its commit."""
    there.pulls[12] = pull_data(12)
    pull = there.hub().pull(12)
    assert pull is not None
    assert (pull.number, pull.open, pull.merged, pull.fork) == (12, True, False, False)
    assert (pull.head_sha, pull.author) == (f"{12:040x}", "octocat")


@pytest.mark.parametrize("repo", [{"full_name": "stranger/shop"}, None])
def test_commits_from_elsewhere_are_a_forks(there: Repository, repo: dict[str, str] | None) -> None:
    """Also when the fork was deleted meanwhile."""
    there.pulls[12] = pull_data(12, head={"sha": "b" * 40, "ref": "main", "repo": repo})
    pull = there.hub().pull(12)
    assert pull is not None
    assert pull.fork


def test_a_merged_one_is_closed_and_merged(there: Repository) -> None:
    """A list says only when."""
    there.pulls[12] = pull_data(12, state="closed", merged_at="2026-11-25T10:00:00Z")
    pull = there.hub().pull(12)
    assert pull is not None
    assert (pull.open, pull.merged) == (False, True)


def test_a_number_that_nobody_has_used_is_none(there: Repository) -> None:
    """The repository answers, so the pull request is really not there."""
    assert there.hub().pull(99) is None


def test_a_repository_that_cannot_be_seen_is_no_missing_pull_request(there: Repository) -> None:
    """GitHub says 404 for both; taking it for "not there" would remove a living environment."""
    there.visible = False
    with pytest.raises(NotFound, match="does not know the repository `acme/shop`, or the token may not see it"):
        there.hub().pull(12)
    with pytest.raises(NotFound):
        there.hub().open_pulls()


def test_all_open_ones_are_listed_page_by_page(there: Repository) -> None:
    """250 of them take three requests; closed ones are not among them."""
    there.pulls = {number: pull_data(number) for number in range(1, 251)}
    there.pulls[7]["state"] = "closed"
    found = there.hub().open_pulls()
    assert [pull.number for pull in found] == [number for number in range(1, 251) if number != 7]
    assert len(there.asked) == 3


def test_an_answer_in_another_form_is_the_services_failure(there: Repository) -> None:
    """Never a traceback, never an empty list."""
    there.pulls[12] = {"number": 12, "state": "open"}
    with pytest.raises(ServiceFailed, match="in a form that is not known here"):
        there.hub().pull(12)
    there.refuse = [("GET .*/pulls", 200, {"message": "maintenance"}, {})]
    with pytest.raises(ServiceFailed, match="did not answer with a list"):
        there.hub().open_pulls()


# --- comments -----------------------------------------------------------------------------------------------------


def test_one_comment_is_written_updated_and_left_alone(there: Repository) -> None:
    """Three calls, one comment; the third writes nothing."""
    hub = there.hub()
    made = hub.put_comment(12, marker=MARKER, body="coming")
    changed = hub.put_comment(12, marker=MARKER, body="up")
    same = hub.put_comment(12, marker=MARKER, body="up")
    assert (made.id, made.changed, changed.id, changed.changed, same.changed) == (made.id, True, made.id, True, False)
    assert [each["body"] for each in there.comments.values()] == [f"{SIGN}up"]
    assert [method for method, _ in there.writes] == ["POST", "PATCH"]


def test_a_comment_that_was_deleted_by_hand_is_made_anew(there: Repository) -> None:
    """Before the run, or between its two requests."""
    hub = there.hub()
    hub.put_comment(12, marker=MARKER, body="one")
    there.comments.clear()
    assert hub.put_comment(12, marker=MARKER, body="two").changed
    there.refuse = [("PATCH .*", 404, {"message": "Not Found"}, {})]
    assert hub.put_comment(12, marker=MARKER, body="three").body == f"{SIGN}three"


def test_what_only_brings_up_to_date_begins_no_comment(there: Repository) -> None:
    """Where there is none, and where somebody deletes it between the two requests."""
    hub = there.hub()
    assert hub.update_comment(12, marker=MARKER, body="one") is None
    hub.put_comment(12, marker=MARKER, body="one")
    updated = hub.update_comment(12, marker=MARKER, body="two")
    assert updated is not None
    assert (updated.body, updated.changed) == (f"{SIGN}two", True)
    there.refuse = [("PATCH .*", 404, {"message": "Not Found"}, {})]
    assert hub.update_comment(12, marker=MARKER, body="three") is None
    assert [method for method, _ in there.writes] == ["POST", "PATCH", "PATCH"]


def test_only_our_own_comments_are_touched(there: Repository) -> None:
    """Another bot with the same marker, a person who quotes it, our comment about something else."""
    others = [
        there.comment(f"{SIGN}mine", by="other-bot[bot]"),
        there.comment(f"> {SIGN}look", by="octocat"),
        there.comment(f"{SIGN}I wrote this by hand", by="octocat"),
        there.comment("<!-- deployer: plan production -->\na plan"),
        there.comment(f"said by a job, with {SIGN} in the middle"),
        there.comment(f"{SIGN}on another pull request", on=13),
    ]
    before = {number: dict(there.comments[number]) for number in others}
    there.hub().put_comment(12, marker=MARKER, body="up")
    assert {number: there.comments[number] for number in others} == before
    assert len(there.comments) == len(others) + 1


def test_what_two_runs_have_written_at_once_becomes_one(there: Repository) -> None:
    """The oldest stays, since links to it may be around."""
    first, second, third = (there.comment(f"{SIGN}{text}") for text in ("a", "b", "c"))
    kept = there.hub().put_comment(12, marker=MARKER, body="c")
    assert kept.id == first
    assert list(there.comments) == [first]
    assert {second, third}.isdisjoint(there.comments)


def test_a_token_of_a_person_writes_as_that_person(there: Repository) -> None:
    """On a laptop; the workflow's comment is then another's."""
    there.comment(f"{SIGN}by the workflow")
    there.login = "octocat"
    made = there.hub().put_comment(12, marker=MARKER, body="by hand")
    assert made.author == "octocat"
    assert len(there.comments) == 2


def test_a_comment_on_the_hundred_and_first_place_is_found(there: Repository) -> None:
    """On a pull request that people talk about."""
    for number in range(150):
        there.comment(f"talk {number}", by="octocat")
    ours = there.comment(f"{SIGN}old")
    assert there.hub().put_comment(12, marker=MARKER, body="new").id == ours


def test_a_body_that_a_browser_has_saved_is_the_same(there: Repository) -> None:
    """With its line ends, and without the last one."""
    there.comment(f"{SIGN}a\nb".replace("\n", "\r\n"))
    assert not there.hub().put_comment(12, marker=MARKER, body="a\nb\n").changed


@pytest.mark.parametrize("marker", ["a --> b", "a\nb", "", "a -- b"])
def test_a_marker_stays_hidden(there: Repository, marker: str) -> None:
    """It is our own word, never somebody's title."""
    with pytest.raises(ValueError, match="cannot be a marker"):
        there.hub().put_comment(12, marker=marker, body="")


def test_a_comment_that_is_too_long_is_cut_and_says_by_how_much(there: Repository) -> None:
    """GitHub would refuse it whole."""
    made = there.hub().put_comment(12, marker=MARKER, body="\n".join(["é" * 50] * 2000))
    assert len(made.body.encode()) <= COMMENT_LIMIT
    kept = made.body.count("é" * 50)
    assert f"{2000 - kept} more lines were left out for want of room." in made.body
    assert kept > 600


def test_what_is_open_where_a_text_is_cut_is_closed() -> None:
    """Else the rest of the page, and the sentence that counts, would be code."""
    body = "<details><summary>x</summary>\n\n````diff\n```\n" + "+ line\n" * 500 + "````\n</details>\n"
    short = cut(body, limit=1000)
    assert len(short.encode()) <= 1000
    head, tail = short.rsplit("+ line", 1)
    assert "````diff" in head
    assert tail.startswith("\n````\n</details>\n\n")
    whole = "<details>\n</details>\n" + "text\n" * 500
    assert "\n</details>\n\n" not in cut(whole, limit=500)


# --- deployments, statuses ----------------------------------------------------------------------------------------


def test_a_deployment_is_said_and_its_status_read_back(there: Repository) -> None:
    """Transient, without waiting for checks; descriptions fit."""
    hub = there.hub()
    made = hub.create_deployment("a" * 40, environment="pr-1", description="x" * 500)
    hub.set_deployment_status(made.id, "in_progress")
    hub.set_deployment_status(made.id, "success", url="https://pr-1.example.com", description="y" * 141)
    body = there.deployments[0]
    assert (body["transient_environment"], body["auto_merge"], body["required_contexts"]) == (True, False, [])
    assert len(body["description"]) == 140
    status = hub.deployment_status(made.id)
    assert status is not None
    assert (status.state, status.url) == ("success", "https://pr-1.example.com")
    assert len(there.deployment_statuses[1]["description"]) == 140
    assert [each["auto_inactive"] for each in there.deployment_statuses] == [False, True]


def test_deployments_of_another_environment_are_none_of_ours(there: Repository) -> None:
    """pr-1 is not pr-12, even if GitHub's filter were generous."""
    hub = there.hub()
    for name in ("pr-1", "pr-12", "pr-1"):
        hub.create_deployment("main", environment=name)
    assert [each.id for each in hub.deployments("pr-1")] == [3, 1]
    there.refuse = [("GET .*/deployments", 200, there.deployments, {})]  # type: ignore[list-item]
    assert [each.id for each in hub.deployments("pr-1")] == [3, 1]
    assert hub.deployment_status(1) is None


def test_a_commits_status_is_said(there: Repository) -> None:
    """With a context of its own and a link only if there is one."""
    there.hub().set_status("b" * 40, context="preview", state="success", description="up")
    assert there.statuses == [{"sha": "b" * 40, "state": "success", "context": "preview", "description": "up"}]


# --- runs ---------------------------------------------------------------------------------------------------------


def test_a_run_and_one_attempt_of_it(there: Repository) -> None:
    """An attempt may be over while the run goes on; its age is by GitHub's own clock."""
    there.runs[5] = run_data(5, status="in_progress", conclusion=None, run_attempt=2)
    there.attempts[5, 1] = run_data(5)
    hub = there.hub()
    run, attempt = hub.run(5), hub.run(5, attempt=1)
    assert run is not None
    assert attempt is not None
    assert (run.completed, attempt.completed, attempt.conclusion) == (False, True, "cancelled")
    assert attempt.untouched_for == dt.timedelta(minutes=10)
    assert hub.run(6) is None


def test_reviews_are_told(there: Repository) -> None:
    """Who said what at which environment."""
    there.reviews[5] = [review_data("anna"), review_data("ben", state="rejected")]
    assert [(each.login, each.approved, each.environments) for each in there.hub().approvals(5)] == [
        ("anna", True, ("production",)),
        ("ben", False, ("production",)),
    ]


# --- refusals -----------------------------------------------------------------------------------------------------


def test_a_token_that_only_reads_is_told_with_what_it_lacks(there: Repository) -> None:
    """A fork's pull request has such a one."""
    headers = {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"}
    there.refuse = [("POST .*", 403, {"message": "Resource not accessible by integration"}, headers)]
    with pytest.raises(NotPermitted) as caught:
        there.hub().put_comment(12, marker=MARKER, body="up")
    said = "\n".join(caught.value.details)
    assert "Resource not accessible by integration" in said
    assert "issues=write or pull_requests=write" in said
    assert "from forks" in said


def test_a_token_that_is_none_is_refused_otherwise(there: Repository) -> None:
    """401 is no lack of a permission."""
    there.refuse = [(".*", 401, {"message": "Bad credentials"}, {})]
    with pytest.raises(CredentialsRefused, match="does not accept the token") as caught:
        there.hub().pull(12)
    assert not isinstance(caught.value, NotPermitted)
    assert TOKEN not in f"{caught.value}{caught.value.details}{caught.value.hint}"


def test_a_limit_that_passes_is_waited_for(there: Repository) -> None:
    """A write that was refused was not carried out, so it is sent again."""
    there.refuse = [("POST .*", 403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "0"})]
    with pytest.raises(RateLimited, match="asks to wait 0 s"):
        there.hub(attempts=3).put_comment(12, marker=MARKER, body="up")
    assert [method for method, _ in there.writes] == ["POST"] * 3


def test_being_limited_for_long_is_said_at_once(there: Repository) -> None:
    """The hour's quota is used up: reset is at 12:40 by GitHub's clock, whatever ours says."""
    reset = str(int(dt.datetime(2026, 11, 25, 12, 40, tzinfo=dt.UTC).timestamp()))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    there.refuse = [(".*", 403, {"message": "API rate limit exceeded"}, headers)]
    with pytest.raises(RateLimited, match="asks to wait 2401 s"):
        there.hub(attempts=3).pull(12)
    assert len(there.asked) == 1


def test_a_limit_while_asking_for_our_name_is_no_name(there: Repository) -> None:
    """403 says there that a workflow's token has none; a limit must not be taken for that."""
    there.refuse = [("GET /user", 403, {"message": "You have exceeded a secondary rate limit"}, {})]
    with pytest.raises(RateLimited):
        _ = there.hub().login
    there.refuse = []
    assert there.hub().login == BOT


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (403, {}, "Resource not accessible by integration", None),
        (403, {}, "Repository access blocked", None),
        (403, {"retry-after": "7"}, "", 7.0),
        (429, {"Retry-After": "7"}, "", 7.0),
        (429, {}, "", 60.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never", "date": NOW}, "", 60.0),
        (403, {"x-ratelimit-remaining": "4999"}, "Resource not accessible by integration", None),
        (403, {}, "You have triggered an abuse detection mechanism", 60.0),
        (500, {"retry-after": "7"}, "", None),
    ],
)
def test_the_forms_of_a_rate_limit(status: int, headers: dict[str, str], message: str, wait: float | None) -> None:
    """Only those are waited for."""
    body = f'{{"message": "{message}"}}'.encode()
    assert slow_down(Response("GitHub", "https://api.github.com", status, headers, body)) == wait
