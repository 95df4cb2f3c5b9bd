"""Events of rehearsals: what happens at the stand-in becomes a payload that a job of ours reads as GitHub's."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.adapters.actions import Event, parse_event
from deployer.cli.ci_events import Happening, Sent, send
from deployer.cli.event_names import EVENTS
from deployer.errors import UsageError
from deployer.inventory.ci import Previews
from deployer.playbooks.previewing import Pull, decide
from tests.support.github_world import REPOSITORY
from tests.unit.sandbox.github.conftest import Api

HEAD, BASE = "a" * 40, "b" * 40
# What GitHub documents for every event that is about a repository.
COMMON = {"repository", "sender"}


def happen(api: Api, event: str, *, number: int | None = 12, **more: Any) -> tuple[Sent, Event]:
    """Let it happen; returns what is sent, and what a job reads of it."""
    happening = Happening(
        event=event,
        number=number,
        head=HEAD,
        base=BASE,
        label=more.pop("label", "preview" if event == "labeled" else ""),
        comment="/preview",
        person=REPOSITORY.partition("/")[0],
        **more,
    )
    repository = api.call("GET", "").json
    sent = send(happening, repository=repository, tell=api.world)
    return sent, parse_event(sent.name, sent.payload, place="event.json")


@pytest.mark.parametrize("event", EVENTS)
def test_a_job_reads_every_event(event: str, api: Api) -> None:
    """Whatever a person can let happen is an event that our own reading understands."""
    if event == "comment":
        happen(api, "opened")
    sent, read = happen(api, event)

    assert set(sent.payload) >= COMMON
    assert sent.ref.startswith("refs/")
    assert read.name == sent.name


@pytest.mark.parametrize("event", ["opened", "synchronize", "reopened", "labeled", "closed", "merged"])
def test_a_pull_request_is_sent_as_it_is_at_that_moment(event: str, api: Api) -> None:
    """State, commits and labels are those that the API tells as well."""
    sent, read = happen(api, event)
    told = api.call("GET", "/pulls/12").json

    assert (read.number, read.head, read.base, read.untrusted) == (12, HEAD, BASE, False)
    assert sent.ref == "refs/pull/12/merge"
    for key in ("state", "merged", "number"):
        assert sent.payload["pull_request"][key] == told[key]
    assert told["state"] == ("closed" if event in ("closed", "merged") else "open")
    assert told["merged"] is (event == "merged")


def test_a_fork_is_told_from_its_payload_alone(api: Api) -> None:
    """No job has to ask GitHub to know it."""
    _, read = happen(api, "fork", number=13)

    assert read.untrusted
    assert not decide(read, Previews(), None).wanted


def test_a_label_that_is_put_on_is_named(api: Api) -> None:
    """On demand, by that label."""
    _, read = happen(api, "labeled")

    assert (read.label, read.labels) == ("preview", ("preview",))
    assert decide(read, Previews(on="label"), None).wanted


def test_a_comment_names_no_commit(api: Api) -> None:
    """That is why GitHub is asked for it."""
    happen(api, "opened")
    _, read = happen(api, "comment")
    pull = Pull(number=12, open=True, fork=False, commit=HEAD)

    assert (read.head, read.comment, read.on_pull_request) == (None, "/preview", True)
    assert decide(read, Previews(on="comment"), pull).commit == HEAD


def test_a_push_moves_the_branch(api: Api) -> None:
    """And says between which commits."""
    _, read = happen(api, "push", number=None)

    assert (read.base, read.head) == (BASE, HEAD)
    assert api.call("GET", "/commits/main/status").json["sha"] == HEAD


def test_a_form_has_what_a_person_fills_in(api: Api) -> None:
    """As texts, as GitHub sends them."""
    _, read = happen(api, "workflow_dispatch", inputs={"environment": "development"})

    assert read.inputs == {"number": "12", "environment": "development"}
    assert read.number == 12


def test_what_needs_a_number_says_so(api: Api) -> None:
    """And an event that nobody knows is named with those that there are."""
    with pytest.raises(UsageError, match="is about a pull request"):
        happen(api, "opened", number=None)
    with pytest.raises(UsageError, match="is none of opened, synchronize"):
        happen(api, "exploded")
