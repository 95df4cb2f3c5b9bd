"""Each job calls one session or task, by its name, and each stage has its job: what fails there runs here."""

from __future__ import annotations

import re
import shlex

import pytest

from deployer.playbooks.aws_policies import PLAN_SUFFIX
from tests.support import workflows
from tests.support.commands import inv_problem, sessions
from tests.support.inventory import inventory
from tests.support.workflows import NAMES, ROOT, Job

JOBS = [job for job in workflows.jobs() if "uses" not in job.values]
CALL = re.compile(r"\./bootstrap (?:inv (?P<task>[\w.-]+)|nox -s (?P<session>\S+))(?P<rest>.*)")
CARRIERS = ("actions/upload-artifact", "actions/download-artifact")
# What a job may do before and after the one thing that it is called after.
BESIDE = {"ci.aws-login", "ci.release", "pr.report"}
# Others give these to a person to run.
NO_STAGES = {
    "deploy": "what the jobs that deploy do, with the runtime packages alone",
    "benchmarks": "measures this machine and rewrites a document",
    "lock": "resolves the lock files anew, which a person reviews",
}


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_a_job_is_a_checkout_the_setup_and_calls(job: Job) -> None:
    """No logic of its own: every step is one call of ours, or an action that carries files."""
    for step in job.steps:
        used = str(step.get("uses", "")).partition("@")[0]
        assert used in ("", "actions/checkout", *CARRIERS, "./.github/actions/setup"), step
        if "run" in step:
            assert CALL.fullmatch(step["run"]), step["run"]


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_a_job_calls_the_task_or_session_of_its_name(job: Job) -> None:
    """So that whoever reads a red job knows what to type."""
    calls = [found for call in job.calls if (found := CALL.fullmatch(call))]
    main = [call for call in calls if (call["task"] or call["session"]) not in BESIDE or call["task"] == _task(job)]

    assert len(main) == 1
    if job.id == "nox":
        assert main[0]["session"] == '"$SESSION"'
        assert job.values["name"] == "${{ matrix.session }}"
    elif job.id == "gate":
        assert main[0]["task"] == "ci.gate"
        assert job.values["name"] == job.workflow
    else:
        assert main[0]["task"] == _task(job)
        assert job.values["name"].split()[0] == job.id


def _task(job: Job) -> str:
    """`ci-aws-login` is the job of `ci.aws-login`: a point is not allowed in a job's name."""
    return re.sub(r"^(ci|pr)-", r"\1.", job.id)


def test_every_call_is_one_that_exists() -> None:
    """Tasks, with their flags, are those of this checkout; the sessions are those of the matrix, below."""
    called = [shlex.split(found[0]) for job in JOBS for call in job.calls if (found := CALL.fullmatch(call))]
    problems = [inv_problem(words[2:]) for words in called if words[1] == "inv"]

    assert problems
    assert [problem for problem in problems if problem] == []


def test_every_stage_has_a_job() -> None:
    """Those that run by default, exactly; the others are for people, each for its reason."""
    (job,) = [job for job in JOBS if job.id == "nox"]
    stages = [row["session"] for row in job.values["strategy"]["matrix"]["include"]]

    assert stages == [name for name, (_, default) in sessions().items() if default]
    assert {name for name, (_, default) in sessions().items() if not default} == set(NO_STAGES)


@pytest.mark.parametrize("name", NAMES)
def test_one_gate_judges_all_jobs(name: str) -> None:
    """A branch rule requires the gate alone, so that nothing else may be forgotten or skipped by accident."""
    found = {job.id: job for job in workflows.jobs(name)}
    gate = found.pop("gate")
    (call,) = gate.calls
    found_skip = re.search(r"--may-skip ([\w,-]+)", call)
    may_skip = set(found_skip[1].split(",")) if found_skip else set()

    assert gate.condition == "always()"
    assert set(gate.needs) == set(found)
    assert may_skip <= set(found)
    # Who may be skipped is who has a condition, or needs one that has.
    conditional = {job.id for job in found.values() if job.condition}
    conditional |= {job.id for job in found.values() if conditional & set(job.needs)}
    assert may_skip == conditional
    # Where a job decides, its decision is the reason, and a condition that is wrong is found.
    if decides := {job.id for job in found.values() if job.id in ("ci-affected", "ci-preview")}:
        (reason,) = re.findall(r"--when '([\w-]+)\.([\w-]+)=", call)
        assert reason[0] in decides
        assert reason[1] in found[reason[0]].values["outputs"]


