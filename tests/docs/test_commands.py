"""The command reference in docs/commands.md is what the commands say of themselves.

`UPDATE_GOLDEN=1 pytest tests/docs` rewrites it.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.collection import collection

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "commands.md"
MARK = "<!-- What follows is written by `UPDATE_GOLDEN=1 pytest tests/docs`. -->\n"


def reference() -> str:
    """Every task with its text and flags, in the order of `inv --list`."""
    tree = collection(ROOT)
    names = sorted(tree.task_names, key=lambda name: ("." in name, name))
    return "\n".join(section(name, tree[name]) for name in names)


def section(name: str, task: Any) -> str:
    """One task."""
    first, *rest = inspect.cleandoc(task.__doc__ or "").split("\n")
    lines = [f"### inv {name}", "", first, *rest, ""]
    # Examples are indented by two in help texts; Markdown wants four.
    lines = [f"  {line}" if line.startswith("  ") else line for line in lines]
    flags = sorted(task.get_arguments(), key=lambda argument: str(argument.names[0]))
    lines += ["| flag | meaning |", "| --- | --- |"]
    for argument in flags:
        no = "[no-]" if argument.kind is bool and argument.default is True else ""
        value = "" if argument.kind is bool else "=N" if argument.kind is int else "=..."
        lines.append(f"| `--{no}{argument.names[0]}{value}` | {argument.help.replace('|', chr(92) + '|')} |")
    return "\n".join([*lines, ""])


def test_the_reference_is_what_the_tasks_say() -> None:
    """Texts and flags in the documentation are the ones in the code."""
    head, mark, present = DOCUMENT.read_text(encoding="utf-8").partition(MARK)
    assert mark
    wanted = "\n" + reference()
    if os.environ.get("UPDATE_GOLDEN"):
        DOCUMENT.write_text(head + mark + wanted, encoding="utf-8")
        present = wanted
    assert present == wanted


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_completion_script_exists(shell: str) -> None:
    """Each line of the documentation prints a script that asks `inv` itself."""
    assert f"inv --print-completion-script {shell}" in DOCUMENT.read_text(encoding="utf-8")
    printed = subprocess.run(
        [sys.executable, "-m", "invoke", "--print-completion-script", shell], cwd=ROOT, capture_output=True, text=True
    )

    assert printed.returncode == 0
    assert "--complete" in printed.stdout


def test_fish_is_told_the_short_name() -> None:
    """Invoke's script for fish knows the program by its long name only."""
    script = [sys.executable, "-m", "invoke", "--print-completion-script", "fish"]
    printed = subprocess.run(script, cwd=ROOT, capture_output=True, text=True).stdout

    assert "--command inv " in printed or "complete --command inv --wraps invoke" in DOCUMENT.read_text(
        encoding="utf-8"
    )


def test_bash_completes_a_task_for_real() -> None:
    """The script, sourced by bash, offers our tasks and a task's flags."""
    program = Path(sys.executable).parent
    script = f"""
        PATH={program}:$PATH
        source <(inv --print-completion-script bash)
        complete_with=$(complete -p inv | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=(inv sandbox.re)
        "$complete_with" inv sandbox.re inv; echo "${{COMPREPLY[@]}}"
        COMP_WORDS=(inv deploy --list)
        "$complete_with" inv --list deploy; echo "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    tasks, flags = ran.stdout.splitlines()

    assert tasks.split() == ["sandbox.requests", "sandbox.reset"]
    assert flags.split() == ["--list-steps"]


def test_the_documented_document_keys_are_real() -> None:
    """The keys that the page promises are the ones that the report writes."""
    from deployer.engine.result import RunResult
    from deployer.report.document import run_document

    result = RunResult(playbook="deploy", check=False, results=(), seconds=0.0)
    document = run_document(result, command="deploy", environment="e", target="t", url=None)
    text = DOCUMENT.read_text(encoding="utf-8")
    promised = re.findall(r"`(\w+)`", text[text.index("For a run:") : text.index("A change has")])

    assert set(document) <= set(promised)
