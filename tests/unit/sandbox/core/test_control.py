"""The control endpoint: who may ask, and what it answers to input that is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.control import Control, World
from sandbox.faults import Faults
from sandbox.home import Home


class Stub:
    """A world that notes what was asked of it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.faults = Faults(home)
        self.done: list[str] = []
        self.gone = False

    def reset(self) -> None:
        """Noted."""
        self.done.append("reset")

    def status(self) -> dict[str, Any]:
        """A mistake of ours."""
        raise RuntimeError("a bug")

    def coverage(self) -> dict[str, list[str]]:
        """Nothing."""
        return {}

    def moved(self) -> bool:
        """As the test says."""
        return self.gone


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    """A fresh one."""
    return Stub(Home.at(tmp_path))


def ask(
    stub: Stub, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """One request, from a program of this machine unless the headers say otherwise."""
    statuses: list[int] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": "127.0.0.1:20000",
        **(headers or {}),
    }
    control = Control(cast("World", stub))
    answer = control(environ, lambda status, _, __=None: statuses.append(int(status[:3])))  # type: ignore[arg-type]
    return statuses[0], json.loads(b"".join(answer))


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_HOST": "evil.example:20000"},
        {"HTTP_HOST": ""},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "null"},
    ],
)
def test_web_pages_are_refused(stub: Stub, headers: dict[str, str]) -> None:
    """A page in a browser can send requests to loopback; none of them resets or ends the sandbox."""
    assert ask(stub, "POST", "/reset", headers=headers)[0] == 403
    assert stub.done == []


@pytest.mark.parametrize("host", ["127.0.0.1:20000", "localhost:20000"])
def test_programs_of_this_machine_are_answered(stub: Stub, host: str) -> None:
    """By address or by name."""
    assert ask(stub, "POST", "/reset", headers={"HTTP_HOST": host}) == (200, {"ok": True})
    assert stub.done == ["reset"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/faults", b"[", "not a JSON object"),
        ("/faults", b'{"service": "s3", "status": "abc"}', "`status`"),
        ("/faults", b'{"service": "s3", "status": true}', "`status`"),
        ("/faults", b'{"service": "s3", "status": 500, "count": 0}', "`count`"),
        ("/faults", b'{"service": "s3", "status": 500, "path": 5}', "`path`"),
        ("/faults", b'{"service": "s3", "status": 500, "code": []}', "`code`"),
        ("/faults", b'{"service": ["s3"], "status": 500}', "no service"),
        ("/seed", b"\xff", "UTF-8"),
    ],
)
def test_wrong_input_is_wrong_usage(stub: Stub, path: str, body: bytes, said: str) -> None:
    """400 with the cause and the exit code of wrong usage; nothing is armed."""
    status, value = ask(stub, "POST", path, body)
    assert (status, value["exit_code"]) == (400, 2)
    assert said in value["error"]
    assert stub.faults.armed() == []


def test_a_mistake_of_ours_is_an_answer(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    """The caller hears of it; the traceback is in the log."""
    status, value = ask(stub, "GET", "/status")
    assert status == 500
    assert "a bug" in value["error"]
    assert "RuntimeError" in caplog.text


def test_health_fails_without_the_home(stub: Stub) -> None:
    """Who asks only for health, as the deployer does, starts another one instead of using one that cannot work."""
    assert ask(stub, "GET", "/health") == (200, {"ok": True})
    stub.gone = True
    assert ask(stub, "GET", "/health")[0] == 503
