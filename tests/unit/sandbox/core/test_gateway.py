"""The HTTP server and the middleware around every service, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import requestlog
from sandbox.faults import Fault, Faults
from sandbox.gateway import Gateway
from sandbox.home import Home
from sandbox.requestlog import RequestLog, mark
from sandbox.server import HttpServer
from sandbox.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Notebook(Service):
    """A service with one piece of state, as small as can be."""

    name = "cloudflare"

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.flushed = 0
        self.app = self.answer

    def flush(self) -> None:
        """Count, and remember how much was there."""
        self.flushed += 1

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """A form of its own."""
        return "text/plain", f"{fault.code}: {fault.message}".encode()

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """POST adds a line, GET reads all, /query is a POST that reads, anything else is unknown."""
        path = environ["PATH_INFO"]
        if path == "/broken":
            raise RuntimeError("a bug")
        if path == "/query":
            mark(environ, mutating=False)
        elif path != "/lines":
            mark(environ, unknown=True)
            start_response("404 NOT FOUND", [])
            return [b"no"]
        elif environ["REQUEST_METHOD"] == "POST":
            self.lines.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b",".join(self.lines)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own."""
    return Home.at(tmp_path)


@pytest.fixture
def faults(home: Home) -> Faults:
    """Fair weather."""
    return Faults(home)


@pytest.fixture
def notebook() -> Notebook:
    """The service behind the gateway."""
    return Notebook()


@pytest.fixture
def connection(home: Home, faults: Faults, notebook: Notebook) -> Iterator[http.client.HTTPConnection]:
    """One client connection to the served gateway."""
    log = RequestLog(home.request_log("core"))
    server = HttpServer(0, Gateway(notebook, notebook.answer, faults, log), "test")
    server.start()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as client:
        yield client
    server.close()
    log.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    """Status and body."""
    connection.request(method, path, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_connection_is_kept(connection: http.client.HTTPConnection) -> None:
    """Several requests, chunked bodies among them, go over one connection."""
    assert ask(connection, "POST", "/lines", body=b"one") == (200, b"one")
    first = connection.sock
    assert ask(connection, "POST", "/lines", body=iter([b"tw", b"o"]), encode_chunked=True) == (200, b"one,two")
    assert ask(connection, "HEAD", "/lines") == (200, b"")
    assert ask(connection, "GET", "/lines") == (200, b"one,two")
    assert connection.sock is first


def test_expect_continue_is_answered_at_once(connection: http.client.HTTPConnection) -> None:
    """A client that waits for `100 Continue` gets it before its body is read."""
    connection.connect()
    raw: socket.socket = connection.sock
    raw.sendall(b"POST /lines HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert raw.recv(1024).startswith(b"HTTP/1.1 100")
    raw.sendall(b"abc")
    assert raw.recv(1024).startswith(b"HTTP/1.1 200")


def test_every_request_is_logged_with_what_it_would_mean(connection: http.client.HTTPConnection, home: Home) -> None:
    """Method, path, status and client, whether it would change something, whether anybody knew it; and no bodies."""
    for method, path in (("POST", "/lines?token=sesame"), ("GET", "/lines"), ("POST", "/query"), ("GET", "/nowhere")):
        ask(connection, method, path, headers={"User-Agent": "test/1"}, body=b"private")
    entries = requestlog.read(home)
    assert [(e["method"], e["path"], e["status"], e["mutating"], e["unknown"]) for e in entries] == [
        ("POST", "/lines?token=***", 200, True, False),
        ("GET", "/lines", 200, False, False),
        ("POST", "/query", 200, False, False),
        ("GET", "/nowhere", 404, False, True),
    ]
    assert {(entry["client"], entry["service"]) for entry in entries} == {("test/1", "cloudflare")}
    assert "private" not in json.dumps(entries)
    assert [entry["path"] for entry in requestlog.read(home, unknown_only=True)] == ["/nowhere"]


def test_state_is_written_before_the_answer_leaves(connection: http.client.HTTPConnection, notebook: Notebook) -> None:
    """A mutating request is flushed when its client has the answer; a reading one costs nothing."""
    ask(connection, "POST", "/lines", body=b"one")
    assert notebook.flushed == 1
    ask(connection, "GET", "/lines")
    assert notebook.flushed == 1


def test_an_injected_status_is_not_carried_out(
    connection: http.client.HTTPConnection, faults: Faults, notebook: Notebook
) -> None:
    """The error has the service's form; it happens as often as was asked, and says when to come back."""
    faults.add({
        "service": "cloudflare", "method": "POST", "path": "/li*", "status": 429, "code": 971, "message": "slow down",
        "count": 2, "retry_after_ms": 1500,
    })  # fmt: skip
    assert ask(connection, "GET", "/lines")[0] == 200
    for _ in range(2):
        connection.request("POST", "/lines", body=b"x")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (429, b"971: slow down")
        assert (answer.headers["Retry-After"], answer.headers["Retry-After-Ms"]) == ("2", "1500")
    assert notebook.lines == []
    assert ask(connection, "POST", "/lines", body=b"x")[0] == 200


@pytest.mark.parametrize(("when", "lines"), [("before", []), ("after", [b"x"])])
def test_a_dropped_connection_is_really_cut(
    connection: http.client.HTTPConnection,
    faults: Faults,
    notebook: Notebook,
    home: Home,
    when: str,
    lines: list[bytes],
) -> None:
    """The TCP connection is reset; before carrying out, or after it: the lost answer."""
    faults.add({"service": "cloudflare", "drop": when})
    with pytest.raises(ConnectionResetError):
        ask(connection, "POST", "/lines", body=b"x")
    assert notebook.lines == lines
    assert requestlog.read(home)[0]["status"] == 0


def test_a_bug_in_a_service_is_a_500_that_says_so(
    connection: http.client.HTTPConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sandbox goes on; the traceback is in its own log, not in the answer."""
    status, body = ask(connection, "GET", "/broken")
    assert status == 500
    assert b"the sandbox itself failed" in body
    assert "a bug" in capsys.readouterr().err
    assert ask(connection, "GET", "/lines")[0] == 200


@pytest.mark.parametrize("error", [OSError("No space left on device"), ValueError("a bug")])
def test_state_that_cannot_be_written_is_a_500_that_says_so(
    connection: http.client.HTTPConnection,
    notebook: Notebook,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    """A full disk is an answer, a line of the request log and a traceback; not a dropped connection."""

    def flush() -> None:
        raise error

    monkeypatch.setattr(notebook, "flush", flush)
    status, body = ask(connection, "POST", "/lines", body=b"one")
    assert status == 500
    assert b"the sandbox itself failed" in body
    assert [entry["status"] for entry in requestlog.read(home)] == [500]
    assert str(error) in capsys.readouterr().err


def test_a_request_log_that_cannot_be_written_drops_no_answer(
    connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was carried out is answered as it is."""

    def write(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(RequestLog, "write", write)
    assert ask(connection, "POST", "/lines", body=b"one") == (200, b"one")
    assert "No space left on device" in capsys.readouterr().err
