"""A checkout of its own with a sandbox of its own, and `inv` as a program in it.

The application is the smallest one that has everything (tests/support/application), so that a deploy takes seconds; the
example is deployed by the tests that look at it in a browser.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deployer.adapters import process_records
from sandbox import requestlog
from sandbox.home import Home

ROOT = Path(__file__).parents[2]
APPLICATION = Path(__file__).parent / "application"
# What somebody is told to type about an environment.
_COMMAND = re.compile(r"`(inv [^`]*--env (?!NAME)[^`]*)`")
_COPIED = ("deployer", "sandbox", "templates", "terraform", "environments.toml", "tasks.py")


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        return dict(json.loads(self.out))

    @property
    def recap(self) -> dict[str, int]:
        """The recap in the document."""
        return dict(self.document["recap"])

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Action, address and summary of every change, in order."""
        return [
            (change["action"], change["address"], change["summary"])
            for step in self.document["steps"]
            for change in step["changes"]
        ]

    def status(self, step: str) -> str:
        """How one step ended."""
        return str(next(each["status"] for each in self.document["steps"] if each["name"] == step))


@dataclass
class Rehearsal:
    """The checkout and its sandbox."""

    root: Path
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What `inv` sees: nothing of the person who runs the tests but PATH."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "SANDBOX_HOME": str(self.home),
            "COLUMNS": "80",
            "CI": "1",
            **self.variables,
        }

    def command(self, *arguments: str) -> list[str]:
        """The argument list of `inv ARGUMENTS`."""
        return [sys.executable, "-m", "invoke", *arguments]

    def inv(self, *arguments: str, timeout: float = 300) -> Ran:
        """Run it to its end."""
        done = subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.environment, capture_output=True, text=True,
            timeout=timeout, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if "--sandbox" in arguments:
            told = _COMMAND.findall(" ".join(f"{done.stderr} {done.stdout}".split()))
            astray = [command for command in told if "--sandbox" not in command]
            assert not astray, f"{arguments[0]} in a sandbox tells somebody to act on the cloud: {astray}"
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it in the background; Ctrl-C reaches it even if these tests were themselves started with `&`."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.root, env=self.environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- one signal call, no thread of ours runs here
        )  # fmt: skip

    def deploy(self, *more: str, env: str = "dev") -> Ran:
        """`inv deploy --sandbox --json`."""
        return self.inv("deploy", "--env", env, "--sandbox", "--json", *more)

    def destroy(self, *more: str, env: str = "dev") -> Ran:
        """`inv destroy --sandbox --json --yes`."""
        return self.inv("destroy", "--env", env, "--sandbox", "--json", "--yes", *more)

    def fault(self, **fault: object) -> None:
        """Add a fault to the running sandbox."""
        flags = [text for name, value in fault.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        ran = self.inv("sandbox.fault", *flags)
        assert ran.code == 0, ran.err

    def reset(self) -> None:
        """A world in which nothing was deployed; the work folder goes as well."""
        self.inv("sandbox.fault", "--clear")
        ran = self.inv("sandbox.reset")
        assert ran.code == 0, ran.err
        self.forget_work()

    def beside(self, name: str) -> Rehearsal:
        """Another checkout of the same, with the same sandbox: as a colleague has one."""
        other = Rehearsal(self.root.parent / name, self.home, self.variables)
        shutil.copytree(self.root, other.root, symlinks=True, ignore=shutil.ignore_patterns(".work", "__pycache__"))
        return other

    def forget_work(self) -> None:
        """Remove the work folder; programs of killed runs, which only their notes in there name, end first."""
        for records in (self.root / ".work").glob("*/*/processes"):
            process_records.end_leftovers(records, grace=5)
        shutil.rmtree(self.root / ".work", ignore_errors=True)

    def requests(self) -> list[dict[str, Any]]:
        """The request log since the last reset. Read where it lies, so that asking while something runs is quick."""
        return requestlog.read(Home.at(self.home))

    def armed(self) -> list[dict[str, Any]]:
        """Faults that are still to happen: a request that is delayed by one has taken it already."""
        return list(json.loads(Home.at(self.home).faults.read_text()))

    def carried_out(self, method: str, path: str) -> int:
        """How many requests of this kind have been, whether anybody was left to read the answer or not."""
        paths = [each["path"] for each in self.requests() if each["method"] == method]
        return sum(fnmatchcase(each, path) or fnmatchcase(each.partition("?")[0], path) for each in paths)

    @property
    def connection(self) -> dict[str, Any]:
        """How to reach the sandbox."""
        return dict(json.loads((self.home / "connection.json").read_text()))


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def rehearsal(*, application: Path | None = None) -> Iterator[Rehearsal]:
    """A checkout below a short temporary path (sockets have short names), cleaned up whatever happens.

    `application` is used where it lies; without it a copy of the smallest one is made outside the checkout.
    """
    base = Path(tempfile.mkdtemp(prefix="rh-"))
    root = base / "checkout"
    root.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".terraform", "node_modules")
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy(source, root / name)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    if application is None:
        application = copy_application(base / "application")
    point_at(root, application)
    running = Rehearsal(root, base / "home")
    try:
        yield running
    finally:
        running.forget_work()
        running.inv("sandbox.down")
        shutil.rmtree(base, ignore_errors=True)


def copy_application(folder: Path) -> Path:
    """The smallest application, its one package linked from this checkout."""
    shutil.copytree(APPLICATION, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "convex").symlink_to(ROOT / "node_modules" / "convex")
    (modules / ".package-lock.json").write_text('{"packages": {}}')
    return folder


def point_at(root: Path, application: Path) -> None:
    """Edit the inventory the way an adopting team would: `path` in [app]."""
    replace(root / "environments.toml", 'path = "example"', f'path = "{application}"')


def replace(path: Path, *pairs: str) -> None:
    """Replace texts that must be there: old, new, old, new."""
    text = path.read_text()
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, f"{old!r} is not in {path.name}"
        text = text.replace(old, new, 1)
    path.write_text(text)
