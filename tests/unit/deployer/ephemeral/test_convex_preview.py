"""Convex previews: who may be asked and changed, how long they are kept, and that a seed runs once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.adapters.convex import ConvexDeployment, ConvexManagement, Preview
from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor
from deployer.engine.change import Unknown
from deployer.engine.step import Context
from deployer.engine.stop import Stop
from deployer.errors import ConfigError, CredentialsRefused, GuardRefused, ServiceUnreachable, StepFailed
from deployer.playbooks.guarding import guard_of
from deployer.steps.convex import BACKEND, Backend
from deployer.steps.convex_preview import MARGIN, PreviewDeleted, PreviewKept, SeedRun, align, fits
from deployer.steps.release_record import ReleaseRecord
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory
from tests.support.loopback import Answer, Loopback, loopback

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NEEDED = NOW + timedelta(hours=72)
PROJECT = Answer(200, {"id": 7, "teamId": 41})
WHERE = "GET /v1/teams/vibechecc/projects/vibechecc"
LIST = "GET /v1/projects/7/list_deployments"


def deployment(name: str, identifier: str | None, *, kind: str = "preview", expires: datetime | None = None) -> Any:
    """One as the API lists it."""
    moment = None if expires is None else int(expires.timestamp() * 1000)
    return {"name": name, "previewIdentifier": identifier, "deploymentType": kind, "expiresAt": moment}


LISTED = Answer(
    200,
    [
        deployment("calm-otter-1", "pr-1"),
        deployment("calm-otter-12", "pr-12", expires=NOW),
        deployment("polished-heron-217", None, kind="prod"),
        deployment("made-by-hand-1", None),
    ],
)
ROUTES = {
    WHERE: PROJECT,
    LIST: LISTED,
    "PATCH /v1/deployments/calm-otter-12": Answer(200),
    "POST /v1/deployments/calm-otter-12/delete": Answer(200),
}


def management(server: Loopback, *, number: int = 12) -> ConvexManagement:
    """The project, as a run for this number may change it."""
    loaded = inventory()
    return ConvexManagement(
        http=Http(Redactor()),
        base=server.url,
        team="vibechecc",
        project="vibechecc",
        token=lambda: "team-token",
        guard=guard_of(loaded, loaded.environment(f"pr-{number}")),
    )


def context(*, check: bool = False, backend: Backend | Unknown | None = None) -> Context:
    """Of a step after the functions."""

    class Given:
        def read(self, name: str, reader: str) -> object:
            assert name == BACKEND
            return backend

    return Context(step="tested", check=check, stop=Stop(), values=Given())


def changing(server: Loopback) -> list[tuple[str, str]]:
    """What was asked that changes something."""
    return [(each.method, each.path) for each in server.asked if each.method != "GET"]


def test_a_preview_is_known_by_its_whole_name() -> None:
    """pr-1 is not pr-12, and production is no preview."""
    with loopback(routes=ROUTES) as server:
        found = management(server).previews_called("pr-1")
        assert [each.name for each in found] == ["calm-otter-1"]
        assert {each.name for each in management(server).previews()} == {
            "calm-otter-1",
            "calm-otter-12",
            "made-by-hand-1",
        }
        assert server.asked[0].headers["authorization"] == "Bearer team-token"


def test_deployments_are_counted_over_all_pages() -> None:
    """The quota is the team's."""
    first = Answer(200, {"items": [{}] * 3, "pagination": {"hasMore": True, "nextCursor": "a b"}})
    last = Answer(200, {"items": [{}], "pagination": {"hasMore": False, "nextCursor": None}})
    path = "GET /v1/teams/41/list_deployments"
    with loopback(routes={WHERE: PROJECT, f"{path}?cursor=a%20b": last, path: first}) as server:
        assert management(server).count() == 4


@pytest.mark.parametrize("identifier", ["pr-1", "pr-123", "production", None])
def test_only_its_own_preview_is_changed(identifier: str | None) -> None:
    """The token could delete production: the guard is asked before anything is sent."""
    with loopback(routes=ROUTES) as server:
        theirs = Preview(name="calm-otter-1", identifier=identifier)
        deeds: list[Callable[[], None]] = [
            lambda: management(server).delete(theirs),
            lambda: management(server).expire(theirs, NEEDED),
        ]
        for deed in deeds:
            with pytest.raises(GuardRefused):
                deed()
        assert server.asked == []


def test_one_that_is_gone_is_no_error_and_another_no_is() -> None:
    """Deleting twice is deleting once; without rights it is said."""
    own = Preview(name="calm-otter-12", identifier="pr-12")
    with loopback(routes={"POST /v1/deployments/calm-otter-12/delete": Answer(404, {"code": "x"})}) as server:
        management(server).delete(own)
    refused = {"POST /v1/deployments/calm-otter-12/delete": Answer(403, {"code": "x"})}
    with loopback(routes=refused) as server, pytest.raises(CredentialsRefused):
        management(server).delete(own)


def test_longer_than_the_plan_allows_is_the_inventorys_mistake() -> None:
    """It names the key."""
    refused = Answer(400, {"code": "InvalidExpiration", "message": "exceeds the retention"})
    routes = {"PATCH /v1/deployments/calm-otter-12": refused}
    with loopback(routes=routes) as server, pytest.raises(ConfigError) as caught:
        management(server).expire(Preview(name="calm-otter-12", identifier="pr-12"), NEEDED)
    assert "lease.hours" in str(caught.value.hint)
    assert "exceeds the retention" in caught.value.details[0]


