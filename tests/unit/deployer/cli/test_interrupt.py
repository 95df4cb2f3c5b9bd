"""Ctrl-C, termination and kill -9 at a whole process with a real child."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.waiting import wait_for

PROGRAM = textwrap.dedent("""
    import sys
    from collections.abc import Mapping, Sequence
    from dataclasses import dataclass
    from pathlib import Path

    from invoke.program import Program

    from deployer.adapters.process import Command, Processes
    from deployer.adapters.redact import Redactor
    from deployer.cli import deploy_runs
    from deployer.cli.runs import Verb
    from deployer.cli.collection import collection
    from deployer.engine.change import Action, Change
    from deployer.engine.playbook import Playbook
    from deployer.engine.step import BaseStep
    from deployer.playbooks import recording

    root, child = Path(sys.argv[1]), sys.argv[2]

    @dataclass(frozen=True, kw_only=True)
    class Sleeps(BaseStep[bool]):
        processes: Processes
        def observe(self, context):
            return (root / self.name).exists()
        def diff(self, context, facts):
            return () if facts else (Change(action=Action.RUN, address=self.name, summary=""),)
        def apply(self, context, facts, changes):
            (root / self.name).write_text("")
            if self.name == "sleeps":
                self.processes.run(Command(
                    argv=[sys.executable, "-c", child, str(root / "child")], title="sleeper", cwd=root, environment={},
                    log=root / "log", timeout=60, grace=1.0))
            return {}

    def build(wiring):
        processes = Processes(Redactor(), stop=wiring.stop.requested, hurried=wiring.stop.hurried)
        return Playbook("deploy", [
            Sleeps(name="quick", processes=processes),
            Sleeps(name="sleeps", needs=("quick",), processes=processes),
            Sleeps(name="later", needs=("sleeps",), processes=processes),
        ])

    deploy_runs.deploy_verb = lambda: Verb(playbook=build)
    recording.can_ask = lambda wiring: False
    Program(namespace=collection(root), name="Invoke", binary="inv").run(["inv", "deploy", "--env", "dev", "--json"])
""")
POLITE = "import os, sys, time, pathlib; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
STUBBORN = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    + POLITE
)
# Takes a moment to save, as Terraform does; who is killed before does not come to it.
LAST_WORDS = (
    "import signal, sys, time, pathlib; path = pathlib.Path(sys.argv[1]); "
    "signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.4), path.write_text('saved'), sys.exit(1))); "
    "path.write_text('at work'); time.sleep(60)"
)
QUICK = "pass"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a run and wait until its child is at work."""
    (tmp_path / "environments.toml").write_text((ROOT / "environments.toml").read_text())
    started: list[subprocess.Popen[str]] = []

    def begin(child: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), child],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def gone(pid: int) -> bool:
    """Whether the process ended (a zombie has)."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return shown == "" or shown.startswith("Z")


def hear(process: subprocess.Popen[str], word: str) -> None:
    """Read its stderr until a line says `word`."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    raise AssertionError(f"it never said: {word}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_children_and_says_what_was_done(
    tmp_path: Path, start: Callable[[str], subprocess.Popen[str]], number: signal.Signals
) -> None:
    """Exit 130, the child is gone, the recap says what came how far, stdout still holds one document."""
    process = start(POLITE)
    process.send_signal(number)
    out, err = process.communicate(timeout=15)

    assert process.returncode == 130
    assert gone(int((tmp_path / "child").read_text()))
    lines = err.splitlines()
    assert any(line.startswith("changed  quick") for line in lines)
    assert any(line.startswith("failed   sleeps (interrupted)") for line in lines)
    assert any(line.startswith("skipped  later") for line in lines)
    assert "hint: run the same command again; it goes on from here" in lines
    assert '"reason": "interrupted"' in out
    assert "Traceback" not in err


def test_a_second_ctrl_c_insists(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    """A child that ignores being asked is killed."""
    process = start(STUBBORN)
    process.send_signal(signal.SIGINT)
    hear(process, "waiting for")
    child = int((tmp_path / "child").read_text())
    assert not gone(child)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)

    assert process.returncode == 130
    assert gone(child)
    assert json.loads(out)["error"]["reason"] == "interrupted"
    assert "RECAP" in err


def test_a_burst_of_signals_still_ends_in_a_recap(
    tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    """However many arrive, and wherever the scheduler is: one document, one recap, an ended journal."""
    process = start(POLITE)
    for _ in range(60):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    out, err = process.communicate(timeout=15)

    assert process.returncode == 130
    assert [step["status"] for step in json.loads(out)["steps"]] == ["changed", "failed", "skipped"]
    assert "RECAP" in err
    journal = (tmp_path / ".work" / "cloudflare" / "development" / "journal.jsonl").read_text().splitlines()
    assert json.loads(journal[-1])["event"] == "ended"


def test_a_closed_terminal_ends_children_too(tmp_path: Path) -> None:
    """Nothing can be said any more: children are ended in order all the same, and nobody is hurried."""
    (tmp_path / "environments.toml").write_text((ROOT / "environments.toml").read_text())
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), LAST_WORDS],
        cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True, text=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
        os.close(ours)
        # The shell and the kernel both say it.
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=15)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode == 130
    assert json.loads(out)["error"]["reason"] == "interrupted"
    assert (tmp_path / "child").read_text() == "saved"


def test_a_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    """`inv deploy 2>&1 | head`: who reads the talk may go; every step is carried out and the exit code is true."""
    (tmp_path / "environments.toml").write_text((ROOT / "environments.toml").read_text())
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), QUICK],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=write, text=True,
    )  # fmt: skip
    os.close(read)
    os.close(write)
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert json.loads(out)["outcome"] == "ok"
    assert (tmp_path / "later").exists()


def test_after_a_kill_the_next_run_says_so_and_goes_on(
    tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    """No lock is left, the journal names the step, and nothing is done twice."""
    process = start(POLITE)
    process.kill()
    process.communicate()
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)

    again = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), POLITE], cwd=ROOT, capture_output=True, text=True, timeout=30
    )

    assert again.returncode == 0
    assert "was interrupted while it applied `sleeps`; 1 step had ended" in again.stderr
    assert '"changed": 1' in again.stdout
