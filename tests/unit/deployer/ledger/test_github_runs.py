"""A GitHub run that has ended proves that its owner is gone; anything that GitHub cannot say proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.github import GitHub
from deployer.errors import EnvironmentLocked
from deployer.steps.github_runs import GitHubRuns
from deployer.steps.ledger_runs import last_runs
from tests.support.github import Repository, github, run_data
from tests.support.ledgers import ELSEWHERE, World, ended_process, open_run

CI: dict[str, Any] = {
    "system": "github",
    "repository": "acme/shop",
    "run": "5",
    "attempt": "1",
    "url": "https://github.com/acme/shop/actions/runs/5",
}


def asking(hub: Callable[[], GitHub | None]) -> GitHubRuns:
    """Whoever asks this repository, or has no token."""
    return GitHubRuns(hub=hub, why_not=lambda: "GitHub is not asked: no GITHUB_TOKEN")


@pytest.fixture
def there() -> Iterator[Repository]:
    """A repository in which attempt 1 of run 5 ended ten minutes ago, and attempt 2 is at work."""
    with github() as repository:
        repository.runs[5] = run_data(5, status="in_progress", conclusion=None, run_attempt=2)
        repository.attempts[5, 1] = run_data(5)
        yield repository


@pytest.fixture(name="world")
def _world(tmp_path: Path, there: Repository) -> World:
    world = World(tmp_path)
    world.runs = asking(there.hub)
    return world


def refused(world: World) -> str:
    """What is said of the holder, who keeps the environment."""
    with pytest.raises(EnvironmentLocked) as caught:
        world.lock().free()
    return str(caught.value.details[0])


def late(there: Repository, **more: Any) -> None:
    """The run ended this very moment by GitHub's clock, so that every sign of life was before."""
    there.attempts[5, 1] = run_data(5, updated_at="2026-11-25T12:00:00Z", **more)


def test_an_attempt_that_has_ended_is_proof(world: World, there: Repository) -> None:
    """Long before its heartbeat runs out, while the next attempt is at work already."""
    late(there)
    open_run(world.ledger, "far", ELSEWHERE, ci=CI)
    assert world.lock().free().sequence == 2
    (run,) = last_runs(world.ledger, 0)
    assert run.closed is not None
    assert run.closed.body["closed_by"]["proof"] == "GitHub's run 5, attempt 1, has ended (cancelled)"


def test_a_run_at_work_is_none(world: World, there: Repository) -> None:
    """Also while it waits for somebody's review."""
    late(there, status="waiting", conclusion=None)
    open_run(world.ledger, "far", ELSEWHERE, ci=CI)
    assert "s old; GitHub's run 5, attempt 1, is `waiting`" in refused(world)


def test_a_sign_of_life_after_the_end_is_none(world: World) -> None:
    """A runner that lost GitHub may go on with what it does; ended ten minutes ago, it wrote just now."""
    open_run(world.ledger, "far", ELSEWHERE, ci=CI)
    assert "is completed, and something of it gave a sign of life after that" in refused(world)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repository": "stranger/shop"}, "its run is one of `stranger/shop`, and asked can be `acme/shop`"),
        ({"repository": None, "url": None}, "its run is one of `an unknown repository`"),
        ({"run": "6"}, "GitHub does not know its run 6"),
    ],
)
def test_another_run_is_none(world: World, there: Repository, changes: dict[str, Any], said: str) -> None:
    """Of another repository, of nobody knows which, one that GitHub has forgotten."""
    late(there)
    open_run(world.ledger, "far", ELSEWHERE, ci=CI | changes)
    assert said in refused(world)


@pytest.mark.parametrize("changes", [{"system": "other"}, {"run": "5; rm"}, {"run": None}])
def test_what_names_no_run_is_not_asked_for(world: World, there: Repository, changes: dict[str, Any]) -> None:
    """Nothing is said about GitHub then."""
    late(there)
    open_run(world.ledger, "far", ELSEWHERE, ci=CI | changes)
    assert "GitHub" not in refused(world)
    assert there.asked == []


def test_an_older_entry_names_its_repository_in_the_address(world: World, there: Repository) -> None:
    """Entries from before `repository` was written; without an attempt the whole run has to have ended."""
    there.runs[5] = run_data(5, updated_at="2026-11-25T12:00:00Z", run_attempt=3)
    older = {name: CI[name] for name in ("system", "run", "url")}
    open_run(world.ledger, "far", ELSEWHERE, ci=older)
    assert world.lock().free().sequence == 2


def test_nobody_to_ask_is_none_and_said(world: World, there: Repository) -> None:
    """No token; GitHub down; a token that may not read runs; an answer about something else."""
    open_run(world.ledger, "far", ELSEWHERE, ci=CI)
    world.runs = asking(lambda: None)
    assert refused(world).endswith("; GitHub is not asked: no GITHUB_TOKEN")
    for planned, said in (
        ((500, {"message": "Unicorn"}), "GitHub could not be asked: GitHub answered with status 500"),
        ((403, {"message": "Resource not accessible"}), "GitHub could not be asked: GitHub does not let this token"),
        ((200, {}), "GitHub could not be asked: GitHub answered in a form"),
        ((200, run_data(7)), "GitHub answered for another run (acme/shop, 7)"),
    ):
        there.refuse = [(".*", *planned, {})]
        world.runs = asking(there.hub)
        assert said in refused(world)


def test_whoever_waits_does_not_ask_every_second(world: World, there: Repository) -> None:
    """GitHub counts requests."""
    open_run(world.ledger, "far", ELSEWHERE, ci=CI)
    lock = world.lock()
    for _ in range(5):
        with pytest.raises(EnvironmentLocked):
            lock.free()
    assert len(there.asked) == 1


def test_what_is_proven_here_is_not_asked_for_there(world: World, there: Repository) -> None:
    """A dead process of this machine needs no GitHub; one that lives is never robbed by it."""
    late(there)
    open_run(world.ledger, "dead", ended_process(), ci=CI)
    assert world.lock().free().sequence == 2
    alive = replace(ELSEWHERE.own())
    open_run(world.ledger, "alive", alive, ci=CI)
    assert "is alive on this machine" in refused(world)
    assert there.asked == []
