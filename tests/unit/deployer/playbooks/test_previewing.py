"""When a pull request gets an environment: events in the shapes of GitHub, rules of the inventory."""

from __future__ import annotations

import pytest

from deployer.adapters.actions import Event
from deployer.inventory.ci import Previews
from deployer.playbooks.previewing import Pull, asks, decide

COMMIT = "a" * 40
OTHER = "b" * 40
PULL = Pull(number=12, open=True, fork=False, commit=OTHER)


def change(action: str = "opened", *, labels: tuple[str, ...] = (), label: str = "", untrusted: bool = False) -> Event:
    """A pull request's own event."""
    return Event(
        name="pull_request", action=action, number=12, head=COMMIT, labels=labels, label=label, untrusted=untrusted
    )


def comment(body: str = "/preview", *, by: str = "MEMBER", on_pull_request: bool = True) -> Event:
    """A comment on it."""
    return Event(
        name="issue_comment",
        action="created",
        number=12,
        comment=body,
        association=by,
        on_pull_request=on_pull_request,
    )


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
def test_at_once_means_every_push(action: str) -> None:
    """With the commit that the event brings; GitHub is not asked."""
    decision = decide(change(action), Previews(on="open"), None)

    assert (decision.wanted, decision.number, decision.commit) == (True, 12, COMMIT)


@pytest.mark.parametrize("action", ["closed", "labeled", "edited", "unlabeled"])
def test_nothing_else_that_happens_to_a_pull_request_asks_for_one(action: str) -> None:
    """A label has no meaning where every pull request has an environment."""
    assert not decide(change(action, label="preview"), Previews(on="open"), None).wanted


def test_on_demand_means_those_with_the_label() -> None:
    """The label that was just put on, or one that is there when a push comes."""
    previews = Previews(on="label", label="try me")

    assert decide(change("labeled", label="try me"), previews, None).wanted
    assert decide(change("synchronize", labels=("bug", "try me")), previews, None).wanted
    assert not decide(change("labeled", label="bug", labels=("bug", "try me")), previews, None).wanted
    assert not decide(change("opened", labels=("bug",)), previews, None).wanted


@pytest.mark.parametrize("on", ["open", "label", "comment"])
def test_a_comment_asks_for_one_in_every_mode(on: str) -> None:
    """With the commit that GitHub names: the comment says none."""
    decision = decide(comment(" /preview\n"), Previews.model_validate({"on": on}), PULL)

    assert (decision.wanted, decision.commit) == (True, OTHER)


def test_with_comments_only_a_push_asks_for_nothing() -> None:
    """It says what does."""
    decision = decide(change(), Previews(on="comment"), None)

    assert not decision.wanted
    assert "/preview" in decision.why


@pytest.mark.parametrize("by", ["CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "NONE", "MANNEQUIN", ""])
def test_strangers_comments_are_not_listened_to(by: str) -> None:
    """Whoever may not write here may not spend our money, nor run a commit with our rights."""
    assert "may not" in str(asks(comment(by=by), Previews()))


@pytest.mark.parametrize("body", ["please /preview", "/preview now", "/previews", "", "> /preview\n"])
def test_only_the_command_alone_is_the_command(body: str) -> None:
    """Quotations and sentences are not."""
    assert not decide(comment(body), Previews(), PULL).wanted


def test_a_comment_on_an_issue_is_none_on_a_pull_request() -> None:
    """Both have numbers of one sequence."""
    assert not decide(comment(on_pull_request=False), Previews(), PULL).wanted


@pytest.mark.parametrize(
    ("event", "pull"),
    [
        (change(untrusted=True), None),
        (comment(), Pull(number=12, open=True, fork=True, commit=OTHER)),
        (comment(), Pull(number=12, open=False, fork=False, commit=OTHER)),
        (comment(), None),
        (Event(name="workflow_dispatch", number=12), Pull(number=12, open=True, fork=True, commit=OTHER)),
        (comment(), Pull(number=12, open=True, fork=False, commit=OTHER, bot=True)),
    ],
    ids=[
        "fork",
        "comment on a fork",
        "comment on a closed one",
        "comment on none",
        "by hand for a fork",
        "comment on Dependabot's",
    ],
)
def test_forks_closed_ones_and_unknown_numbers_get_none(event: Event, pull: Pull | None) -> None:
    """Whoever asks."""
    decision = decide(event, Previews(), pull)

    assert not decision.wanted
    assert decision.why
    assert decision.commit is None


@pytest.mark.parametrize("name", ["push", "schedule", "merge_group"])
def test_other_events_ask_for_none(name: str) -> None:
    """They are about no pull request."""
    assert not decide(Event(name=name), Previews(), None).wanted
