"""Runs that die by kill -9 at a chosen moment: right before a step changes something, or right after one has ended.

The moments are those that the runner tells its listeners, counted from one; or those before and after each write of the
ledger; or those between any two steps of keeping a plan bundle. A file of this folder on PYTHONPATH counts them in the
process itself, so that nothing depends on time.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.rehearsal import Rehearsal

_COUNTING = r"""
import os, signal

def install():
    from deployer.engine import run

    told = run._Run._tell
    moments = 0

    def tell(self, call):
        nonlocal moments
        told(self, call)
        if not self.options.check and {"applying", "finished"} & set(call.__code__.co_names):
            moments += 1
            if moments == int(os.environ["KILLED_AT"]):
                os.kill(os.getpid(), signal.SIGKILL)

    run._Run._tell = tell

def install_writes():
    from deployer.adapters.state.bucket import Bucket

    put = Bucket.try_put
    moments = 0

    def try_put(self, key, body, *, replaces):
        nonlocal moments
        if not key.startswith("ledger"):
            return put(self, key, body, replaces=replaces)
        for before in (True, False):
            moments += 1
            if moments == int(os.environ["KILLED_AT_WRITE"]):
                os.kill(os.getpid(), signal.SIGKILL)
            if before:
                done = put(self, key, body, replaces=replaces)
        return done

    Bucket.try_put = try_put

def install_bundle():
    import re, shutil
    from pathlib import Path
    from deployer.adapters import files
    from deployer.adapters.state.bucket import Bucket

    moments = 0
    # How a bundle is called while it is being written, and one that has to make room for it.
    aside = re.compile(r"\.\d+\.(part|old)(/|$)")

    def counted(function):
        def call(*arguments, **named):
            nonlocal moments
            if any(aside.search(str(each)) or str(each).startswith("plans/") for each in arguments[:2]):
                moments += 1
                if moments == int(os.environ["KILLED_AT_BUNDLE"]):
                    os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return call

    files.write_private_bytes = counted(files.write_private_bytes)
    shutil.rmtree = counted(shutil.rmtree)
    for owner, name in ((Path, "replace"), (Path, "rename"), (Bucket, "try_put")):
        setattr(owner, name, counted(getattr(owner, name)))

if "KILLED_AT" in os.environ:
    install()
if "KILLED_AT_BUNDLE" in os.environ:
    install_bundle()
if "KILLED_AT_WRITE" in os.environ:
    install_writes()
"""


def killed_at(stage: Rehearsal, moment: int, *arguments: str, variable: str = "KILLED_AT", code: int = 0) -> bool:
    """Run `inv ARGUMENTS` and kill it at this moment; False if it ended before, which it must have done with `code`.

    With KILLED_AT_WRITE the moments are those before and after each write of the ledger, with KILLED_AT_BUNDLE those
    before each file of a plan bundle that is written, moved, removed or stored.
    """
    folder = stage.root.parent / "kills"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_COUNTING)
    variables = {"PYTHONPATH": f"{folder}{os.pathsep}{stage.root}", variable: str(moment)}
    done = subprocess.run(
        stage.command(*arguments), cwd=stage.root, env={**stage.environment, **variables}, capture_output=True,
        text=True, stdin=subprocess.DEVNULL, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode == -signal.SIGKILL:
        return True
    assert done.returncode == code, f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return False


def moments() -> Iterator[int]:
    """One after the other, for a loop that ends when a run was not killed any more."""
    moment = 0
    while True:
        moment += 1
        yield moment


def repository(root: Path) -> None:
    """Make the checkout a git repository, so that it has a commit."""
    git(root, "init", "-q")
    (root / ".git" / "info" / "exclude").write_text("__pycache__\n.work\nnode_modules\nplan\nplans\nempty\n")
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "rehearsal")


def git(root: Path, *argv: str) -> str:
    """Run git in the checkout, as somebody with a name."""
    who = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *argv], cwd=root, capture_output=True, check=True, text=True).stdout.strip()
