"""Friendlier answers than Invoke's own to a mistyped command line.

Invoke prints "No idea what '--chek' is!" and exits 1. It has no hook for that, so `install` wraps the two methods of
its Program in which task arguments are parsed; when our tasks are loaded, both are still to come. Ours exit with 2.
A command line without any task lists them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

_UNKNOWN = re.compile(r"No idea what '(.*)' is!")
_NO_VALUE = re.compile(r"Flag <Argument: ([\w-]+)[^>]*> needed value")
_NO_SUBCOLLECTION = re.compile(r"Sub-collection '(.*)' not found!")


_MEANT = {"--dry-run": "--check", "-n": "--check", "--only": "--tags"}
"""Flags of other tools, and ours for the same wish."""


def install() -> None:
    """Wrap Program's methods, once per process."""
    for name in ("parse_tasks", "parse_cleanup"):
        method = getattr(Program, name)
        if not hasattr(method, "__wrapped__"):
            setattr(Program, name, _friendly(method))
    # By setattr: to mypy a method that is assigned is an error.
    setattr(Program, "no_tasks_given", _list_tasks)  # noqa: B010


def _friendly(method: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(method)
    def parse(program: Any) -> None:
        try:
            method(program)
            _refuse_dry(program)
        except ParseError as error:
            raise Exit(_explained(str(error), error.context, program), code=2) from None
        except Exit as error:
            found = _NO_SUBCOLLECTION.fullmatch(error.message or "")
            if found is None:
                raise
            raise Exit(_unknown("collection", found.group(1), program.collection.collections), code=2) from None

    return parse


def _list_tasks(program: Any) -> None:
    """Answer a bare `inv` with the tasks, in place of Invoke's own flags, which say nothing of this repository."""
    program.list_tasks()
    raise Exit


def _refuse_dry(program: Any) -> None:
    """Refuse Invoke's own dry run: it only spares commands that Invoke runs, and our tasks run none by it."""
    if program.tasks and program.args.dry.value:
        raise Exit(
            "error: `-R` and `--dry` hold nothing back here, so they are refused\n\n"
            "hint: use `--check` after the task: `inv deploy --env NAME --check`",
            code=2,
        )


def _explained(message: str, context: Any, program: Any) -> str:
    tasks = list(program.collection.task_names)
    if found := _UNKNOWN.fullmatch(message):
        word = found.group(1)
        if not word.startswith("-"):
            if _is_environment(word, program):
                return f"error: unknown task `{word}`\n\nhint: an environment is given once, as `--env {word}`"
            return _unknown("task", word, tasks, listing="inv --list")
        meant = _MEANT.get(word.partition("=")[0])
        if context is None or context.name is None:
            hint = f"flags follow the task's name: inv TASK {meant or word}"
            return f"error: unknown flag `{word}` before a task\n\nhint: {hint}"
        flags = [name for name in (*context.flags, *context.inverse_flags) if name.startswith("--")]
        if meant in flags:
            return f"error: unknown flag `{word}`; did you mean `{meant}`?\n\nhint: `{_help_command(context)}`"
        return _unknown("flag", word.partition("=")[0], flags, listing=f"inv --help {context.name}")
    if found := _NO_VALUE.search(message):
        return f"error: flag `--{found.group(1)}` needs a value\n\nhint: `{_help_command(context)}` describes it"
    return f"error: {message[:1].lower()}{message[1:].rstrip('!')}\n\nhint: `{_help_command(context)}`"


def _is_environment(word: str, program: Any) -> bool:
    """Whether the inventory knows `word`; it is read only here, for a command line that is wrong already."""
    from deployer.errors import DeployError
    from deployer.inventory.load import load

    try:
        load(Path(program.collection.configuration()["root"])).environment(word)
    except DeployError:
        return False
    return True


def _help_command(context: Any) -> str:
    return f"inv --help {context.name}" if context is not None and context.name else "inv --list"


def _unknown(kind: str, word: str, known: Iterable[str], *, listing: str = "inv --list") -> str:
    from deployer.inventory.suggest import unknown

    message, _ = unknown(kind, word, known)
    return f"error: {message}\n\nhint: `{listing}` shows what there is"
