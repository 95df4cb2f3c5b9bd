"""A process is named so that nobody takes another one for it, and called gone only with proof."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from deployer.adapters import machine
from deployer.adapters.machine import Life, ProcessId, carriers
from tests.support.ledgers import ended_process


def test_this_process_is_alive_and_survives_json() -> None:
    """What is written about it is read back as the same process."""
    own = ProcessId.own()
    assert own.life is Life.ALIVE
    assert own.is_here
    assert ProcessId.of(own.fields()) == own


def test_a_process_that_ended_is_gone() -> None:
    """Also while its parent has not taken note."""
    assert ended_process().life is Life.GONE
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    own = ProcessId.own()
    zombie = replace(own, pid=child.pid, started="1")
    assert zombie.life is Life.GONE
    child.communicate()


def test_an_id_that_was_given_away_again_is_not_the_same_process() -> None:
    """The id lives, the process that had it does not."""
    assert replace(ProcessId.own(), started="12").life is Life.GONE


@pytest.mark.parametrize("part", ["boot", "namespace"])
def test_of_another_machine_or_container_nothing_is_known(part: str) -> None:
    """Ids mean nothing there, not even one that is free here."""
    gone = ended_process()
    own = replace(gone, boot="another") if part == "boot" else replace(gone, namespace="another")
    assert own.life is Life.UNKNOWN
    assert not own.is_here


def test_without_proc_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """On other systems the heartbeat alone tells."""
    gone = ended_process()
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    assert gone.life is Life.UNKNOWN
    assert carriers("ANY", "thing") == ()


def test_a_hidden_process_of_another_user_is_not_called_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where /proc shows only one's own: the kernel still says that the id is taken."""
    gone = ended_process()

    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert gone.life is Life.UNKNOWN


@pytest.mark.parametrize("fields", [{}, {"host": "a"}, {"host": "a", "pid": "x", "started": 1, "boot": 1}])
def test_what_names_no_process_is_none(fields: dict[str, object]) -> None:
    """An entry that somebody else has written."""
    assert ProcessId.of(fields) is None


def test_programs_of_a_run_are_found_by_what_they_carry() -> None:
    """Of this run, and of no other one whose id begins alike."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"RUN_OF": "abc"})
    try:
        for _ in range(200):
            if carriers("RUN_OF", "abc"):
                break
        assert carriers("RUN_OF", "abc") == (child.pid,)
        assert carriers("RUN_OF", "ab") == ()
    finally:
        child.communicate(b"\n")
    assert carriers("RUN_OF", "abc") == ()
