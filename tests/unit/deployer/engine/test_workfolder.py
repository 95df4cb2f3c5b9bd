"""The private folder, the one-run-at-a-time lock, the journal."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from deployer.engine.journal import FILE_NAME, Journal, last_cut_off
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult, Status, StepResult
from deployer.engine.workfolder import WorkFolder
from deployer.errors import EnvironmentLocked, Interrupted, LocalDisk, StepFailed

ROOT = Path(__file__).parents[4]


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    """0700 and 0600 whatever the umask."""
    previous = os.umask(0)
    try:
        folder = WorkFolder.of(tmp_path, target="sandbox", environment="pr-1")
        with folder.locked(command="inv deploy", who="me") as path:
            Journal(path).applying("a")
    finally:
        os.umask(previous)

    for each in (tmp_path / ".work", path.parent, path):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    for name in ("lock", FILE_NAME):
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o600


def hold(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the environment until it is ended."""
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from deployer.engine.workfolder import WorkFolder
        folder = WorkFolder.of(Path({str(tmp_path)!r}), target="sandbox", environment="dev")
        with folder.locked(command="inv deploy", who="ann@box"):
            print("held", flush=True)
            time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_works_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    """Command, process, person, time and what the command can do about it; kill -9 frees the environment at once."""
    folder = WorkFolder.of(tmp_path, target="sandbox", environment="dev")
    with hold(tmp_path) as other:
        try:
            with pytest.raises(EnvironmentLocked) as caught, folder.locked(command="inv deploy", who="me"):
                pass
            assert f"process {other.pid}" in caught.value.message
            assert "by: ann@box" in caught.value.details
            assert caught.value.exit_code == 7
            assert caught.value.hint == f"wait for it to end, or end it: `kill {other.pid}`"
            with pytest.raises(EnvironmentLocked) as patient, folder.locked(command="x", who="me", patience=0.0):
                pass
            assert (patient.value.hint or "").startswith("wait for it with `--lock-timeout 10m`, or end it")
            with WorkFolder.of(tmp_path, target="sandbox", environment="pr-2").locked(command="inv deploy", who="me"):
                pass
        finally:
            other.send_signal(signal.SIGKILL)
    with folder.locked(command="inv deploy", who="me"):
        pass


def test_whoever_has_patience_says_for_whom_it_waits_and_goes_on(tmp_path: Path) -> None:
    """Said once; the lock is taken as soon as the other one is gone."""
    folder = WorkFolder.of(tmp_path, target="sandbox", environment="dev")
    said: list[str] = []
    with hold(tmp_path) as other:

        def told(text: str) -> None:
            said.append(text)
            other.send_signal(signal.SIGKILL)

        with folder.locked(command="inv deploy", who="me", patience=30, say=told):
            pass
    assert len(said) == 1
    assert f"`inv deploy` is working on `dev` (process {other.pid})" in said[0]


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    """A file in the way is said with its place."""
    (tmp_path / ".work").write_text("")

    with pytest.raises(LocalDisk) as caught:
        WorkFolder.of(tmp_path, target="sandbox", environment="dev").make()

    assert str(tmp_path) in (caught.value.place or "")


def result(*, error: StepFailed | Interrupted | None = None) -> RunResult:
    """A run's end."""
    return RunResult(playbook="deploy", check=False, results=(), seconds=1.0, error=error)


def begin(folder: Path) -> Journal:
    """A run in which one step ended and one is being applied."""
    journal = Journal(folder)
    journal.began(Playbook("deploy", []), check=False)
    journal.applying("bucket")
    journal.finished(StepResult(name="bucket", status=Status.CHANGED))
    journal.applying("site")
    return journal


def test_a_killed_run_is_described_to_the_next(tmp_path: Path) -> None:
    """No end in the journal: the step at work and the number of ended ones are said."""
    begin(tmp_path)

    cut_off = last_cut_off(tmp_path)

    assert cut_off is not None
    assert (cut_off.done, cut_off.at_work) == (("bucket",), ("site",))
    assert "interrupted while it applied `site`; 1 step had ended" in str(cut_off)


def test_an_interrupted_run_is_described_to_the_next(tmp_path: Path) -> None:
    """Ctrl-C writes an end; it still was cut off."""
    journal = begin(tmp_path)
    journal.finished(StepResult(name="site", status=Status.FAILED, why="interrupted", error=Interrupted("x")))
    journal.ended(result(error=Interrupted("x")))

    cut_off = last_cut_off(tmp_path)

    assert cut_off is not None
    assert cut_off.at_work == ("site",)


@pytest.mark.parametrize("error", [None, StepFailed("x")])
def test_a_run_that_came_to_its_end_is_not_mentioned(tmp_path: Path, error: StepFailed | None) -> None:
    """Neither a good one nor a failed one was cut off."""
    begin(tmp_path).ended(result(error=error))

    assert last_cut_off(tmp_path) is None


def test_a_line_cut_in_half_is_ignored(tmp_path: Path) -> None:
    """A kill at any moment may leave anything; the reader does not mind."""
    begin(tmp_path)
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"event": "st')

    assert last_cut_off(tmp_path) is not None


def test_the_journal_is_one_object_a_line(tmp_path: Path) -> None:
    """States started and done, each with its time."""
    begin(tmp_path)

    entries = [json.loads(line) for line in (tmp_path / FILE_NAME).read_text().splitlines()]

    assert [entry.get("state") for entry in entries] == [None, "started", "done", "started"]
    assert all(entry["time"].endswith("+00:00") for entry in entries)
