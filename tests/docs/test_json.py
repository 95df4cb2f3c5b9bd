"""The keys that docs/guide/json.md promises are the ones that are printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS
from deployer.cli.collection import collection
from deployer.engine.change import Action, Change
from deployer.engine.result import RunResult, Status, StepResult
from deployer.errors import StateLocked
from deployer.report.document import error_document, run_document
from deployer.report.plan_document import plan_document
from deployer.review.risk import Risk
from deployer.review.schema import plan_schema
from deployer.steps.ledger import Ledger
from deployer.words import Named
from tests.support import plans
from tests.support.cli import ROOT, Checkout, make_checkout, use_steps
from tests.support.documents import blocks
from tests.support.ledgers import ELSEWHERE, open_run, past_run

PAGE = ROOT / "docs" / "guide" / "json.md"
STATE = {"version": 4, "serial": 1, "lineage": "l", "resources": [], "outputs": {}}
HEAD = ("schema", "command", "environment", "target", "outcome")


def row(task: str) -> str:
    """What the page says of a task."""
    found = re.search(rf"^\| `inv {re.escape(task)}` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, task
    return found.group(1)


def keys(value: Any) -> set[str]:
    """Keys of a document and of the documents in its lists."""
    found = set(value)
    for item in value.values():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            found |= set(item[0])
    return found


def printed(document: dict[str, Any]) -> set[str]:
    """The keys of a document behind those that all have, which come first."""
    assert tuple(document)[: len(HEAD)] == HEAD
    values = document.pop("values", None)
    return (keys(document) | ({"values", *next(iter(values.values()))} if values else set())) - set(HEAD)


@pytest.mark.parametrize(
    ("task", "flags"),
    [
        ("envs", ()),
        ("config", ("--env", "dev", "--key", "worker.logs")),
        ("render", ("--env", "dev")),
    ],
)
def test_a_task_prints_the_keys_that_are_promised(
    task: str, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """No more and no fewer."""
    ran = Checkout(ROOT, capsys).inv(task, *flags, "--json")

    assert printed(json.loads(ran.out)) == set(re.findall(r"`(\w+)`", row(task)))


@pytest.mark.parametrize(
    ("task", "flags", "outcome"),
    [
        ("policy", ("--list",), "ok"),
        ("history", ("--verify",), "failed"),
        ("state.unlock", (), "failed"),
        ("state.check", (), "failed"),
        ("state.copies", ("--keep",), "ok"),
        ("state.list", (), "ok"),
    ],
)
def test_a_task_about_the_state_bucket_prints_what_is_promised(
    task: str,
    flags: tuple[str, ...],
    outcome: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A failure says in the same document which one it is; the exit code is the error's."""
    for name in (CLOUDFLARE_TOKEN, *R2_KEYS, *AWS_KEYS):
        monkeypatch.setenv(name, "made-up-credential")
    bucket = use_steps(monkeypatch, [])
    ledger = Ledger(bucket, Named("development", "cloudflare"))
    past_run(ledger, "one")
    open_run(ledger, "two", ELSEWHERE)
    bucket.put_json("ledger/development/00000009.json", {})
    bucket.put_json("terraform/development/site.tfstate", STATE)

    ran = make_checkout(tmp_path, capsys).inv(task, "--env", "dev", *flags, "--json")
    document = json.loads(ran.out)

    assert (document["command"], document["environment"], document["target"]) == (task, "development", "cloudflare")
    assert document["outcome"] == outcome, ran.err
    assert document.pop("error", {"exit_code": 0})["exit_code"] == ran.code
    assert printed(document) <= set(re.findall(r"`(\w+)`", row(task)))


def test_every_task_with_json_is_on_the_page() -> None:
    """Also those whose document other tests look at."""
    tree, text = collection(ROOT), PAGE.read_text(encoding="utf-8")
    able = [name for name in tree.task_names if any("json" in flag.names for flag in tree[name].get_arguments())]

    assert len(able) > 20
    assert [name for name in able if not re.search(rf"`(inv )?{re.escape(name)}`", text)] == []


def test_the_example_of_a_run_has_the_keys_of_a_run() -> None:
    """Of the document, of a step and of a change."""
    change = Change(action=Action.UPDATE, address="a", summary="b", certain=False, detail="c")
    error = StateLocked("x", place="y", hint="z", details=("d",))
    steps = (
        StepResult(name="a", status=Status.CHANGED, changes=(change,)),
        StepResult(name="b", status=Status.SKIPPED, why="c"),
        StepResult(name="c", status=Status.FAILED, error=error),
    )
    result = RunResult(playbook="deploy", check=False, results=steps, seconds=1.0, error=error)
    document = run_document(result, command="deploy", environment="e", target="t", url="u", diff=True)
    text = PAGE.read_text(encoding="utf-8")
    run, _, failure = (json.loads(block.text) for block in blocks(PAGE) if block.language == "json")

    assert list(run) == [key for key in document if key != "error"]
    assert list(run["steps"][0]) == list(document["steps"][0])
    assert set(failure) == set(error_document(error))
    for key in {key for step in document["steps"] for key in step} - set(run["steps"][0]):
        assert f"`steps[].{key}`" in text
    for key in set(document["steps"][0]["changes"][0]) - set(run["steps"][0]["changes"][0]):
        assert f"`changes[].{key}`" in text
    assert [action.value for action in Action if f"`{action.value}`" not in text] == []


def test_the_example_of_a_plan_is_a_plan() -> None:
    """It is valid by the published schema, has all keys in their order, and the words are explained."""
    text = PAGE.read_text(encoding="utf-8")
    _, plan, _ = (json.loads(block.text) for block in blocks(PAGE) if block.language == "json")
    document = plan_document(plans.violations())

    assert list(Draft202012Validator(plan_schema()).iter_errors(plan)) == []
    assert list(plan) == list(document)
    assert list(plan["steps"][0]["changes"][0]) == list(document["steps"][0]["changes"][0])
    assert [word for word in (*document["findings"][0], *Risk) if f"`{word}`" not in text] == []
