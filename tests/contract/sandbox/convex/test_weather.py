"""Injected bad weather on a deployment: errors, lost answers, cut connections, delays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.convex import MESSAGES, PRODUCTION, Client, Convex

SERVICE = "convex-deployment"


@pytest.fixture
def deployment(convex: Convex) -> Iterator[Client]:
    """The development deployment with a few functions, and fair weather afterwards."""
    found = convex.deployment()
    found.push({"messages.js": MESSAGES})
    yield found
    convex.running.control("DELETE", "/faults")


def arm(convex: Convex, path: str, **fault: Any) -> None:
    """One fault."""
    convex.running.control("POST", "/faults", {"service": SERVICE, "path": path, **fault})


def test_error_as_often_as_asked(convex: Convex, deployment: Client) -> None:
    """A fault answers for the function instead of it, as often as it says."""
    arm(convex, "/api/mutation", status=503, code="Overloaded", message="try later", count=2, retry_after_ms=1500)
    body = {"path": "messages:send", "args": {"body": "x"}}
    for _ in range(2):
        answer = httpx.post(f"{deployment.url}/api/mutation", json=body)
        assert (answer.status_code, answer.json()) == (503, {"code": "Overloaded", "message": "try later"})
        assert answer.headers["retry-after"] == "2"
    assert deployment.value("query", "messages:count") == 0
    assert deployment.call("mutation", "messages:send", {"body": "x"})["status"] == "success"


def test_lost_answer(convex: Convex, deployment: Client) -> None:
    """The connection is cut after the mutation was carried out, or before; the log has both with status 0."""
    count = deployment.value("query", "messages:count")
    arm(convex, "/api/mutation", drop="after")
    with pytest.raises(httpx.TransportError):
        deployment.call("mutation", "messages:send", {"body": "done"})
    assert deployment.value("query", "messages:count") == count + 1
    arm(convex, "/api/mutation", drop="before")
    with pytest.raises(httpx.TransportError):
        deployment.call("mutation", "messages:send", {"body": "not done"})
    assert deployment.value("query", "messages:count") == count + 1
    cut = [entry for entry in convex.running.requests() if entry["path"] == "/api/mutation" and entry["status"] == 0]
    assert len(cut) == 2


def test_delay(convex: Convex, deployment: Client) -> None:
    """A delay makes the answer late, not wrong."""
    arm(convex, "/api/query", delay_ms=400)
    started = time.monotonic()
    assert isinstance(deployment.value("query", "messages:count"), (int, float))
    assert time.monotonic() - started >= 0.4


def test_deploy_meets_an_error(convex: Convex, app: Path) -> None:
    """The CLI gives up at once when finishing the push fails; nothing is live then, and the next deploy succeeds."""
    deployment, key = convex.deployment(PRODUCTION), convex.key(PRODUCTION)
    arm(convex, "/api/deploy2/finish_push", status=500, code="InternalServerError", message="storm")
    failed = convex.cli(app, "deploy", key=key, check=False)
    assert failed.returncode == 1
    assert "storm" in failed.stderr
    assert deployment.hashes() == {}
    convex.cli(app, "deploy", key=key)
    assert "messages.js" in deployment.hashes()


def test_log_has_no_secrets(convex: Convex, deployment: Client) -> None:
    """Request logs never hold a key, a token or a value."""
    deployment.variables(CANARY="canary-value-in-a-body").raise_for_status()
    httpx.get(f"{deployment.url}/api/v1/list_environment_variables", params={"adminKey": convex.key()})
    for path in (convex.running.home.root / "requests").glob("*.ndjson"):
        text = path.read_text()
        for secret in (convex.key(), convex.key().split("|")[1], convex.team_token, "canary-value-in-a-body"):
            assert secret not in text
