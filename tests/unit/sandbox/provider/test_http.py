"""The client: loopback only, the official retries, the official words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.provider import http
from sandbox.provider.diagnostics import Refused
from sandbox.provider.provider import Provider

Answer = tuple[int, dict[str, str], str]


@contextmanager
def api(*answers: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve these answers, the last one for ever; an answer of status 0 hangs up."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            status, headers, body = answers[min(len(seen), len(answers) - 1)]
            seen.append({name.lower(): value for name, value in self.headers.items()})
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/client/v4", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _get(base: str) -> http.Response:
    client = http.Client(base, {})
    try:
        return client.send(http.Request("GET", "zones"))
    finally:
        client.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited."""
    found: list[float] = []

    def pause(_: http.Client, seconds: float) -> bool:
        found.append(seconds)
        return True

    monkeypatch.setattr(http.Client, "_pause", pause)
    return found


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(status: int, waits: list[float]) -> None:
    """The tries are counted in a header."""
    with api((status, {}, "{}"), (200, {}, '{"result":1}')) as (base, seen):
        assert json.loads(_get(base).body) == {"result": 1}

    assert [request["x-stainless-retry-count"] for request in seen] == ["0", "1"]
    assert 1.5 <= waits[0] <= 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_tried_again(status: int, waits: list[float]) -> None:
    """It is told in the official words, with the raw body."""
    with api((status, {}, '{"errors":[]}')) as (base, seen), pytest.raises(http.Failed) as failed:
        _get(base)

    assert failed.value.status == status
    assert failed.value.diagnostic.detail.startswith(f'GET "{base}/zones": {status} ')
    assert failed.value.diagnostic.detail.endswith(' {"errors":[]}')
    assert (len(seen), waits) == (1, [])


def test_it_gives_up_after_eleven_requests(waits: list[float]) -> None:
    """The waits double up to a limit."""
    with api((500, {}, "")) as (base, seen), pytest.raises(http.Failed):
        _get(base)

    assert len(seen) == 11
    assert max(waits) <= 30


def test_a_lost_answer_is_tried_again(waits: list[float]) -> None:
    """A connection that breaks before an answer counts as a failure that may pass."""
    with api((0, {}, ""), (200, {}, "{}")) as (base, seen):
        assert _get(base).status == 200

    assert (len(seen), len(waits)) == (2, 1)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after-ms": "20"}, 0.02), ({"retry-after": "3"}, 3), ({"retry-after": "90"}, None)]
)
def test_the_server_may_say_when(headers: dict[str, str], seconds: float | None, waits: list[float]) -> None:
    """A wish of up to a minute is granted."""
    with api((429, headers, ""), (200, {}, "{}")) as (base, _):
        _get(base)

    assert waits[0] == seconds if seconds is not None else 1.5 <= waits[0] <= 2


def test_the_server_may_forbid_another_try(waits: list[float]) -> None:
    """`x-should-retry: false` ends it."""
    with api((409, {"x-should-retry": "false"}, "")) as (base, seen), pytest.raises(http.Failed):
        _get(base)

    assert (len(seen), waits) == (1, [])


@pytest.mark.parametrize("url", ["https://api.cloudflare.com/client/v4", "http://192.0.2.1/client/v4", ""])
def test_it_configures_for_loopback_only(url: str) -> None:
    """Anything else, the real API above all, is refused before any request."""
    with pytest.raises(Refused) as refused:
        Provider({"CLOUDFLARE_BASE_URL": url}).configure({}, "1.11.4")

    assert "loopback" in refused.value.diagnostic.summary


def test_the_client_itself_never_leaves_loopback(waits: list[float]) -> None:
    """Also where the configuration let a strange address pass."""
    with pytest.raises(http.Failed, match="loopback only"):
        _get("http://192.0.2.1/client/v4")

    assert waits == []


def test_nothing_is_tried_again_for_one_who_is_gone() -> None:
    """When Terraform is killed, its operations send nothing more."""
    token = http.WANTED.set(lambda: False)
    try:
        with api((500, {}, "")) as (base, seen), pytest.raises(http.Failed, match="interrupted"):
            _get(base)
    finally:
        http.WANTED.reset(token)

    assert len(seen) == 1


def test_an_interrupt_ends_the_waiting() -> None:
    """It does not take the seconds that the client meant to wait."""
    with api((429, {"retry-after": "50"}, "")) as (base, seen):
        client = http.Client(base, {})
        timer = threading.Timer(0.3, client.interrupt)
        timer.start()
        with pytest.raises(http.Failed, match="interrupted"):
            client.send(http.Request("GET", "zones"))
        timer.join()
        client.close()

    assert len(seen) == 1
