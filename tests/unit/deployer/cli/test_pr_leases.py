"""pr.extend, pr.pin and pr.show: the lease, Convex's preview that goes with it, and what is said of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.leases import wish
from tests.support.loopback import Answer, Loopback, loopback
from tests.support.pr_desk import Desk, make_desk

PREVIEW = "PATCH /v1/deployments/calm-otter-12"


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path, capsys, monkeypatch)
    assert desk.pr("up").code == 0
    return desk


@pytest.fixture(name="convex")
def _convex(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Convex has a preview of pr-12, and the team's token is there."""
    listed = {"name": "calm-otter-12", "previewIdentifier": "pr-12", "deploymentType": "preview", "expiresAt": 1}
    routes = {
        "GET /v1/teams/vibechecc/projects/vibechecc": Answer(200, {"id": 7}),
        "GET /v1/projects/7/list_deployments": Answer(200, [listed]),
        PREVIEW: Answer(200),
    }
    with loopback(routes=routes) as server:
        monkeypatch.setenv("CONVEX_MANAGEMENT_TOKEN", "made-up-token")
        monkeypatch.setattr(
            "deployer.adapters.convex.ConvexManagement._url", lambda _management, path: f"{server.url}/v1{path}"
        )
        yield server


def test_a_lease_is_extended_pinned_and_has_an_end_again(desk: Desk, convex: Loopback) -> None:
    """Convex keeps the preview a little longer than the lease, and without an end while it is pinned."""
    before = json.loads(desk.pr("show", "--json").out)["lease"]
    longer = json.loads(desk.pr("extend", "--hours", "100", "--json").out)["lease"]
    assert longer["expires"] > before["expires"]
    assert convex.asked[-1].json()["expiresAt"] > 1

    pinned = desk.pr("pin", "--json")
    assert json.loads(pinned.out)["lease"]["state"] == "pinned"
    assert convex.asked[-1].json() == {"expiresAt": None}

    freed = json.loads(desk.pr("pin", "--off", "--json").out)["lease"]
    assert (freed["state"], freed["expires"]) == ("open", longer["expires"])


@pytest.mark.parametrize("flags", [("extend", "--hours", "200"), ("pin",)])
def test_what_convex_does_not_keep_is_not_promised(desk: Desk, convex: Loopback, flags: tuple[str, ...]) -> None:
    """A lease longer than its preview would fail each later run, and nothing makes it shorter again."""
    before = desk.store().read().lease
    convex.routes[PREVIEW] = Answer(400, {"code": "InvalidExpiration", "message": "too long"})
    refused = desk.pr(*flags)

    assert refused.code == 2
    assert "Convex does not keep the preview" in refused.err
    assert desk.store().read().lease == before


def test_one_without_a_lease_has_nothing_to_extend(desk: Desk) -> None:
    """The command that is named acts on the same target."""
    refused = desk.pr("extend", number=1)
    assert refused.code == 2
    assert "hint: `inv pr.list` shows those that are there" in refused.err


def test_what_is_left_is_finished_by_a_command_that_names_it(desk: Desk) -> None:
    """A removal that was cut off after its tombstone."""
    desk.store().close(wish(run="killed"))
    assert "not yet, or not wholly: `inv pr.down --env pr-12` goes on" in desk.pr("show").out


def test_what_github_does_not_know_was_asked(desk: Desk) -> None:
    """A number without a pull request is told from a GitHub that nobody could ask."""
    assert "pull request  12, GitHub was not asked" in desk.pr("show").out
    desk.pulls[1] = "open"
    assert "pull request  12, not known to GitHub" in desk.pr("show").out
