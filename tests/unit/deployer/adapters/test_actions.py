"""A job's event is read with complaint, and no text of a stranger becomes a command of the runner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.actions import Actions, annotation, parse_event
from deployer.errors import ConfigError

COMMIT = "c" * 40
ZERO = "0" * 40


def pull_request(**changes: Any) -> dict[str, Any]:
    """A payload with what we read of it; `changes` are of the pull request."""
    pull = {
        "number": 12,
        "head": {"sha": COMMIT, "repo": {"full_name": "octo/vibes"}},
        "base": {"sha": "d" * 40},
        "labels": [{"name": "preview"}],
        "user": {"login": "mira"},
    }
    return {"action": "opened", "pull_request": {**pull, **changes}, "repository": {"full_name": "octo/vibes"}}


def test_a_pull_request_of_ours_is_trusted() -> None:
    """Number, commits and labels are taken over."""
    event = parse_event("pull_request", pull_request(), place="event.json")

    assert (event.number, event.head, event.base, event.labels) == (12, COMMIT, "d" * 40, ("preview",))
    assert not event.untrusted


@pytest.mark.parametrize(
    "changes",
    [
        {"head": {"sha": COMMIT, "repo": {"full_name": "mallory/vibes"}}},
        {"head": {"sha": COMMIT, "repo": None}},
        {"head": {"sha": COMMIT}},
        {"user": {"login": "dependabot[bot]"}},
    ],
    ids=["fork", "fork that is gone", "no word of a repository", "bot without secrets"],
)
def test_whatever_is_not_known_to_be_ours_is_not_trusted(changes: dict[str, Any]) -> None:
    """A missing repository is a stranger's."""
    assert parse_event("pull_request", pull_request(**changes), place="event.json").untrusted


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {**pull_request(), "pull_request": []},
        pull_request(number="12"),
        pull_request(number=True),
        pull_request(head={"sha": "$(rm -rf .)", "repo": None}),
        pull_request(labels=["preview"]),
    ],
    ids=["empty", "no object", "text for a number", "truth for a number", "no commit", "labels of another form"],
)
def test_a_payload_of_another_form_is_refused(payload: dict[str, Any]) -> None:
    """With the file that it is in."""
    with pytest.raises(ConfigError) as caught:
        parse_event("pull_request", payload, place="event.json")

    assert caught.value.place == "event.json"


def test_a_new_branch_is_compared_with_nothing() -> None:
    """GitHub writes zeros for the commit before the first."""
    event = parse_event("push", {"before": ZERO, "after": COMMIT}, place="event.json")

    assert (event.base, event.head) == (None, COMMIT)


@pytest.mark.parametrize("number", ["0", "12; ls", "-1", "1e3", "1\uff19"])
def test_a_number_given_by_hand_is_a_number(number: str) -> None:
    """What a person types into the form reaches no command unread."""
    with pytest.raises(ConfigError):
        parse_event("workflow_dispatch", {"inputs": {"number": number}}, place="event.json")


def job(folder: Path, **more: str) -> Actions:
    """A job whose files are in `folder`."""
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
    return Actions(
        variables={"GITHUB_ACTIONS": "true", **files, **more}, redact=lambda text: text.replace("hush", "***")
    )


def test_the_event_is_read_from_the_file_that_the_job_names(tmp_path: Path) -> None:
    """Outside a job there is none."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(pull_request()))

    event = job(tmp_path, GITHUB_EVENT_PATH=str(path), GITHUB_EVENT_NAME="pull_request").event()

    assert event is not None
    assert event.number == 12
    assert Actions(variables={}).event() is None


def test_a_value_cannot_end_itself_and_begin_another(tmp_path: Path) -> None:
    """The delimiter is chosen at random for each."""
    job(tmp_path).output("title", "harmless\nEOF\nwanted=true")
    job(tmp_path).output("title", "hush")
    first, *_, end, second, value, _ = (tmp_path / "GITHUB_OUTPUT").read_text().splitlines()

    assert first == f"title<<{end}"
    assert second.startswith("title<<end-")
    assert second != first
    assert value == "***"


def test_outside_a_job_nothing_is_written(tmp_path: Path) -> None:
    """A laptop with such a variable set stays as it is."""
    path = tmp_path / "output"
    Actions(variables={"GITHUB_OUTPUT": str(path)}).output("wanted", "true")

    assert not path.exists()


@pytest.mark.parametrize(
    ("message", "place", "line"),
    [
        ("broken", "environments.toml:12", "::error file=environments.toml,line=12::broken"),
        ("broken", "a,b:12:3", "::error file=a%2Cb,line=12,col=3::broken"),
        ("100 %\n::set-env::x", "environments.toml:1", "::error file=environments.toml,line=1::100 %25%0A::set-env::x"),
        ("broken", None, "::error::broken"),
        ("broken", "the process environment", "::error::broken (the process environment)"),
    ],
)
def test_an_error_is_shown_where_it_stands(message: str, place: str | None, line: str) -> None:
    """In one line, whatever is in it: a second one could be a command."""
    assert annotation(message, place=place) == line


def test_a_summary_is_added_while_there_is_room(tmp_path: Path) -> None:
    """A page over GitHub's limit is not shown at all; outside Actions there is none, and both are told."""
    page = tmp_path / "summary.md"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    job = Actions(variables=variables, redact=lambda text: text.replace("secret", "***"))

    assert job.summary("one secret\n")
    assert job.summary("x" * 1_048_560)
    assert not job.summary("one line too many")
    assert page.read_text().startswith("one ***\n\nxxx")
    assert page.stat().st_size <= 1_048_576
    assert not Actions(variables={"GITHUB_STEP_SUMMARY": str(page)}).summary("on a laptop")
    assert not Actions(variables={"GITHUB_ACTIONS": "true"}).summary("no page")
