"""Programs of killed runs where there is no /proc: ended with proof, and never by their number alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.adapters import process_records

PARENT = """
import sys, pathlib; sys.path.insert(0, sys.argv[1])
from deployer.adapters.process import Command, Processes
from deployer.adapters.redact import Redactor
p = pathlib.Path(sys.argv[2])
Processes(Redactor(), records=p / 'records').run(Command(
    argv=[sys.executable, '-c', 'import time; time.sleep(60)'], title='terraform apply (site)', cwd=p, environment={},
    log=p / 'log', timeout=60))
"""


@pytest.fixture(autouse=True)
def _without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_records, "_PROC", tmp_path / "no-proc")


def alive_ones(records: Path) -> list[int]:
    """Process ids of all leftovers."""
    return [pid for left in process_records.leftovers(records) for pid in left.pids]


def test_a_program_that_holds_its_lock_is_ended(tmp_path: Path) -> None:
    """The run was killed, its program goes on: it is found and ended; its note is then a proof of its end."""
    records = tmp_path / "records"
    run = subprocess.Popen([sys.executable, "-c", PARENT, str(Path(__file__).parents[4]), str(tmp_path)])
    limit = time.monotonic() + 20
    while not alive_ones(records):
        assert time.monotonic() < limit
        time.sleep(0.05)
    run.kill()
    run.wait()
    assert len(alive_ones(records)) == 1
    found = process_records.end_leftovers(records, grace=5)
    assert [left.title for left in found] == ["terraform apply (site)"]
    assert alive_ones(records) == []
    process_records.forget(found)
    assert list(records.iterdir()) == []


@pytest.mark.parametrize("held", [True, False], ids=["lock let go", "no lock"])
def test_a_stranger_with_the_same_number_is_left_alone(tmp_path: Path, held: bool) -> None:
    """The number of a noted program may have been given to anybody, who may even lead a group."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, start_new_session=True
    ) as stranger:
        note = {"title": "terraform apply (site)", "since": datetime.now(UTC).isoformat(), "pid": stranger.pid}
        (tmp_path / "abc.json").write_text(json.dumps(note))
        if held:
            (tmp_path / "abc.held").touch()
        assert alive_ones(tmp_path) == []
        process_records.end_leftovers(tmp_path, grace=0.1)
        assert stranger.poll() is None
        stranger.communicate()
    assert stranger.returncode == 0
