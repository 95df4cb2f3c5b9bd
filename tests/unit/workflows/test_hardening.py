"""The workflows keep the rules that zizmor and actionlint cannot know, and those that matter most in any case."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support import workflows
from tests.support.workflows import ACTION, FOLDER, NAMES, SAME_REPOSITORY, Job

JOBS = list(workflows.jobs())
OWN = [job for job in JOBS if "uses" not in job.values]


def test_there_are_the_eight_workflows_and_no_other() -> None:
    """A file that nobody reads here would keep no rule."""
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_begins_with_no_rights(name: str) -> None:
    """Each job names the ones that it needs."""
    assert workflows.workflow(name)["permissions"] == {}


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_a_jobs_rights_are_named_one_by_one(job: Job) -> None:
    """No `read-all`, no `write-all`, and nobody writes the repository's contents."""
    rights = job.values["permissions"]

    assert isinstance(rights, dict)
    assert rights.get("contents") == "read"
    assert set(rights.values()) <= {"read", "write"}


@pytest.mark.parametrize("job", OWN, ids=str)
def test_a_job_ends_by_itself(job: Job) -> None:
    """One that hangs costs minutes, and holds up its environment."""
    minutes = job.values["timeout-minutes"]

    if minutes == "${{ matrix.minutes }}":
        assert all(0 < row["minutes"] <= 60 for row in job.values["strategy"]["matrix"]["include"])
    else:
        assert 0 < minutes <= 60


@pytest.mark.parametrize("job", OWN, ids=str)
def test_the_runner_is_a_variable_of_the_repository(job: Job) -> None:
    """Blacksmith's where nothing is said; GitHub's own where the variable says so."""
    assert job.values["runs-on"] == "${{ vars.RUNNER_LABEL || 'blacksmith-4vcpu-ubuntu-2404' }}"


def test_actions_are_pinned_by_commit_with_their_version() -> None:
    """A tag can be moved by whoever owns it. One action has one commit everywhere."""
    pins: dict[str, set[str]] = {}
    for file, text in workflows.uses():
        if text.startswith("./"):
            continue
        found = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", text)
        assert found, f"{file}: {text}"
        pins.setdefault(found[1], set()).add(f"{found[2]} {found[3]}")

    assert pins
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", NAMES)
def test_no_trigger_gives_strangers_our_rights(name: str) -> None:
    """`pull_request_target` and `workflow_run` run with the repository's secrets for anybody's pull request."""
    assert not {"pull_request_target", "workflow_run"} & set(workflows.triggers(name))


@pytest.mark.parametrize("job", OWN, ids=str)
def test_nothing_is_put_into_a_script(job: Job) -> None:
    """Titles and branch names are strangers' words: they reach a program through its environment or not at all."""
    assert [call for call in job.calls if "${{" in call] == []
    assert [step for step in job.steps if "github-script" in str(step.get("uses", ""))] == []


def test_nothing_is_put_into_the_actions_script_either() -> None:
    """The composite action is part of every job."""
    steps = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]

    assert [step["run"] for step in steps if "run" in step] == ["./bootstrap true"]


@pytest.mark.parametrize("job", OWN, ids=str)
def test_a_checkout_leaves_no_token_behind(job: Job) -> None:
    """Whatever runs later in the job could take it from the checkout's configuration."""
    checkouts = [step for step in job.steps if str(step.get("uses", "")).startswith("actions/checkout@")]

    assert len(checkouts) == 1
    assert checkouts[0]["with"]["persist-credentials"] is False
    assert job.steps[0] == checkouts[0]


@pytest.mark.parametrize("job", [job for job in OWN if job.privileged], ids=str)
def test_what_can_change_something_takes_nothing_from_a_cache(job: Job) -> None:
    """A cache is written by other runs, a pull request's among them."""
    (setup,) = [step for step in job.steps if step.get("uses") == "./.github/actions/setup"]

    assert setup.get("with", {}).get("cache", "false") == "false"


