"""A scratch clone of the working tree with a sandbox of its own, driven through the real command line.

Its files are copied and committed, so that a test also sees whether a run leaves the tree clean. Installed packages
are shared by links. Home, temporary folder and sandbox lie beside the clone: whatever a run writes is below `folder`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deployer.adapters import packages
from tests.support.foreign import FOREIGN

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_CLEARED = (*FOREIGN, "SANDBOX_", "NO_COLOR", "FORCE_COLOR")
# A bound and no bar: a busy machine may take several times as long as a quiet one.
_SECONDS = 900
# Loaded by every Python that starts: notes each program that is started, which polling could miss.
_SITECUSTOMIZE = """
import json, os, sys

def note(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        argv = arguments[1]
        if not isinstance(argv, (str, bytes)):
            argv = [os.fsdecode(part) for part in argv]
        line = json.dumps({"by": os.getpid(), "argv": argv}, default=str) + "\\n"
        descriptor = os.open(os.environ["E2E_STARTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)

if "E2E_STARTED" in os.environ:
    sys.addaudithook(note)
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    argv: Sequence[str]
    code: int
    out: str
    err: str
    started: Sequence[Sequence[str]]

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)

    @property
    def recap(self) -> dict[str, int]:
        """Steps by status."""
        return dict(self.json["recap"])

    @property
    def changes(self) -> set[tuple[str, str]]:
        """What was, or would be, done: action and address."""
        return {(each["action"], each["address"]) for step in self.json["steps"] for each in step["changes"]}

    @property
    def changed_steps(self) -> set[str]:
        """Names of the steps that did, or would do, something."""
        return {step["name"] for step in self.json["steps"] if step["status"] == "changed"}

    @property
    def node_programs(self) -> list[Sequence[str]]:
        """Every Node program that was started."""
        return [argv for argv in self.started if Path(argv[0]).name in {"node", "npm", "npx"}]


@dataclass(frozen=True)
class Clone:
    """The clone `folder/checkout` and the environment in which its commands run."""

    folder: Path
    # Everything that was run, for those who look through all output.
    history: list[Ran] = field(default_factory=list, repr=False)

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.folder / "checkout"

    @property
    def sandbox_home(self) -> Path:
        """Where the clone's sandbox keeps everything."""
        return self.folder / "sandbox"

    @property
    def environment(self) -> dict[str, str]:
        """A person's environment without any credential."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_CLEARED)}
        return kept | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "audit"),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "SANDBOX_HOME": str(self.sandbox_home),
            "E2E_STARTED": str(self.folder / "started.ndjson"),
            "COLUMNS": "80",
            "CI": "1",
        }

    def inv(self, *arguments: str, ok: int | None = 0, stdin: str | None = None) -> Ran:
        """Run `inv ARGUMENTS` in the clone; another exit code than `ok` fails the test (None: any will do)."""
        return self.run("inv", *arguments, ok=ok, stdin=stdin)

    def run(self, *argv: str, ok: int | None = 0, stdin: str | None = None, **extra: str) -> Ran:
        """Run any command in the clone."""
        notes = self.folder / f"started-{len(self.history)}-{os.urandom(3).hex()}.ndjson"
        done = subprocess.run(
            argv,
            cwd=self.root,
            env={**self.environment, "E2E_STARTED": str(notes), **extra},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        ran = Ran(argv, done.returncode, done.stdout, done.stderr, _started(notes))
        self.history.append(ran)
        if ok is not None:
            assert done.returncode == ok, f"{' '.join(argv)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return ran

    def deploy(self, name: str, *arguments: str, ok: int | None = 0) -> Ran:
        """`inv deploy --env NAME --sandbox --json`."""
        return self.inv("deploy", "--env", name, "--sandbox", "--json", *arguments, ok=ok)

    def git(self, *arguments: str) -> str:
        """Run git in the clone and return what it printed."""
        identity = ("-c", "user.name=e2e", "-c", "user.email=e2e@localhost", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    @property
    def connection(self) -> dict[str, Any]:
        """How the sandbox is reached."""
        return dict(json.loads((self.sandbox_home / "connection.json").read_text()))

    @property
    def credentials(self) -> dict[str, str]:
        """The sandbox's addresses and credentials, as its clients get them."""
        return dict(self.connection["environment"])

    @cached_property
    def inventory(self) -> Any:
        """The clone's inventory, parsed."""
        from deployer.inventory.load import load

        return load(self.root)

    def work(self, environment: str) -> Path:
        """The deployer's private folder of one environment."""
        return self.root / ".work" / "sandbox" / environment


@contextlib.contextmanager
def scratch_clone(folder: Path) -> Iterator[Clone]:
    """Make the clone; end its sandbox afterwards."""
    clone = Clone(folder)
    for name in ("audit", "home", "tmp"):
        (folder / name).mkdir()
    npm_cache = Path.home() / ".npm"
    if npm_cache.is_dir():
        # Installing the application's packages, where that is needed, works offline as it does for a person.
        (folder / "home" / ".npm").symlink_to(npm_cache)
    (folder / "audit" / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    _copy_tree(clone.root)
    (clone.root / "node_modules").symlink_to(REPOSITORY / "node_modules")
    if packages.installed(REPOSITORY / "example"):
        # Otherwise the deploy installs them itself, as on a fresh machine.
        (clone.root / "example" / "node_modules").symlink_to(REPOSITORY / "example" / "node_modules")
    clone.git("init", "-q")
    # The repository ignores folders of these names, and git does not take a link for a folder.
    (clone.root / ".git" / "info" / "exclude").write_text("node_modules\n")
    clone.git("add", "--all")
    clone.git("commit", "-q", "-m", "scratch clone")
    try:
        yield clone
    finally:
        clone.inv("sandbox.down", ok=None)


def _copy_tree(root: Path) -> None:
    # New files too: what is tried is the tree as it is, whether or not it is committed yet.
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)


def _started(notes: Path) -> list[Sequence[str]]:
    if not notes.is_file():
        return []
    return [_words(json.loads(line)["argv"]) for line in notes.read_text().splitlines()]


def _words(argv: str | Sequence[str]) -> Sequence[str]:
    return argv.split() if isinstance(argv, str) else argv


def settings(values: Mapping[str, str]) -> list[str]:
    """The flags `--set` for these values."""
    return [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
