"""`sandbox.down` and `sandbox.reset` beside runs that are at work in the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deployer.cli import sandbox_process
from deployer.cli.session import Session
from deployer.engine.workfolder import WorkFolder
from deployer.errors import EnvironmentLocked
from tests.support.cli import ROOT, Checkout, make_checkout

HOLD = """
import sys, time
from pathlib import Path
from deployer.engine.workfolder import WorkFolder
folder = WorkFolder.of(Path(sys.argv[1]), target=sys.argv[2], environment="pr-7")
with folder.locked(command="inv deploy", who="ann@box"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """An empty checkout."""
    return make_checkout(tmp_path, capsys)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Verbs that reached the sandbox; a run that starts meanwhile is refused."""
    made: list[str] = []

    def call(session: Session, arguments: Sequence[str], *, stdin: str | None = None) -> str:
        for folder in WorkFolder.all(session.root, target="sandbox"):
            with pytest.raises(EnvironmentLocked), folder.locked(command="inv deploy", who="me"):
                pass
        made.append(arguments[0])
        return ""

    monkeypatch.setattr(sandbox_process, "call_sandbox", call)
    return made


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on pr-7, on the sandbox unless the test says otherwise."""
    target = getattr(request, "param", "sandbox")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), target], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("verb", ["down", "reset"])
def test_the_sandbox_is_not_pulled_away_under_a_run(
    checkout: Checkout, calls: list[str], run: subprocess.Popen[str], verb: str
) -> None:
    """Exit 7 with process, command and environment while it lives; after kill -9 nothing is in the way."""
    refused = checkout.inv(f"sandbox.{verb}", "--json")

    assert refused.code == 7
    assert f"`inv deploy` is working on `pr-7` (process {run.pid})" in refused.err
    assert f"kill {run.pid}" in refused.err
    assert json.loads(refused.out)["error"]["reason"] == "environment-locked"
    assert calls == []

    run.kill()
    run.wait()
    assert checkout.inv(f"sandbox.{verb}").code == 0
    assert calls == [verb]


@pytest.mark.parametrize("run", ["cloudflare"], indirect=True)
def test_a_run_on_the_real_target_does_not_hold_the_sandbox(
    checkout: Checkout, calls: list[str], run: subprocess.Popen[str]
) -> None:
    """The sandbox is no concern of it."""
    assert checkout.inv("sandbox.down").code == 0
    assert calls == ["down"]


def test_looking_at_the_sandbox_is_not_refused(
    checkout: Checkout, calls: list[str], run: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and requests are for exactly the time of a run."""
    monkeypatch.setattr(sandbox_process, "call_sandbox", lambda *_, **__: "fine")

    assert checkout.inv("sandbox.status").out == "fine\n"
