"""The plan's document: true to its schema, read back exactly, refused when it is not whole."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deployer.engine.change import Action, Change
from deployer.errors import PlanUnusable
from deployer.report.document import dumps
from deployer.report.plan_document import plan_document, steps_of
from deployer.review.schema import plan_schema
from deployer.review.view import Finding, PlannedStep
from tests.support import plans

VALID = Draft202012Validator(plan_schema())
TEXT = st.text(max_size=30)
CHANGES = st.builds(
    Change,
    action=st.sampled_from(Action),
    address=TEXT,
    summary=TEXT,
    detail=TEXT,
    certain=st.booleans(),
    meaning=TEXT,
    over=TEXT,
    forces=st.lists(TEXT, max_size=3).map(tuple),
    local=st.booleans(),
)
STEPS = st.lists(st.builds(PlannedStep, name=TEXT, changes=st.lists(CHANGES, max_size=4).map(tuple)), max_size=4)
FINDINGS = st.builds(
    Finding,
    rule=TEXT,
    severity=st.sampled_from(["error", "warning"]),
    reason=TEXT,
    message=TEXT,
    where=TEXT,
    place=TEXT,
)


@settings(deadline=None)
@given(steps=STEPS, findings=st.lists(FINDINGS, max_size=2), needed=st.integers(0, 9))
def test_what_is_written_is_valid_and_read_back_exactly(
    steps: list[PlannedStep], findings: list[Finding], needed: int
) -> None:
    """Whatever the texts hold, through a file and back: an apply sees the very changes that were reviewed."""
    document = json.loads(dumps(plan_document(plans.plan_view(steps, findings=findings, needed=needed))))

    assert list(VALID.iter_errors(document)) == []
    assert steps_of(document) == tuple(steps)


def test_it_tells_for_whom_it_was_made_and_how_dangerous_it_is() -> None:
    """Everything of the manifest by which another program decides."""
    document = plan_document(plans.mixed())
    del document["steps"], document["findings"]

    assert document == {
        "schema": 1,
        "command": "plan",
        "id": "20260311T120000Z-4f0c2d1e",
        "environment": "production",
        "kind": "production",
        "target": "cloudflare",
        "outcome": "changes",
        "commit": plans.COMMIT,
        "dirty": True,
        "settings": ["worker.logs.enabled=false"],
        "created": "2026-03-11T12:00:00Z",
        "expires": "2026-03-12T12:00:00Z",
        "planner": {"who": "mira@build-7", "email": "mira@example.org", "account": "mira"},
        "digest": "9f" * 32,
        "risk": "destroy",
        "counts": {"create": 0, "update": 19, "replace": 1, "delete": 1, "forget": 0, "run": 1, "unchanged": 23},
        "approvals": {"needed": 2},
    }


def test_no_field_of_a_change_is_forgotten() -> None:
    """A field that the document lacked would be lost between plan and apply."""
    (entry,) = plan_document(plans.violations())["steps"][0]["changes"]

    assert entry.keys() == {field.name for field in dataclasses.fields(Change)}


def test_a_build_alone_is_no_change() -> None:
    """What only this machine gets is nothing to review."""
    build = Change(action=Action.RUN, address="app:build", summary="build", local=True)

    assert plan_document(plans.plan_view([plans.step("build", build)]))["outcome"] == "ok"


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key of a document, wherever it stands."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(key, str):
            yield (*path, key)
        yield from paths(item, (*path, key))


def without(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The document without one key."""
    found = copy.deepcopy(document)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return found


def test_any_missing_part_is_found() -> None:
    """Whichever key is lost, nothing takes its place silently."""
    document = plan_document(plans.violations())
    for path in paths(document):
        torn = without(document, path)
        with pytest.raises(PlanUnusable) as caught:
            steps_of(torn, place="plan/plan.json")
        assert caught.value.place == "plan/plan.json"
        assert str(path[-1]) in caught.value.message
        assert list(VALID.iter_errors(torn))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("steps", 0, "changes", 0, "action"), "move", "steps[0].changes[0].action"),
        (("steps", 0, "changes", 0, "certain"), "yes", "steps[0].changes[0].certain"),
        (("steps", 0, "changes"), None, "steps[0].changes"),
        (("risk",), "none at all", "risk"),
        (("command",), "deploy", "command"),
        (("schema",), "1", "schema"),
    ],
)
def test_a_part_of_another_type_is_named_with_its_place(path: tuple[Any, ...], value: Any, said: str) -> None:
    """The error says where in the document, and what was expected."""
    document = json.loads(json.dumps(plan_document(plans.violations())))
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    with pytest.raises(PlanUnusable, match="the plan cannot be read") as caught:
        steps_of(document)
    assert f": {said}: " in caught.value.message
    assert caught.value.place == "plan.json"


def test_a_newer_document_is_refused_as_such() -> None:
    """Not as a broken one: the next command differs."""
    document = {**plan_document(plans.empty()), "schema": 2}

    with pytest.raises(PlanUnusable, match="schema is 2, 1 is known here") as caught:
        steps_of(document)
    assert caught.value.hint


def test_keys_that_came_later_do_no_harm() -> None:
    """New keys may come at any time, anywhere."""
    view = plans.violations()
    document = json.loads(json.dumps(plan_document(view)))
    for place in (document, document["counts"], document["planner"], *document["steps"], *document["findings"]):
        place["later"] = 1

    assert steps_of(document) == tuple(view.steps)
    assert list(VALID.iter_errors(document)) == []


def test_a_secret_that_is_a_word_of_ours_leaves_the_words_as_they_are() -> None:
    """Masking alters texts of others, never the words by which a program branches."""

    def redact(text: str) -> str:
        return text.replace("update", "***").replace("production", "***")

    document = json.loads(dumps(plan_document(plans.mixed()), redact))

    assert document["environment"] == "production"
    assert {"update"} <= {change["action"] for step in document["steps"] for change in step["changes"]}
