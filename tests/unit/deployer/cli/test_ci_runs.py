"""What the tasks of workflows decide: the gate, the environments that a change affects, whether there is a preview."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deployer.cli import ci_runs
from deployer.cli.ci_rehearsal import job_environments
from deployer.cli.session import Session
from deployer.errors import ConfigError, StepFailed, UsageError
from tests.support import workflows
from tests.support.inventory import ROOT

COMMIT = "e" * 40


def session(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Session:
    """A task in a job with these variables."""
    made = Session(root=ROOT, command="ci.test", json=True)
    monkeypatch.setattr(Session, "variables", variables)
    return made


def needs(**jobs: Any) -> str:
    """What GitHub hands to the gate: a result, or a result with outputs."""
    made = {
        name.replace("_", "-"): {"result": job, "outputs": {}} if isinstance(job, str) else job
        for name, job in jobs.items()
    }
    return json.dumps(made)


def gate(monkeypatch: pytest.MonkeyPatch, text: str, *, may_skip: str = "", when: str = "") -> int:
    """The verdict."""
    return ci_runs.judge(session(monkeypatch, NEEDS=text), may_skip=may_skip, when=when)


def test_all_went_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else does."""
    assert gate(monkeypatch, needs(a="success", b="success")) == 0


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "", "Success", "neutral"])
def test_whatever_is_no_success_is_none(monkeypatch: pytest.MonkeyPatch, result: str) -> None:
    """A job that nobody has run has proven nothing."""
    with pytest.raises(StepFailed) as caught:
        gate(monkeypatch, needs(a="success", b=result))

    assert caught.value.details == (f"b: {result}",)


def test_a_job_may_be_skipped_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not fail there."""
    assert gate(monkeypatch, needs(a="success", b="skipped"), may_skip="b") == 0
    with pytest.raises(StepFailed):
        gate(monkeypatch, needs(a="success", b="failure"), may_skip="b")


def test_a_skip_has_to_be_somebodys_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition that is wrong skips a job that was wanted; that is no reason."""
    wanted = {"result": "success", "outputs": {"wanted": "true"}}
    unwanted = {"result": "success", "outputs": {"wanted": "false"}}

    assert gate(monkeypatch, needs(d=unwanted, b="skipped"), may_skip="b", when="d.wanted=false") == 0
    with pytest.raises(StepFailed):
        gate(monkeypatch, needs(d=wanted, b="skipped"), may_skip="b", when="d.wanted=false")
    with pytest.raises(StepFailed):
        gate(monkeypatch, needs(d="success", b="skipped"), may_skip="b", when="d.wanted=false")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"a": "success"}', "not json"])
def test_a_gate_without_results_is_shut(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Nothing needed is nothing proven."""
    with pytest.raises(ConfigError):
        gate(monkeypatch, text)


@pytest.mark.parametrize(("may_skip", "when"), [("nobody", ""), ("a", "wanted=false"), ("a", "nobody.wanted=false")])
def test_a_gate_that_names_no_job_is_a_mistake(monkeypatch: pytest.MonkeyPatch, may_skip: str, when: str) -> None:
    """Of whoever wrote the workflow."""
    with pytest.raises(UsageError):
        gate(monkeypatch, needs(a="success"), may_skip=may_skip, when=when)


def event(folder: Path, name: str, payload: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a job for an event."""
    path = folder / "event.json"
    path.write_text(json.dumps(payload))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_OUTPUT": str(folder / "output"),
        "PATH": "/usr/bin:/bin",
    }


def outputs(folder: Path) -> dict[str, str]:
    """What the job handed on."""
    lines = (folder / "output").read_text().splitlines()
    return {line.partition("<<")[0]: lines[number + 1] for number, line in enumerate(lines) if "<<end-" in line}


def test_a_push_that_cannot_be_compared_affects_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new branch, a history that was rewritten: what has changed is not known."""
    variables = event(tmp_path, "push", {"before": "0" * 40, "after": COMMIT})

    ci_runs.show_affected(session(monkeypatch, **variables), base="")

    assert json.loads(outputs(tmp_path)["apply"]) == ["production", "development"]
    assert json.loads(outputs(tmp_path)["worker"]) == []


def test_whoever_names_an_environment_means_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each workflow that is started by hand acts on it, by an alias as well."""
    variables = event(tmp_path, "workflow_dispatch", {"inputs": {"environment": "dev"}})

    ci_runs.show_affected(session(monkeypatch, **variables), base="")

    assert set(outputs(tmp_path).values()) == {'["development"]'}


def test_nothing_is_planned_for_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it changes: the jobs with secrets get empty lists."""
    payload = {
        "action": "opened",
        "pull_request": {
            "number": 13,
            "head": {"sha": COMMIT, "repo": {"full_name": "mallory/vibes"}},
            "base": {"sha": "f" * 40},
            "labels": [],
        },
        "repository": {"full_name": "octo/vibes"},
    }

    ci_runs.show_affected(session(monkeypatch, **event(tmp_path, "pull_request", payload)), base="")
    ci_runs.decide_preview(session(monkeypatch, **event(tmp_path, "pull_request", payload)), sandbox=False, number="")

    told = outputs(tmp_path)
    assert {told[name] for name in ("plan", "apply", "convex", "worker")} == {"[]"}
    assert told["wanted"] == "false"


def test_rehearsals_know_the_environment_of_every_job_that_has_one() -> None:
    """They read the files line by line; this reads them as YAML."""
    named = {job.id: job.values["environment"] for job in workflows.jobs() if "environment" in job.values}

    assert job_environments(sorted(workflows.FOLDER.glob("*.yml"))) == named
