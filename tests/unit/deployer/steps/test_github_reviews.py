"""A review counts if GitHub says so at that moment, for a login that the inventory knows; a file proves nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployer.inventory.review import Approver
from deployer.review.approval import Review
from deployer.steps.github_reviews import Confirmed, GitHubReviews
from tests.support.github import Repository, github, review_data, run_data

APPROVERS = {"mira": Approver(github="Mira-K"), "tom": Approver(github="tom")}
REVIEW = Review(repository="acme/shop", run="5", environment="production", login="mira-k")


@pytest.fixture
def there() -> Iterator[Repository]:
    """Run 5 was approved by mira at production, and by tom elsewhere."""
    with github() as repository:
        repository.runs[5] = run_data(5)
        repository.reviews[5] = [review_data("mira-k"), review_data("tom", environment="staging")]
        yield repository


def confirm(there: Repository | None, review: Review = REVIEW) -> Confirmed:
    """What GitHub says of it now, if there is anybody to ask."""
    asked = GitHubReviews(hub=lambda: there.hub() if there else None, why_not=lambda: "GitHub is not asked: no token")
    return asked.confirm(review, APPROVERS)


def changed(**fields: str) -> Review:
    """The review with something else in its file."""
    return REVIEW.model_copy(update=fields)


def test_a_review_that_github_has_is_its_authors(there: Repository) -> None:
    """Whatever the capitals; with the commit that the run is for."""
    found = confirm(there)
    assert (found.signer, found.commit, found.why) == ("mira", "a" * 40, "")


@pytest.mark.parametrize(
    ("review", "why"),
    [
        (changed(login="tom"), "knows of no approval by `tom` at `production`"),
        (changed(environment="live"), "nobody has approved run 5 at `live`"),
        (changed(run="6"), "has no run 6"),
        (changed(run="5/../6"), "`5/../6` is no run"),
        (changed(repository="acme/other"), "it is of `acme/other`"),
    ],
)
def test_what_a_file_makes_up_is_worth_nothing(there: Repository, review: Review, why: str) -> None:
    """Each of its words is held against GitHub's."""
    found = confirm(there, review)
    assert found.signer is None
    assert why in found.why


def test_a_stranger_may_review_and_is_no_approver(there: Repository) -> None:
    """The repository's settings let them; the inventory decides whose word counts."""
    there.reviews[5].append(review_data("stranger"))
    found = confirm(there, changed(login="stranger"))
    assert (found.signer, found.why) == (None, "`stranger` is no approver's `github` in the inventory")


def test_a_run_that_was_rejected_too_has_nobodys_approval(there: Repository) -> None:
    """In which order it was said is not known."""
    there.reviews[5].append(review_data("tom", state="rejected"))
    assert "was also rejected at `production`, by `tom`" in confirm(there).why
    there.reviews[5][-1] = review_data("tom", environment="staging", state="rejected")
    assert confirm(there).signer == "mira"


def test_what_was_taken_back_counts_no_longer(there: Repository) -> None:
    """The record is still there; GitHub is what counts."""
    assert confirm(there).signer == "mira"
    there.reviews[5] = []
    assert confirm(there).signer is None
    del there.runs[5]
    assert confirm(there).signer is None


def test_nobody_to_ask_is_no_approval_and_said(there: Repository) -> None:
    """No token, GitHub down, no right to read runs, an answer about another run."""
    assert confirm(None).why == "it is a review on GitHub, and GitHub is not asked: no token"
    for planned, why in (
        ((500, {"message": "Unicorn"}), "GitHub could not be asked: GitHub answered with status 500"),
        ((403, {"message": "Resource not accessible"}), "GitHub could not be asked: GitHub does not let this token"),
        ((200, run_data(7)), "GitHub answered for another run"),
    ):
        there.refuse = [(".*", *planned, {})]
        found = confirm(there)
        assert found.signer is None
        assert why in found.why
