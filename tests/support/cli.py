"""Runs tasks in this process, as `inv` would, in a checkout of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from invoke.program import Program

from deployer.cli import deploy_runs
from deployer.cli.collection import collection
from deployer.cli.runs import Verb
from deployer.engine.change import Action, Change
from deployer.engine.playbook import Playbook
from deployer.engine.step import BaseStep, Context
from deployer.errors import DeployError
from deployer.playbooks.wiring import Wiring
from tests.support.buckets import MemoryBucket

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a task ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A folder with an inventory, and a way to run tasks in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def inv(self, *arguments: str) -> Ran:
        """Run `inv ARGUMENTS`."""
        self.capsys.readouterr()
        code = 0
        # An interrupted command ignores signals to the end of its process, which is the tests' own here.
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            Program(namespace=collection(self.root), name="Invoke", binary="inv[oke]").run(["inv", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        printed = self.capsys.readouterr()
        return Ran(code, printed.out, printed.err)


def make_checkout(root: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """A checkout with a copy of the repository's inventory."""
    shutil.copy(ROOT / "environments.toml", root)
    return Checkout(root, capsys)


@dataclass(frozen=True, kw_only=True)
class FileStep(BaseStep[bool]):
    """Makes one file: small enough to be true, real enough to be looked at."""

    path: Path
    error: DeployError | Exception | None = None
    refusal: DeployError | None = None
    """Raised when it looks, so under --check as well."""
    diff_text: str = ""
    kill: bool = False
    progress: Sequence[str] = field(default=())

    def observe(self, context: Context) -> bool:
        for text in self.progress:
            context.say(text)
        if self.refusal is not None:
            raise self.refusal
        return self.path.exists()

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        if facts:
            return ()
        change = Change(action=Action.CREATE, address=f"file:{self.path.name}", summary="a file", detail=self.diff_text)
        return (change,)

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        if self.kill:
            os.kill(os.getpid(), 9)
        if self.error is not None:
            raise self.error
        self.path.write_text("made\n")
        return {}


def use_steps(monkeypatch: pytest.MonkeyPatch, steps: Sequence[BaseStep[Any]], *, name: str = "deploy") -> MemoryBucket:
    """Let deploy and destroy run `steps` instead of their playbooks; gives the state bucket that they have then."""

    def build(_wiring: Wiring) -> Playbook:
        return Playbook(name, list(steps))

    bucket = MemoryBucket()
    for verb in ("deploy_verb", "destroy_verb"):
        monkeypatch.setattr(deploy_runs, verb, partial(_with_playbook, getattr(deploy_runs, verb), build))
    monkeypatch.setattr("deployer.playbooks.recording.can_ask", lambda _wiring: True)
    monkeypatch.setattr("deployer.playbooks.wiring.Wiring.bucket", lambda _wiring, _name: bucket)
    monkeypatch.setattr("deployer.steps.live.Live._live_worker", lambda _live: None)
    return bucket


def _with_playbook(verb: Callable[[], Verb], playbook: Callable[[Wiring], Playbook]) -> Verb:
    return replace(verb(), playbook=playbook)
