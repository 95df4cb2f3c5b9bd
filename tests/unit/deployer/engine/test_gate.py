"""What stands before every change of a run: asked by each step that has one, and able to refuse it."""

from __future__ import annotations

from pathlib import Path

from deployer.engine.playbook import Playbook
from deployer.engine.run import RunOptions, run
from deployer.errors import StepFailed
from tests.support.cli import FileStep


def test_the_gate_is_passed_before_each_change_and_what_it_raises_fails_the_step(tmp_path: Path) -> None:
    """Steps that only look do not come to it; nothing is applied behind a gate that is closed."""
    asked: list[str] = []

    def gate(step: str) -> None:
        asked.append(step)
        if step == "refused":
            raise StepFailed("not now")

    (tmp_path / "there").touch()
    steps = [
        FileStep(name="looks", path=tmp_path / "there"),
        FileStep(name="passes", path=tmp_path / "one"),
        FileStep(name="refused", path=tmp_path / "two", needs=("passes",)),
    ]
    result = run(Playbook("p", steps), RunOptions(gate=gate))
    assert asked == ["passes", "refused"]
    assert [step.status.value for step in result.results] == ["ok", "changed", "failed"]
    assert not (tmp_path / "two").exists()


def test_looking_comes_to_no_gate(tmp_path: Path) -> None:
    """Check mode changes nothing."""
    asked: list[str] = []
    run(Playbook("p", [FileStep(name="a", path=tmp_path / "one")]), RunOptions(gate=asked.append, check=True))
    assert asked == []
