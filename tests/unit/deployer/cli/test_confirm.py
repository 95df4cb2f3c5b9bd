"""Before what cannot be taken back somebody is asked, and the environment's name is the only answer."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from deployer.cli.confirm import ask, is_asked, require_allowed
from deployer.cli.session import Session
from deployer.cli.subject import Subject
from deployer.engine.workfolder import WorkFolder
from deployer.errors import GuardRefused
from tests.support.inventory import inventory


def subject(tmp_path: Path, env: str, target: str = "cloudflare") -> Subject:
    """An environment of the repository's inventory."""
    loaded = inventory()
    return Subject(loaded=loaded, environment=loaded.environment(env), target=target, folder=WorkFolder(tmp_path))


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize(
    ("env", "target", "asked"),
    [("dev", "cloudflare", False), ("prod", "cloudflare", True), ("prod", "sandbox", False)],
)
def test_yes_does_not_do_for_what_is_protected(tmp_path: Path, env: str, target: str, asked: bool) -> None:
    """Except on the sandbox; without it everybody is asked."""
    assert is_asked(subject(tmp_path, env, target), yes=True) is asked
    assert is_asked(subject(tmp_path, env, target), yes=False)


def test_what_is_protected_needs_a_flag_as_well(tmp_path: Path) -> None:
    """The refusal says where the inventory says so."""
    with pytest.raises(GuardRefused, match="is protected") as caught:
        require_allowed(subject(tmp_path, "prod"), env="prod", allow_protected=False)
    assert "environments.toml:" in str(caught.value.place)
    require_allowed(subject(tmp_path, "prod"), env="prod", allow_protected=True)
    require_allowed(subject(tmp_path, "dev"), env="dev", allow_protected=False)


@pytest.mark.parametrize(("typed", "goes_on"), [("development\n", True), ("dev\n", False), ("y\n", False), ("", False)])
def test_the_name_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, goes_on: bool) -> None:
    """In full; anything else, and the end of the input, is a no."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    session = Session(root=tmp_path, command="state.restore")

    def asked() -> bool:
        ask(session, subject(tmp_path, "dev"), deed="it is done", announcement="This does it.")
        return True

    if goes_on:
        assert asked()
        return
    with pytest.raises(GuardRefused, match="was not confirmed; nothing was touched"):
        asked()


def test_nobody_there_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job has no terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("development\n"))
    for env, hint in (("dev", "add --yes"), ("prod", "type its name")):
        with pytest.raises(GuardRefused, match="nobody is there to confirm that it is done") as caught:
            ask(
                Session(root=tmp_path, command="x"),
                subject(tmp_path, env),
                deed="it is done",
                announcement="This does it.",
            )
        assert hint in str(caught.value.hint)
