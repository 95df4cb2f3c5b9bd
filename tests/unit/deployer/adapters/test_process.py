"""Programs: arguments, environment, streams, limits and the end of a whole group. Real children throughout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deployer.adapters import process_records
from deployer.adapters.process import Command, Processes
from deployer.adapters.redact import Redactor
from deployer.errors import Interrupted, LocalDisk, ToolFailed, ToolMissing, ToolTimedOut
from tests.support.waiting import wait_for

SECRET = "canary-4711-value"


def command(tmp_path: Path, code: str, **more: object) -> Command:
    """Python code as a program."""
    settings: dict[str, object] = {
        "argv": [sys.executable, "-c", code],
        "title": "the tool",
        "cwd": tmp_path,
        "environment": {"PATH": os.defpath},
        "log": tmp_path / "logs" / "tool.log",
        "timeout": 20.0,
        "grace": 0.5,
    }
    return Command(**(settings | more))  # type: ignore[arg-type]


def test_the_child_sees_exactly_the_environment_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours leaks in, credentials least of all."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    done = Processes(Redactor()).run(command(tmp_path, code, environment={"ONLY": "this"}))
    seen = json.loads(done.stdout)
    seen.pop("LC_CTYPE", None)  # Python sets it for itself in a C locale
    assert seen == {"ONLY": "this"}


def test_what_a_tool_writes_is_private(tmp_path: Path) -> None:
    """A plan or a state copy that a tool leaves in the work folder is nobody else's, and neither is its log."""
    code = "import os; open('plan', 'w').close(); os.mkdir('data')"
    before = os.umask(0o022)
    try:
        Processes(Redactor(), records=tmp_path / "records" / "notes").run(command(tmp_path, code))
    finally:
        os.umask(before)

    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("plan", "data", "logs", "records")}
    assert modes == {"plan": 0o600, "data": 0o700, "logs": 0o700, "records": 0o700}
    assert (tmp_path / "logs" / "tool.log").stat().st_mode & 0o777 == 0o600


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    """What looks like shell stays text."""
    wanted = "a b; $(echo x) `y` 'z'"
    run = command(tmp_path, "", argv=[sys.executable, "-c", "import sys; print(sys.argv[1])", wanted])
    assert Processes(Redactor()).run(run).stdout == wanted + "\n"


def test_standard_input_is_delivered_whole(tmp_path: Path) -> None:
    """Also more than a pipe holds, while the child writes as much itself."""
    data = os.urandom(300_000).hex().encode()
    code = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d)"
    assert Processes(Redactor()).run(command(tmp_path, code, stdin=data)).stdout.encode() == data


def test_a_child_that_reads_nothing_does_not_fail_us(tmp_path: Path) -> None:
    """A closed standard input is the child's business."""
    done = Processes(Redactor()).run(command(tmp_path, "print('done')", stdin=b"x" * 1_000_000))
    assert done.stdout == "done\n"


def test_failure_shows_the_last_lines_and_the_log(tmp_path: Path) -> None:
    """The error has the end of the error stream, plain and masked, and says where the rest is."""
    code = (
        "import sys\nfor i in range(50): print(f'line {i}', file=sys.stderr)\n"
        f"print('\\x1b[31mbad: {SECRET}\\x1b[0m', file=sys.stderr); sys.exit(3)"
    )
    run = command(tmp_path, code)
    with pytest.raises(ToolFailed) as caught:
        Processes(Redactor([SECRET])).run(run)
    error = caught.value
    assert error.message == "the tool ended with exit code 3"
    assert error.place == str(run.log)
    assert error.details[-1] == "bad: ***"
    assert "line 49" in error.details
    assert "line 0" not in error.details
    log = run.log.read_text()
    assert "line 0\n" in log
    assert SECRET not in log
    assert run.log.stat().st_mode & 0o777 == 0o600


def test_the_log_masks_a_value_that_is_written_in_pieces(tmp_path: Path) -> None:
    """Also when the pieces arrive one by one."""
    half = len(SECRET) // 2
    code = (
        f"import sys, time\nsys.stdout.write('{SECRET[:half]}'); sys.stdout.flush(); time.sleep(0.2)\n"
        f"sys.stdout.write('{SECRET[half:]}\\n')"
    )
    run = command(tmp_path, code)
    lines: list[str] = []
    done = Processes(Redactor([SECRET])).run(run, lines.append)
    assert run.log.read_text() == "***\n"
    assert lines == ["***"]
    assert done.stdout == SECRET + "\n"