# --- how long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "needed", "does"),
    [
        (NEEDED, NEEDED, True),
        (NEEDED + MARGIN, NEEDED, True),
        (NEEDED - timedelta(seconds=1), NEEDED, False),
        (NEEDED + 2 * MARGIN + timedelta(seconds=1), NEEDED, False),
        (None, NEEDED, False),
        (NEEDED, None, False),
        (None, None, True),
    ],
)
def test_a_preview_fits_its_lease(expires: datetime | None, needed: datetime | None, does: bool) -> None:
    """Not gone before it, and not there for days after it."""
    assert fits(expires, needed) is does


def kept(server: Loopback, needed: datetime | None = NEEDED) -> PreviewKept:
    """The step."""
    return PreviewKept(name="k", management=management(server), preview="pr-12", needed=lambda: needed)


def test_it_is_kept_until_after_its_lease() -> None:
    """One change, that says when; then it fits and the next run has nothing to do."""
    with loopback(routes=ROUTES) as server:
        step = kept(server)
        facts = step.observe(context())
        (change,) = step.diff(context(), facts)
        step.apply(context(), facts, [change])
        assert change.summary == "kept until 2026-11-29 00:00 UTC"
        assert server.asked[-1].json() == {"expiresAt": int((NEEDED + MARGIN).timestamp() * 1000)}
        assert changing(server) == [("PATCH", "/v1/deployments/calm-otter-12")]


def test_a_pinned_one_has_no_end() -> None:
    """Convex is told so."""
    with loopback(routes=ROUTES) as server:
        step = kept(server, needed=None)
        facts = step.observe(context())
        step.apply(context(), facts, step.diff(context(), facts))
        assert server.asked[-1].json() == {"expiresAt": None}
        align(management(server), "pr-12", None)
        assert server.asked[-1].json() == {"expiresAt": None}


def test_without_the_token_nobody_is_asked() -> None:
    """And nothing is said to change, whether it looks or not."""
    step = PreviewKept(name="k", management=None, preview="pr-12", needed=lambda: pytest.fail("asked"))
    for check in (True, False):
        assert step.diff(context(check=check), step.observe(context(check=check))) == ()


def test_check_says_of_a_new_one_that_it_may_be_changed() -> None:
    """Convex gives it an end of its own, which nobody knows before."""
    with loopback(routes={WHERE: PROJECT, LIST: Answer(200, [])}) as server:
        step = kept(server)
        facts = step.observe(context(check=True))
        assert [change.certain for change in step.diff(context(check=True), facts)] == [False]
        assert step.diff(context(), facts) == ()


def test_it_is_deleted_and_then_there_is_nothing_to_do() -> None:
    """By the name that it was asked for, whatever Convex called it."""
    with loopback(routes=ROUTES) as server:
        step = PreviewDeleted(name="d", management=management(server), preview="pr-12")
        facts = step.observe(context())
        changes = step.diff(context(), facts)
        step.apply(context(), facts, changes)
        assert [(change.address, change.summary) for change in changes] == [
            ("convex:preview/pr-12", "deployment calm-otter-12")
        ]
        assert changing(server) == [("POST", "/v1/deployments/calm-otter-12/delete")]
        assert step.diff(context(), []) == ()


# --- the seed ----------------------------------------------------------------------------------------------------

RUN = "POST /api/function"
WELL = Answer(200, {"status": "success", "value": None})


def backend(server: Loopback) -> Backend:
    """The preview."""
    deployment = ConvexDeployment(Http(Redactor()), server.url, "admin-key")
    return Backend(deployment, "https://site.example", "push-key", "pr-12")


def seed(bucket: MemoryBucket, function: str = "seed:run") -> SeedRun:
    """The step."""
    return SeedRun(name="s", function=function, record=ReleaseRecord(bucket, "pr-12"))


def test_a_seed_runs_once_for_each_deployment() -> None:
    """A preview that Convex has let go and made again is empty again."""
    bucket = MemoryBucket()
    with loopback(routes={RUN: WELL}) as server, loopback(routes={RUN: WELL}) as anew:
        for target, times in ((server, 1), (server, 1), (anew, 1)):
            step, given = seed(bucket), context(backend=backend(target))
            facts = step.observe(given)
            changes = step.diff(given, facts)
            if changes:
                step.apply(given, facts, changes)
            assert len(target.asked) == times
        assert server.asked[0].json() == {"path": "seed:run", "format": "json", "args": {}}
        assert server.asked[0].headers["authorization"] == "Convex admin-key"


def test_another_function_is_another_seed() -> None:
    """The record says which one has run."""
    bucket = MemoryBucket()
    with loopback(routes={RUN: WELL}) as server:
        given = context(backend=backend(server))
        step = seed(bucket)
        step.apply(given, False, step.diff(given, False))
        assert step.observe(given)
        assert not seed(bucket, "seed:more").observe(given)


@pytest.mark.parametrize("status", [200, 560])
def test_a_seed_that_fails_is_said_and_runs_again(status: int) -> None:
    """Convex says so in the body, whatever the status; it is not recorded, and not repeated at once."""
    bucket = MemoryBucket()
    failed = Answer(status, {"status": "error", "errorMessage": "Uncaught Error: no such table\n    at seed.ts:3"})
    with loopback(routes={RUN: failed}) as server:
        given = context(backend=backend(server))
        with pytest.raises(StepFailed, match="the function `seed:run` failed") as caught:
            seed(bucket).apply(given, False, [])
        assert caught.value.details[0] == "Uncaught Error: no such table"
        assert len(server.asked) == 1
        assert not seed(bucket).observe(given)


def test_a_lost_answer_does_not_run_it_twice_at_once() -> None:
    """Nobody knows what a function does: the next run is a person's to start."""
    with loopback(Answer(drop=True)) as server:
        with pytest.raises(ServiceUnreachable):
            backend(server).deployment.run("seed:run")
        assert len(server.asked) == 1