def test_what_is_applied_is_what_this_run_has_planned() -> None:
    """The note of it goes from job to job within the run, where nobody else writes and nothing comes from a cache."""
    found = {job.id: job for job in workflows.jobs("terraform-apply")}
    (given,) = [step for step in found["ci-plan"].steps if "upload-artifact@" in str(step.get("uses", ""))]
    (taken,) = [step for step in found["ci-apply"].steps if "download-artifact@" in str(step.get("uses", ""))]

    assert taken["with"] == {name: given["with"][name] for name in ("name", "path")}
    assert found["ci-plan"].calls[-1].endswith(f"--made {given['with']['path']}")
    assert found["ci-apply"].calls[-1].endswith(f"--made {given['with']['path']}")
    assert [job for job in found.values() if "cache: 'true'" in job.text and job.id != "gate"] == []


@pytest.mark.parametrize("job", [job for job in OWN if "ref" in job.steps[0]["with"]], ids=str)
def test_a_pull_requests_code_fills_no_cache_of_the_default_branch(job: Job) -> None:
    """That is whose cache it would be where a comment, or a person, has started the run."""
    (setup,) = [step for step in job.steps if step.get("uses") == "./.github/actions/setup"]

    assert setup.get("with", {}).get("cache", "false") in ("false", "${{ github.event_name == 'pull_request' }}")


@pytest.mark.parametrize("job", [job for job in OWN if "secrets." in job.text], ids=str)
def test_secrets_are_those_of_a_github_environment(job: Job) -> None:
    """Its rules hold for whoever wants them. They reach single steps, never the whole job."""
    assert "environment" in job.values
    assert "secrets." not in yaml.safe_dump(job.values.get("env", {}))
    assert "toJSON(secrets" not in job.text
    assert "inherit" not in job.text


@pytest.mark.parametrize("job", [job for job in JOBS if "uses" in job.values], ids=str)
def test_a_called_workflow_has_the_secrets_of_its_environment(job: Job) -> None:
    """GitHub gives a called job only what its caller names, were it an environment's own: each by its own name."""
    called = str(job.values["uses"]).removeprefix("./.github/workflows/").removesuffix(".yml")
    read = {name for other in workflows.jobs(called) for name in re.findall(r"secrets\.(\w+)", other.text)}

    assert read
    assert job.values["secrets"] == {name: f"${{{{ secrets.{name} }}}}" for name in read}
    assert set(workflows.triggers(called)["workflow_call"]["secrets"]) == read


@pytest.mark.parametrize("name", NAMES)
def test_every_workflow_says_what_may_run_beside_it(name: str) -> None:
    """Concurrency is named on purpose; on GitHub's default several would run at once."""
    assert "group" in workflows.workflow(name)["concurrency"]


@pytest.mark.parametrize("job", [job for job in JOBS if job.id in ("ci-apply", "deploy")], ids=str)
def test_what_changes_an_environment_has_one_queue_and_is_never_cancelled(job: Job) -> None:
    """Whatever workflow it is: the queue is called after what is changed. A cancelled apply leaves a lock."""
    assert job.values["concurrency"] == {
        "group": "environment-${{ matrix.environment }}",
        "cancel-in-progress": False,
    }
    assert job.values["environment"] == "${{ matrix.environment }}"


def test_only_what_looks_and_previews_are_cancelled_by_newer_runs() -> None:
    """Static checks, plans, and the environment of a pull request, whose lease says how far it was."""
    cancelled = {name for name in NAMES if workflows.workflow(name)["concurrency"]["cancel-in-progress"]}
    jobs = {str(job) for job in JOBS if (job.values.get("concurrency") or {}).get("cancel-in-progress")}

    assert cancelled == {"static-checks", "terraform-plan"}
    assert jobs == {"pr-environment/pr-up", "pr-environment/e2e"}


def _forks(name: str) -> list[Job]:
    return list(workflows.jobs(name)) if "pull_request" in workflows.triggers(name) else []