def test_output_that_is_data_stays_out_of_the_log(tmp_path: Path) -> None:
    """`log_stdout=False` captures without keeping."""
    run = command(tmp_path, "print('data')", log_stdout=False)
    assert Processes(Redactor()).run(run).stdout == "data\n"
    assert run.log.read_text() == ""


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the next command to type."""
    with pytest.raises(ToolMissing) as caught:
        Processes(Redactor()).run(command(tmp_path, "", argv=["/nowhere/tool"]))
    assert caught.value.place == "/nowhere/tool"
    assert "inv doctor" in (caught.value.hint or "")


def test_a_program_that_is_still_open_for_writing_is_waited_for(tmp_path: Path) -> None:
    """Linux calls it busy; whoever writes it is another thread's child that is about to let go."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho started\n", encoding="utf-8")
    program.chmod(0o700)
    writer = program.open("a", encoding="utf-8")
    closer = threading.Timer(0.2, writer.close)
    closer.start()
    try:
        assert Processes(Redactor()).run(command(tmp_path, "", argv=[str(program)])).stdout == "started\n"
    finally:
        closer.join()


def test_time_is_limited_and_the_whole_group_ends(tmp_path: Path) -> None:
    """A grandchild that ignores polite signals goes as well."""
    note = tmp_path / "grandchild"
    grandchild = (
        "import os, signal, time, pathlib; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with pytest.raises(ToolTimedOut, match="did not end within 3 s"):
        Processes(Redactor()).run(command(tmp_path, code, timeout=3.0))
    wait_for(lambda: not alive(int(note.read_text())))


def test_an_interrupted_program_may_finish_in_its_own_way(tmp_path: Path) -> None:
    """SIGINT comes first, and what the program does about it is waited for."""
    code = (
        "import signal, sys, time\n"
        "def end(*_): print('saved', flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGINT, end); print('ready', flush=True); time.sleep(60)"
    )
    stop = threading.Event()
    run = command(tmp_path, code, grace=10.0)
    began = time.monotonic()
    with pytest.raises(Interrupted):
        Processes(Redactor(), stop=stop).run(run, lambda line: stop.set() if line == "ready" else None)
    assert time.monotonic() - began < 5


def test_a_second_interrupt_kills_at_once(tmp_path: Path) -> None:
    """`hurried` does not wait for politeness."""
    code = (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    stop, hurried = threading.Event(), threading.Event()
    processes = Processes(Redactor(), stop=stop, hurried=hurried)

    def insist(line: str) -> None:
        stop.set()
        threading.Timer(0.2, hurried.set).start()

    began = time.monotonic()
    with pytest.raises(Interrupted):
        processes.run(command(tmp_path, code, grace=30.0), insist)
    assert time.monotonic() - began < 5


def test_nothing_starts_once_the_run_is_stopped(tmp_path: Path) -> None:
    """The program leaves no trace."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        Processes(Redactor(), stop=stop).run(command(tmp_path, "open('trace', 'w')"))
    assert not (tmp_path / "trace").exists()


def test_a_background_process_that_holds_the_pipes_is_not_waited_for(tmp_path: Path) -> None:
    """A tool that leaves a service behind (the sandbox does) has ended when it has ended."""
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)']); print('up')"
    began = time.monotonic()
    assert Processes(Redactor()).run(command(tmp_path, code)).stdout == "up\n"
    assert time.monotonic() - began < 4


def test_a_log_that_cannot_be_written_is_said_before_anything_starts(tmp_path: Path) -> None:
    """A file where the folder should be: one error, and the program did not run."""
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(LocalDisk) as caught:
        Processes(Redactor()).run(command(tmp_path, "open('trace', 'w')"))
    assert "logs" in (caught.value.place or "")
    assert not (tmp_path / "trace").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_named_when_the_program_fails_of_it(tmp_path: Path) -> None:
    """The log's own failure does not stop a program; if that fails as well, the cause is the disk."""
    processes = Processes(Redactor())
    full = command(tmp_path, "print('x' * 100000); raise SystemExit(1)", log=Path("/dev/full"))
    with pytest.raises(LocalDisk, match="disk is full"):
        processes.run(full)
    for said in ("ENOSPC: no space left on device, write", "open x: no space left on device", "Disk quota exceeded"):
        with pytest.raises(LocalDisk, match="disk is full, the tool could not write"):
            processes.run(command(tmp_path, f"import sys; sys.exit({said!r})"))
    assert processes.run(command(tmp_path, "print('x' * 100000)", log=Path("/dev/full"))).returncode == 0


def test_what_a_killed_run_left_is_found_and_ended(tmp_path: Path) -> None:
    """A note names the program while it runs; the next run ends exactly that, its children included."""
    records = tmp_path / "records"
    parent = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from deployer.adapters.process import Command, Processes\n"
        "from deployer.adapters.redact import Redactor\n"
        "p = pathlib.Path(sys.argv[2])\n"
        'code = \'import subprocess, sys; subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])\'\n'
        "Processes(Redactor(), records=p / 'records').run(Command(argv=[sys.executable, '-c', code],\n"
        "    title='terraform apply (site)', cwd=p, environment={}, log=p / 'log', timeout=60))\n"
    )
    root = str(Path(__file__).parents[4])
    run = subprocess.Popen([sys.executable, "-c", parent, root, str(tmp_path)])
    wait_for(lambda: any(len(left.pids) == 2 for left in process_records.leftovers(records)))
    run.kill()
    run.wait()
    found = process_records.end_leftovers(records, grace=5)
    assert [left.title for left in found] == ["terraform apply (site)"]
    # It gives up its memory, and with it what it was found by, a moment before it is gone.
    wait_for(lambda: not any(alive(process) for process in found[0].pids))
    # The note stays as a proof until somebody has used it.
    assert process_records.leftovers(records)[0].pids == ()
    process_records.forget(found)
    assert process_records.leftovers(records) == []


def test_a_run_that_ends_leaves_no_note(tmp_path: Path) -> None:
    """Neither a good end nor a failure."""
    processes = Processes(Redactor(), records=tmp_path / "records")
    processes.run(command(tmp_path, "pass"))
    with pytest.raises(ToolFailed):
        processes.run(command(tmp_path, "raise SystemExit(1)"))
    assert list((tmp_path / "records").iterdir()) == []


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_stack_trace_does_not_hide_the_line_that_says_what_is_wrong(tmp_path: Path) -> None:
    """A failing build of JavaScript ends in dozens of frames; the log has them, the error does not."""
    code = (
        "import sys; print('Error: cannot resolve ./not-there', file=sys.stderr); "
        "[print(f'    at async build (file:///x/node.js:{n}:7)', file=sys.stderr) for n in range(40)]; sys.exit(1)"
    )
    with pytest.raises(ToolFailed) as caught:
        Processes(Redactor()).run(command(tmp_path, code))
    assert caught.value.details == ("Error: cannot resolve ./not-there",)
    assert "node.js:39:7" in (tmp_path / "logs" / "tool.log").read_text()


def test_an_interrupted_program_may_say_a_last_word(tmp_path: Path) -> None:
    """Its pipes stay open until it is gone: Terraform talks while it saves its state and unlocks it."""
    marker = tmp_path / "cleaned-up"
    code = f"""
import os, pathlib, signal, sys, time
def end(*_):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for _ in range(100):
        os.write(1, b"saving the state\\n")  # print may not be entered twice
    pathlib.Path({str(marker)!r}).touch()
    sys.exit(1)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
time.sleep(30)
"""
    stop = threading.Event()
    processes = Processes(Redactor(), stop=stop)
    with pytest.raises(Interrupted):
        processes.run(command(tmp_path, code, grace=10.0), on_line=lambda _line: stop.set())
    assert marker.exists()
    assert "saving the state" in (tmp_path / "logs" / "tool.log").read_text()


def test_only_those_named_may_go_on_for_a_while(tmp_path: Path) -> None:
    """Terraform is waited for; what hangs beside it does not make the next run wait."""
    records = tmp_path / "records"
    with (
        process_records.record(records, title="terraform apply (site)") as (terraform, _),
        process_records.record(records, title="wrangler deploy") as (wrangler, _),
    ):
        runs = {
            name: subprocess.Popen(
                [sys.executable, "-c", f"import time; time.sleep({seconds})"],
                env={process_records.VARIABLE: marker},
                start_new_session=True,
            )
            for name, marker, seconds in (("terraform", terraform, 1.5), ("wrangler", wrangler, 60))
        }
        wait_for(lambda: all(left.pids for left in process_records.leftovers(records)))
        # Somebody has to take note of their end, or they stay in the list of processes.
        reapers = [threading.Thread(target=run.wait) for run in runs.values()]
        for thread in reapers:
            thread.start()
        process_records.end_leftovers(records, patience=30, patient="terraform", grace=5)
        for thread in reapers:
            thread.join()
    assert runs["terraform"].returncode == 0, "it came to its own end"
    assert runs["wrangler"].returncode != 0, "it was ended"
