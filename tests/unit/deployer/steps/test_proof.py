"""The proof: only the live host's own answers count."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor
from deployer.errors import Interrupted, Unverified
from deployer.steps.proof import Proof
from tests.support.loopback import Answer, Loopback, loopback


def proof(server: Loopback, *, seconds: float = 1.0) -> Proof:
    """A proof against the server, under another host's name."""
    return Proof(
        name="proof", http=Http(Redactor(), timeout=5.0), base=server.url, headers={"Host": "dev.example.org"},
        url="https://dev.example.org", health="/health", seconds=seconds,
    )  # fmt: skip


RIGHT = Answer(200, {"digest": "d1", "commit": "c", "environment": "dev"})


def test_release_and_health_prove_it(context: Any) -> None:
    """Both are asked under the host's name and past every cache."""
    with loopback(routes={"GET /release.json": RIGHT, "GET /health": Answer(200, "fine")}) as server:
        assert proof(server).observe(context.of(worker__release="d1")) == "d1"
        assert [asked.path for asked in server.asked] == ["/release.json", "/health"]
        assert all(asked.headers["host"] == "dev.example.org" for asked in server.asked)


@pytest.mark.parametrize(
    ("release", "health", "doubt"),
    [
        (Answer(404), Answer(200), "/release.json answers with status 404"),
        (Answer(200, {"digest": "d0"}), Answer(200), "names another release (d0)"),
        (Answer(200, b"<html>"), Answer(200), "is not a release document"),
        (Answer(200, []), Answer(200), "is not a release document"),
        (RIGHT, Answer(503, b"backend\nis away"), "/health answers with status 503: backend is away"),
        (Answer(drop=True), Answer(200), "dropped the connection"),
    ],
)
def test_anything_else_is_unverified_with_the_last_doubt(
    release: Answer, health: Answer, doubt: str, context: Any
) -> None:
    """A tool's exit code is no proof."""
    with loopback(routes={"GET /release.json": release, "GET /health": health}) as server:
        with pytest.raises(Unverified, match="does not prove the release") as caught:
            proof(server, seconds=0.3).observe(context.of(worker__release="d1"))
        assert doubt in caught.value.details[0]
        assert "d1" in caught.value.details[1]


def test_an_edge_that_needs_a_moment_is_waited_for(context: Any) -> None:
    """The old release is served for a while after an upload."""
    old = Answer(200, {"digest": "d0"})
    with loopback(old, old, RIGHT, Answer(200, "fine")) as server:
        assert proof(server, seconds=20).observe(context.of(worker__release="d1")) == "d1"


def test_an_interrupted_proof_ends_at_once(context: Any) -> None:
    """It may have a minute to go."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with loopback(Answer(503)) as server:
        began = time.monotonic()
        with pytest.raises(Interrupted):
            proof(server, seconds=60).observe(context.of(stop=stop, worker__release="d1"))
    assert time.monotonic() - began < 10
