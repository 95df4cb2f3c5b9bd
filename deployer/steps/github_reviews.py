"""Reviews of a GitHub environment, read from GitHub whenever one is to count: a file that says so proves nothing.

A run waits at an environment of the repository's settings until one of its reviewers lets it pass. Who that was GitHub
keeps with the run, without saying when; a run that somebody rejected, too, has nobody's approval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployError
from deployer.review.approval import Review

if TYPE_CHECKING:
    from deployer.adapters.github import GitHub, RunReview, WorkflowRun
    from deployer.inventory.review import Approver


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Whose approval GitHub confirms, and of which commit; or None, and why not."""

    signer: str | None
    why: str = ""
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Those who let a run pass at one environment, with what they said; `why` says why there is nobody."""

    run: WorkflowRun | None
    reviews: Sequence[RunReview] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class GitHubReviews:
    """Asks the repository that `hub` is; None where GitHub cannot be asked, and `why_not` then says why."""

    hub: Callable[[], GitHub | None]
    why_not: Callable[[], str]

    def confirm(self, review: Review, approvers: Mapping[str, Approver]) -> Confirmed:
        """Whether GitHub knows of this very review, and whose it is in the inventory; no error, whatever is wrong."""
        try:
            hub = self.hub()
            if hub is None:
                return Confirmed(signer=None, why=f"it is a review on GitHub, and {self.why_not()}")
            if review.repository.lower() != hub.repository.lower():
                return Confirmed(
                    signer=None, why=f"it is of `{review.repository}`, and asked can be `{hub.repository}`"
                )
            if not review.run.isdecimal():
                return Confirmed(signer=None, why=f"`{review.run}` is no run on GitHub")
            passed = passed_at(hub, int(review.run), environment=review.environment)
        except DeployError as error:
            return Confirmed(signer=None, why=f"GitHub could not be asked: {error.message}")
        if not any(same_login(each.login, review.login) for each in passed.reviews):
            why = passed.why or f"GitHub knows of no approval by `{review.login}` at `{review.environment}`"
            return Confirmed(signer=None, why=why)
        person = person_of(review.login, approvers)
        if person is None:
            return Confirmed(signer=None, why=f"`{review.login}` is no approver's `github` in the inventory")
        return Confirmed(signer=person, commit=passed.run.head_sha if passed.run else None)


def passed_at(hub: GitHub, run_id: int, *, environment: str) -> Passed:
    """Who let this run pass at this environment."""
    run = hub.run(run_id)
    if run is None:
        return Passed(run=None, why=f"{hub.repository} has no run {run_id}")
    if run.repository.lower() != hub.repository.lower() or run.id != run_id:
        return Passed(run=None, why=f"GitHub answered for another run ({run.repository}, {run.id})")
    here = [each for each in hub.approvals(run_id) if environment in each.environments]
    rejected = [each.login for each in here if not each.approved]
    if rejected:
        return Passed(run=run, why=f"run {run_id} was also rejected at `{environment}`, by `{rejected[0]}`")
    if not here:
        return Passed(run=run, why=f"nobody has approved run {run_id} at `{environment}`")
    return Passed(run=run, reviews=here)


def person_of(login: str, approvers: Mapping[str, Approver]) -> str | None:
    """The approver with this login."""
    return next((name for name, each in approvers.items() if each.github and same_login(each.github, login)), None)


def same_login(one: str, other: str) -> bool:
    """GitHub tells no capitals apart."""
    return one.lower() == other.lower()
