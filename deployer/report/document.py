"""Results as the one JSON document that `--json` prints on stdout; its shape is a promise to other programs.

`schema` grows when a key changes its meaning or goes; new keys may come at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from deployer.engine.result import Outcome, RunResult, Status, StepResult
from deployer.errors import DeployError
from deployer.report.sink import no_secrets

SCHEMA: Final = 1


def head_document(*, command: str, environment: str | None, target: str | None, outcome: str) -> dict[str, Any]:
    """What every document begins with."""
    return {
        "schema": SCHEMA,
        "command": command,
        "environment": environment,
        "target": target,
        "outcome": outcome,
    }


def run_document(
    result: RunResult, *, command: str, environment: str | None, target: str, url: str | None, diff: bool = False
) -> dict[str, Any]:
    """The document of a run that came to an end, well or not."""
    document = {
        **head_document(command=command, environment=environment, target=target, outcome=result.outcome.value),
        "check": result.check,
        "recap": {status.value: result.count(status) for status in Status},
        "url": url,
        "seconds": round(result.seconds, 3),
        "steps": [_step(step, diff=diff) for step in result.results],
    }
    if result.error is not None:
        document["error"] = error_document(result.error)
    return document


def failure_document(
    error: DeployError, *, command: str, environment: str | None, target: str | None
) -> dict[str, Any]:
    """The document of a command that failed before there was anything to run."""
    return {
        **head_document(command=command, environment=environment, target=target, outcome=Outcome.FAILED.value),
        "check": False,
        "recap": {status.value: 0 for status in Status},
        "url": None,
        "seconds": 0.0,
        "steps": [],
        "error": error_document(error),
    }


def error_document(error: DeployError) -> dict[str, Any]:
    """An error for machines: branch on `reason` or `exit_code`, show the rest."""
    return {
        "reason": error.reason,
        "exit_code": error.exit_code,
        "message": error.message,
        "place": error.place,
        "hint": error.hint,
        "details": list(error.details),
    }


def dumps(document: Any, redact: Callable[[str], str] = no_secrets) -> str:
    """JSON as we print it: readable, keys in the order of their meaning.

    Secrets are masked in each text before it becomes JSON. A secret whose value is `true` or `changed` must neither
    break the document nor alter the words by which other programs branch; those are ours and hold no secret.
    """
    return json.dumps(_masked(document, redact, ()), indent=2, ensure_ascii=False)


_WORDS: Final = frozenset({
    ("command",), ("environment",), ("target",), ("outcome",),
    ("steps", "name"), ("steps", "status"), ("steps", "tags"), ("steps", "needs"), ("steps", "changes", "action"),
    ("error", "reason"), ("steps", "error", "reason"),
    ("environments", "name"), ("environments", "kind"), ("environments", "stacks"),
    ("id",), ("kind",), ("commit",), ("created",), ("expires",), ("digest",), ("risk",),
    ("findings", "rule"), ("findings", "severity"), ("steps", "changes", "meaning"), ("steps", "changes", "over"),
})  # fmt: skip
_OUR_WORDS: Final = _WORDS | {("plans", *path) for path in _WORDS}
"""Where the words of our own vocabulary stand, and names from the inventory, as paths of keys."""


def _masked(value: Any, redact: Callable[[str], str], path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(item, redact, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, redact, path) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value) if path in _OUR_WORDS else redact(str(value))


def _step(step: StepResult, *, diff: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": step.name,
        "status": step.status.value,
        "seconds": round(step.seconds, 3),
        "changes": [change.document(detail=diff) for change in step.changes],
    }
    if step.why:
        document["why"] = step.why
    if step.error is not None:
        document["error"] = error_document(step.error)
    return document
