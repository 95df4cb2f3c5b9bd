"""Checks command lines against the tasks and sessions that there are, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache

from invoke.collection import Collection
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.program import Program

from deployer.cli.collection import collection
from tests.support.documents import ROOT

# Words that stand for something: `inv TASK`, `inv ...`.
_PLACEHOLDERS = {"TASK", "...", "VERB", "X"}


@cache
def tasks() -> Collection:
    """The tree of tasks."""
    return collection(ROOT)


def inv_problem(words: Sequence[str]) -> str | None:
    """What is wrong with `inv WORDS`; None if Invoke would accept it."""
    if not words or words[0] in _PLACEHOLDERS or words[0].endswith("*"):
        return None
    problems = [_parse_problem(each) for each in _alternatives(words)]
    return next((problem for problem in problems if problem), None)


def _alternatives(words: Sequence[str]) -> list[list[str]]:
    """`sandbox.up|down --json` means two commands."""
    first, *rest = words
    if "|" not in first:
        return [list(words)]
    head, *others = first.split("|")
    prefix = head.rpartition(".")[0]
    return [[name, *rest] for name in (head, *(f"{prefix}.{other}" if prefix else other for other in others))]


def _parse_problem(words: list[str]) -> str | None:
    if words[0] in {"--help", "-h"} and len(words) == 2:
        known = {*_PLACEHOLDERS, *tasks().task_names}
        return None if words[1] in known or words[1].endswith(".X") else f"no task {words[1]!r} to be helped with"
    program = Program(namespace=tasks(), binary="inv")
    parser = Parser(contexts=tasks().to_contexts(), initial=program.initial_context, ignore_unknown=False)
    try:
        parser.parse_argv(words)
    except ParseError as error:
        return str(error)
    return None


@cache
def sessions() -> Mapping[str, tuple[str, bool]]:
    """Name of every nox session, with its text and whether it runs by default."""
    found = {}
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "nox.session":
                given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}
                assert isinstance(node, ast.FunctionDef)
                found[node.name] = (ast.get_docstring(node) or "", given.get("default", True))
    return found


def nox_problem(words: Sequence[str]) -> str | None:
    """What is wrong with `nox WORDS`; None if these sessions exist."""
    own = list(words)[: list(words).index("--")] if "--" in words else list(words)
    if "-s" not in own:
        return None
    strange = [word for word in own[own.index("-s") + 1 :] if not word.startswith("-") and word not in sessions()]
    return f"no session {', '.join(strange)}" if strange and strange != ["NAME"] else None
