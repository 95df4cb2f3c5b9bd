"""A plan as one JSON document: what `inv plan --json` prints and plan.json holds, and the way back.

An apply takes the reviewed changes from it, so reading returns exactly what was written. Its promise to other programs
is `docs/schemas/plan.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deployer.engine.change import Change
from deployer.engine.result import Outcome
from deployer.errors import PlanUnusable
from deployer.review.view import Finding, PlannedStep, PlanView

SCHEMA: Final = 1
FILE_NAME: Final = "plan.json"
_SHARED: Final = ("commit", "dirty", "settings", "created", "expires", "planner", "digest", "risk", "counts")


def plan_document(view: PlanView) -> dict[str, Any]:
    """The document of a plan; `steps_of` reads it back."""
    manifest = view.manifest
    shared = manifest.model_dump(mode="json", include=set(_SHARED))
    return {
        "schema": SCHEMA,
        "command": "plan",
        "id": manifest.id,
        "environment": manifest.environment,
        "kind": manifest.kind,
        "target": manifest.target,
        "outcome": (Outcome.CHANGES if view.pending else Outcome.OK).value,
        **{key: shared[key] for key in _SHARED},
        "approvals": {"needed": view.needed},
        "findings": [finding_document(finding) for finding in view.findings],
        "steps": [{"name": step.name, "changes": [_change(change) for change in step.changes]} for step in view.steps],
    }


def steps_of(document: Mapping[str, Any], *, place: str = FILE_NAME) -> tuple[PlannedStep, ...]:
    """The steps that `plan_document` wrote; `place` is where the document was found, for errors."""
    from pydantic import ValidationError

    from deployer.review.document import PlanDocument

    schema = document.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise PlanUnusable(
            f"the plan was written by a newer version of this project: its schema is {schema}, {SCHEMA} is known here",
            place=place,
            hint="check out the commit that the plan was made from, or plan again with `inv plan`",
        )
    try:
        found = PlanDocument.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise PlanUnusable(
            f"the plan cannot be read: {_path(problem['loc'])}: {problem['msg']}",
            place=place,
            hint="fetch or make it anew: `inv plan`",
        ) from None
    return tuple(
        PlannedStep(
            name=step.name,
            changes=tuple(
                Change(
                    action=entry.action,
                    address=entry.address,
                    summary=entry.summary,
                    detail=entry.detail,
                    certain=entry.certain,
                    meaning=entry.meaning,
                    over=entry.over,
                    forces=entry.forces,
                    local=entry.local,
                )
                for entry in step.changes
            ),
        )
        for step in found.steps
    )


def _change(change: Change) -> dict[str, object]:
    return {
        "action": change.action.value,
        "address": change.address,
        "summary": change.summary,
        "certain": change.certain,
        "meaning": change.meaning,
        "over": change.over,
        "forces": list(change.forces),
        "local": change.local,
        "detail": change.detail,
    }


def finding_document(finding: Finding) -> dict[str, str]:
    """One finding, as every document has it."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "reason": finding.reason,
        "message": finding.message,
        "where": finding.where,
        "place": finding.place,
    }


def _path(parts: tuple[int | str, ...]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text or "the document"