@pytest.mark.parametrize("name", [name for name in NAMES if "pull_request" in workflows.triggers(name)])
def test_a_forks_pull_request_reaches_no_secret(name: str) -> None:
    """Every job with rights asks first where the commits come from, or needs one that did and was then skipped."""
    reached = _reached_by_a_fork(_forks(name))

    assert [str(job) for job in reached if job.privileged] == []
    assert [str(job) for job in reached if "write" in job.values["permissions"].values()] == []
    assert reached, "and it still gets an answer"


def _reached_by_a_fork(found: list[Job]) -> list[Job]:
    """The jobs that run for a fork, if every job that runs says what a stranger would like it to say."""
    results: dict[str, str] = {}
    reached = []
    for job in found:
        skipped = any(results[need] == "skipped" for need in job.needs)
        condition = job.condition.removeprefix("${{").removesuffix("}}").strip()
        # A job without a function of status waits for all that it needs.
        waits = not re.search(r"(always|cancelled|failure)\(\)", condition)
        runs = (not condition or _holds(condition, results)) and not (skipped and waits)
        results[job.id] = "success" if runs else "skipped"
        reached += [job] if runs else []
    return reached


def _holds(condition: str, results: dict[str, str]) -> bool:
    """Whether a condition is true for a fork's pull request."""
    known = {
        "github.event_name": "pull_request",
        "github.repository": "octo/vibes",
        "github.event.pull_request.head.repo.full_name": "mallory/vibes",
        "github.event.pull_request.user.login": "mallory",
        **{f"needs.{job}.result": result for job, result in results.items()},
    }

    def value(found: re.Match[str]) -> str:
        name = found[0]
        if name.startswith("'"):
            return name
        if ".outputs." in name:
            return "'true'"
        return repr(known[name])

    text = condition.replace("always()", "True").replace("cancelled()", "False")
    text = re.sub(r"'[^']*'|\b(?:github|needs)\.[\w.-]+", value, text)
    text = re.sub(r"!(?!=)", " not ", text).replace("&&", " and ").replace("||", " or ")
    assert re.fullmatch(r"(?:'[^']*'|[\s()=!]|and|or|not|True|False)+", text), text
    return bool(eval(text))  # noqa: S307 -- of our own files, and nothing but comparisons of texts


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (SAME_REPOSITORY, False),
        (f"github.event_name != 'pull_request' || {SAME_REPOSITORY}", False),
        (f"github.event_name == 'pull_request' || {SAME_REPOSITORY}", True),
        (f"always() || {SAME_REPOSITORY}", True),
        ("!cancelled() && needs.a.result == 'success'", True),
        ("needs.a.outputs.wanted == 'true'", True),
    ],
)
def test_conditions_are_read_as_github_reads_them(condition: str, holds: bool) -> None:
    """The name of the right condition somewhere in it is not enough."""
    assert _holds(condition, {"a": "success"}) is holds


def test_the_fork_test_would_notice() -> None:
    """Without the condition the same reading finds the secrets."""
    found = _forks("terraform-plan")
    bare: list[Job] = [Job(job.workflow, job.id, _without_condition(job.values)) for job in found]

    assert [job.id for job in _reached_by_a_fork(bare) if job.privileged] == ["ci-plan"]


def _without_condition(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "if"}


def test_a_comment_runs_our_own_code_until_github_has_said_whose_it_is() -> None:
    """What reads the comment is the default branch's, and has no rights beyond reading."""
    (reader,) = [job for job in workflows.jobs("pr-environment") if job.id == "ci-preview"]

    assert "ref" not in reader.steps[0]["with"]
    assert not reader.privileged
    assert set(reader.values["permissions"].values()) == {"read"}
    assert "comment" not in reader.text


def test_every_ignore_has_its_reason_beside_it() -> None:
    """In zizmor's configuration alone: none hides in a workflow, where nobody looks for it."""
    text = (FOLDER.parent / "zizmor.yml").read_text(encoding="utf-8")
    rules = yaml.safe_load(text)["rules"]

    for rule in rules:
        section = text.split(f"  {rule}:\n", 1)[1]
        assert section.lstrip().startswith(("#", "ignore:\n      #")), rule
    assert [path.name for path in FOLDER.iterdir() if "zizmor:" in path.read_text(encoding="utf-8")] == []
