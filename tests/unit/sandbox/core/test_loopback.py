"""Requests to the sandbox itself: direct, whatever proxy the machine has, and plain errors when nobody fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import lifecycle, loopback
from sandbox.edge.controller import Controller
from sandbox.edge.objects import EdgeObjects
from sandbox.errors import NotRunningError, UsageError
from sandbox.home import Home, write_json
from tests.support.loopback import Answer
from tests.support.loopback import loopback as serving


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own."""
    return Home.at(tmp_path)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be reached, as a company's cannot reach our loopback."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("proxy")
def test_the_control_endpoint_is_asked_directly(home: Home) -> None:
    """A machine with HTTP_PROXY can use the sandbox."""
    with serving(Answer(200, {"ok": True})) as server:
        write_json(home.connection, {"control": server.url, "pid": 1})
        assert lifecycle.call(home, "POST", "/faults", b"{}") == {"ok": True}
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("POST", "/faults", b"{}")]


@pytest.mark.usefixtures("proxy")
def test_the_edge_is_asked_directly(home: Home) -> None:
    """Its reload, its questions and the objects of Workers do not take the way through a proxy either."""
    live = []
    with serving(Answer(200, {"occupied": True})) as server:
        server.routes["GET /__sandbox/runtime"] = Answer(200, {"address": f"{server.url}/"})
        Controller(home, server.url, on_live=lambda: live.append(True)).publish([])
        write_json(home.folder("edge") / "buckets.json", ["photos"])
        objects = EdgeObjects(home, server.url, lambda: ("access", "secret"))
        assert objects.occupied("photos")
        assert objects.request("GET", "/photos/a%2Fb", {}, b"").status == 200
    assert live == [True]
    assert [asked.path for asked in server.asked] == [
        "/__sandbox/reload",
        "/__sandbox/occupied?bucket=photos",
        "/__sandbox/runtime",
        "/cdn-cgi/local/r2/s3/photos/a%2Fb",
    ]


def test_a_refusal_of_the_control_endpoint_keeps_its_exit_code(home: Home) -> None:
    """Message and hint arrive; wrong input stays wrong input."""
    with serving(Answer(400, {"error": "no", "hint": "do", "exit_code": 2})) as server:
        write_json(home.connection, {"control": server.url, "pid": 1})
        with pytest.raises(UsageError) as refused:
            lifecycle.call(home, "GET", "/health")
    assert (refused.value.message, refused.value.hint) == ("no", "do")


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(200, [1]), Answer(drop=True)])
def test_a_stranger_on_the_port_is_no_sandbox(home: Home, answer: Answer) -> None:
    """After a kill -9 somebody else may listen where the sandbox did: that is "not running", and no traceback."""
    with serving(answer) as server:
        write_json(home.connection, {"control": server.url, "pid": 1})
        with pytest.raises(NotRunningError):
            lifecycle.call(home, "GET", "/health")


def test_an_error_status_is_an_answer() -> None:
    """The one who asks judges the status."""
    with serving(Answer(404, {"error": "nothing here"})) as server:
        reply = loopback.ask("GET", f"{server.url}/a?b=c", timeout=5.0)
    assert (reply.status, reply.body) == (404, b'{"error": "nothing here"}')
