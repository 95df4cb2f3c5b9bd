"""The commands that are printed for missing secrets work as they are printed."""

from __future__ import annotations

import json
import os
import pty
import select
from pathlib import Path

import pytest

from deployer.inventory.base import SecretRef
from deployer.steps.missing_secrets import SecretPlaces

PLACES = SecretPlaces(environment="the process environment", region="eu-central-1", sandbox=False)
ID = "team/worker"
# Keeps one secret in a file, as `aws` would in the cloud.
AWS = """#!/bin/sh
echo "$@" >> "$KEPT.calls"
case "$2" in
get-secret-value) cat "$KEPT" ;;
*) cat > "$KEPT.new" && mv "$KEPT.new" "$KEPT" ;;
esac
"""


def missing(*keys: str) -> list[tuple[str, SecretRef]]:
    """These keys of one secret."""
    return [(f"worker.secrets.{key}", SecretRef(aws=ID, key=key)) for key in keys]


@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Path:
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o700)
    (tmp_path / "kept").write_text(json.dumps({"OLD": 'with "quotes"'}))
    return tmp_path / "kept"


def typed_in_a_shell(command: str, kept: Path, *answers: tuple[str, str]) -> int:
    """Run a line in a shell on a terminal of its own, on which a person answers each prompt when it is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {"PATH": f"{kept.parent}:{os.environ['PATH']}", "KEPT": str(kept)}
        os.execve("/bin/sh", ["sh", "-c", command], environment)  # noqa: S606 -- the program under test is a shell line
    shown, waiting = "", list(answers)
    try:
        while True:
            if waiting and waiting[0][0] in shown:
                os.write(terminal, waiting.pop(0)[1].encode())
            assert select.select([terminal], [], [], 20)[0], f"nothing happens after {shown!r}"
            data = os.read(terminal, 1024)
            if not data:
                break
            shown += data.decode()
    except OSError:
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_missing_key_is_added_and_the_others_are_kept(kept: Path) -> None:
    """One command for all keys of a secret; the values are asked for, and are in no argument."""
    lines = PLACES.how_to_mend(missing("NEW", "MORE"), {ID: {"OLD": "x"}})
    assert len(lines) == 2
    assert "`NEW`, `MORE`" in lines[0]
    assert typed_in_a_shell(lines[1], kept, ("NEW: ", "first value\n"), ("MORE: ", "second\n")) == 0
    assert json.loads(kept.read_text()) == {"OLD": 'with "quotes"', "NEW": "first value", "MORE": "second"}
    calls = kept.with_suffix(".calls").read_text()
    assert calls.count("--region eu-central-1") == 2
    assert "first value" not in calls


def test_a_missing_secret_is_created_once_with_all_its_keys(kept: Path) -> None:
    """In the region where the deployer looks; the JSON that it wants is shown."""
    lines = PLACES.how_to_mend(missing("A", "B", "A"), {ID: None})
    assert [line.split()[2] for line in lines if "aws " in line] == ["create-secret"]
    assert '{"A": "...", "B": "..."}' in lines[-1]
    assert typed_in_a_shell(lines[1], kept, ("", '{"A": "1", "B": "2"}\n\x04')) == 0
    assert json.loads(kept.read_text()) == {"A": "1", "B": "2"}
    assert f"--region eu-central-1 --name {ID}" in kept.with_suffix(".calls").read_text()


def test_the_sandbox_has_commands_of_its_own() -> None:
    """None that would write to the account of the person's own configuration."""
    places = SecretPlaces(environment="connection.json", region="eu-central-1", sandbox=True)
    text = "\n".join(places.how_to_mend([*missing("A"), ("x", SecretRef(env="TOKEN"))], {ID: None}))
    assert "inv sandbox.down && inv sandbox.up" in text
    assert "aws secretsmanager" not in text
    assert "export" not in text
