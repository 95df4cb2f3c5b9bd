"""`--sandbox`: started when needed, left alone when it runs, seeded when its seed is another."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deployer.cli import sandbox_process, targets
from deployer.cli.session import Session
from deployer.errors import ServiceUnreachable, ToolFailed, UsageError

SEED = '{"schema": 1}'


class Control(http.server.BaseHTTPRequestHandler):
    """A control endpoint that notes what it is asked."""

    asked: list[str]
    status = 200

    def do_GET(self) -> None:
        """Answer health."""
        self._answer()

    def do_POST(self) -> None:
        """Answer seed."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def control() -> Iterator[tuple[str, list[str]]]:
    """A running control endpoint and what it was asked."""
    asked: list[str] = []
    handler = type("Handler", (Control,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in an empty checkout whose sandbox home is its own."""
    monkeypatch.delenv("SANDBOX_HOME", raising=False)
    return Session(root=tmp_path, command="deploy")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Calls of `python -m sandbox`, not carried out."""
    made: list[list[str]] = []

    def call(_session: Session, arguments: Sequence[str], *, stdin: str | None = None) -> str:
        made.append([*arguments, stdin or ""])
        return ""

    monkeypatch.setattr(targets, "call_sandbox", call)
    return made


def connect_file(session: Session, address: str, seed: str) -> None:
    """What a running sandbox left in its home."""
    path = session.root / ".sandbox" / "connection.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"control": address, "seed": hashlib.sha256(seed.encode()).hexdigest()}))


def test_a_running_sandbox_costs_one_request(
    session: Session, calls: list[list[str]], control: tuple[str, list[str]]
) -> None:
    """Health is asked, nothing is started or seeded."""
    connect_file(session, control[0], SEED)

    assert targets.ensure_sandbox(session, SEED) == session.root / ".sandbox" / "connection.json"
    assert control[1] == ["GET /health"]
    assert calls == []


def test_another_seed_is_applied(session: Session, calls: list[list[str]], control: tuple[str, list[str]]) -> None:
    """A changed inventory reaches the running sandbox."""
    connect_file(session, control[0], "old")

    targets.ensure_sandbox(session, SEED)

    assert control[1] == ["GET /health", "POST /seed"]
    assert calls == []


def test_a_sandbox_that_lost_its_home_is_started_again(
    session: Session, calls: list[list[str]], control: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers, but whose checkout was moved under it, says so: it gets no seed, and another is started."""
    monkeypatch.setattr(Control, "status", 503)
    connect_file(session, control[0], SEED)

    targets.ensure_sandbox(session, SEED)

    assert control[1] == ["GET /health"]
    assert calls == [["up", "--seed", "-", SEED]]


def test_a_killed_sandbox_is_started_again(session: Session, calls: list[list[str]]) -> None:
    """A connection file that nobody answers for means: start."""
    connect_file(session, "http://127.0.0.1:9", SEED)

    targets.ensure_sandbox(session, SEED)

    assert calls == [["up", "--seed", "-", SEED]]


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}"])
def test_no_or_broken_connection_file_means_start(
    session: Session, calls: list[list[str]], content: str | None
) -> None:
    """Half a file is no sandbox."""
    if content is not None:
        (session.root / ".sandbox").mkdir()
        (session.root / ".sandbox" / "connection.json").write_text(content)

    targets.ensure_sandbox(session, SEED)

    assert len(calls) == 1


def test_its_home_may_be_elsewhere(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SANDBOX_HOME decides, as it does for the sandbox itself."""
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path / "other"))

    assert sandbox_process.sandbox_home(session) == tmp_path / "other"


@pytest.mark.parametrize(
    ("code", "lines", "kind", "message"),
    [
        (9, ["error: port 8787 is in use", "hint: choose another"], ServiceUnreachable, "port 8787 is in use"),
        (2, ["usage: x", "python -m sandbox fault: error: argument --n: bad"], UsageError, "argument --n: bad"),
        (1, ["something odd"], ToolFailed, "`sandbox up` ended with exit code 1"),
    ],
)
def test_its_refusals_become_ours(code: int, lines: list[str], kind: type[Exception], message: str) -> None:
    """Exit code and message are translated; what is not understood is shown."""
    error = sandbox_process._refusal("up", code, lines, home="/home")

    assert type(error) is kind
    assert error.message == message
    assert error.hint
    if code == 1:
        assert error.details == ("something odd",)