def test_the_backend_is_live_before_the_frontend() -> None:
    """Never a frontend that needs functions which are not there yet."""
    found = {job.id: job for job in workflows.jobs("deploy-cloudflare")}

    assert found["deploy-convex"].values["uses"] == "./.github/workflows/deploy-convex.yml"
    assert "deploy-convex" in found["deploy"].needs
    # A failed push ends it: the condition asks nothing that a failure could pass.
    assert not re.search(r"always\(\)|cancelled\(\)|failure\(\)", found["deploy"].condition)


def test_plans_of_older_commits_are_looked_for_also_where_nothing_is_planned() -> None:
    """Whatever the lists of ci.affected say; all that keeps it away is that the commit is a fork's."""
    (job,) = [job for job in workflows.jobs("terraform-plan") if job.id == "ci-plan-comments"]

    assert job.condition == workflows.SAME_REPOSITORY
    assert job.needs == ()
    assert not job.privileged


def test_a_workflow_that_is_called_gets_the_rights_that_its_jobs_name() -> None:
    """GitHub starts neither otherwise, and no linter says so."""
    for job in workflows.jobs():
        if called := job.values.get("uses"):
            given = job.values["permissions"]
            for inner in workflows.jobs(str(called).rpartition("/")[2].removesuffix(".yml")):
                wanted = inner.values["permissions"]
                missing = {name for name, right in wanted.items() if given.get(name) not in (right, "write")}
                assert missing == set(), f"{job} calls {inner}"


def test_both_parts_can_be_called_alone_and_by_others() -> None:
    """By hand, and by a workflow that hands on the secrets that are read in there: no other one would arrive."""
    for name in ("deploy-convex", "deploy-cloudflare"):
        assert {"workflow_call", "workflow_dispatch"} <= set(workflows.triggers(name))
        read = {secret for job in workflows.jobs(name) for secret in re.findall(r"\bsecrets\.(\w+)", job.text)}
        assert workflows.triggers(name)["workflow_call"]["secrets"].keys() == read


def test_the_github_environments_are_those_of_the_inventory() -> None:
    """Roles are printed, and secrets documented, for environments of these names."""
    loaded = inventory()
    preview = loaded.inventory.ci.previews.environment
    for job in JOBS:
        named = job.values.get("environment")
        if named is not None:
            expected = preview if any(call.startswith("./bootstrap inv pr.") for call in job.calls) else None
            assert named in (
                [expected] if expected else ["${{ matrix.environment }}", "${{ matrix.environment }}" + PLAN_SUFFIX]
            )


def test_whoever_takes_an_environment_can_see_whether_its_holder_is_gone() -> None:
    """A run that was cancelled holds it until somebody asks GitHub."""
    for job in JOBS:
        tasks = {found["task"] for call in job.calls if (found := CALL.fullmatch(call))}
        if tasks & {"ci.apply", "deploy", "pr.up", "pr.down", "pr.sweep"}:
            assert job.values["permissions"].get("actions") == "read", job
            assert "GITHUB_TOKEN" in job.text, job


def test_the_keys_of_the_inventory_reach_the_jobs_that_deploy() -> None:
    """A key that the inventory takes from the environment is there, in every job that acts on an environment."""
    text = (ROOT / "environments.toml").read_text(encoding="utf-8")
    keys = set(re.findall(r'\{ env = "(\w+)" \}', text))
    previews = {key for key in keys if "PREVIEW" in key}
    shared = keys - previews

    assert previews
    assert shared
    for job in JOBS:
        tasks = {found["task"] for call in job.calls if (found := CALL.fullmatch(call))}
        if tasks & {"ci.plan", "ci.apply", "deploy"}:
            assert {key for key in shared if f"secrets.{key}" not in job.text} == set(), job
        if tasks & {"pr.up", "pr.down", "pr.sweep"}:
            assert {key for key in previews if f"secrets.{key}" not in job.text} == set(), job
            assert {key for key in shared if key in job.text} == set(), job
