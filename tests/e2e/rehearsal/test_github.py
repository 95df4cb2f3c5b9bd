"""What deploys ask and tell GitHub, with `inv` as a program against the sandbox's GitHub."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace as changed
from typing import Any

import pytest

from tests.support.kills import git, repository
from tests.support.rehearsal import Rehearsal, replace
from tests.support.reviews import apply, plan
from tests.support.signing import public, ssh_key
from tests.support.states import Store, store_of

REPOSITORY = "vibechecc/vibechecc"
RUN = "8001"


@pytest.fixture(name="office", scope="module")
def _office(stage: Rehearsal) -> Rehearsal:
    """Mira reviews on GitHub, tom signs."""
    key = public(ssh_key(stage.root.parent / "keys", "tom"))
    people = f'[project.approvers.mira]\ngithub = "mira-k"\n\n[project.approvers.tom]\nssh = ["{key}"]\n\n[app]'
    replace(stage.root / "environments.toml", "[app]", people)
    repository(stage.root)
    git(stage.root, "config", "user.email", "planner@example.org")
    plan(stage)
    return stage


def world(stage: Rehearsal, path: str, body: dict[str, Any]) -> Any:
    """What people and GitHub itself do."""
    url = f"{stage.connection['environment']['GITHUB_API_URL']}/__sandbox/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- loopback
        return json.loads(answer.read())


def asked(stage: Rehearsal, path: str) -> Any:
    """What GitHub has."""
    made = stage.connection["environment"]
    headers = {"Authorization": f"Bearer {made['GITHUB_TOKEN']}"}
    request = urllib.request.Request(f"{made['GITHUB_API_URL']}/repos/{REPOSITORY}{path}", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- loopback
        return json.loads(answer.read())


def in_job(stage: Rehearsal, run: str = RUN) -> Rehearsal:
    """The same checkout as a job of that run sees it."""
    return changed(stage, variables={**stage.variables, "GITHUB_RUN_ID": run, "GITHUB_REPOSITORY": REPOSITORY})


def start_run(stage: Rehearsal, run: str = RUN) -> None:
    """A workflow on this commit that will wait for production's reviewers."""
    commit = git(stage.root, "rev-parse", "HEAD")
    world(stage, "runs", {"id": int(run), "head_sha": commit, "actor": "noor"})


def test_production_goes_by_the_review_of_its_run(office: Rehearsal) -> None:
    """Planned in the run, refused while it waits, applied once mira has let it pass; the ledger names her."""
    office.reset()
    plan(office, env="production")
    start_run(office)
    job = in_job(office)
    planned = plan(job, env="production")
    assert planned["approvals"]["needed"] == 1
    world(office, f"runs/{RUN}", {"environment": "production"})
    waiting = job.inv("approve", "--plan", "plan", "--sandbox", "--json", "--from-run", "this")
    assert waiting.code == 12
    assert "nobody has approved run 8001 at `production`" in waiting.document["error"]["message"]
    assert apply(job).code == 12
    world(office, f"runs/{RUN}", {"review": {"user": "mira-k", "comment": "looks right"}})
    taken = job.inv("approve", "--plan", "plan", "--sandbox", "--json", "--from-run", "this")
    assert (taken.code, taken.document["taken"], taken.document["approvals"]["missing"]) == (0, ["mira"], 0)
    done = apply(job)
    assert done.code == 0, done.err
    history = office.inv("history", "--env", "production", "--sandbox", "--json", "--limit", "1").document["runs"][0]
    assert (history["approvals"], history["ci"]["run"], history["outcome"]) == (["mira"], RUN, "ok")


def test_a_plan_of_another_run_is_not_what_was_reviewed(office: Rehearsal) -> None:
    """Nor one that was made on a laptop: nobody who reviewed has seen it."""
    office.reset()
    plan(office, env="production")
    start_run(office)
    world(office, f"runs/{RUN}", {"environment": "production"})
    world(office, f"runs/{RUN}", {"review": {"user": "mira-k"}})
    ran = office.inv("approve", "--plan", "plan", "--sandbox", "--json", "--from-run", RUN)
    assert ran.code == 12
    assert "the plan was made in no run" in " ".join(ran.document["error"]["details"])


def test_a_job_that_was_cancelled_holds_nothing_once_github_says_so(office: Rehearsal) -> None:
    """Its runner is gone, its entry is open: one that runs is named, one that has ended is proof."""
    office.reset()
    start_run(office)
    assert in_job(office).deploy().code == 0
    with store_of(office) as store:
        _the_only_run_was_cut_off(store)
    held = office.inv("state.unlock", "--env", "dev", "--sandbox", "--json")
    assert held.code == 7, held.err
    assert "GitHub's run 8001, attempt 1, is `in_progress`" in json.dumps(held.document)
    world(office, f"runs/{RUN}", {"status": "completed", "conclusion": "cancelled"})
    freed = office.inv("state.unlock", "--env", "dev", "--sandbox", "--json")
    assert freed.code == 0, freed.err
    assert "GitHub's run 8001, attempt 1, has ended (cancelled)" in json.dumps(freed.document)
    assert office.deploy().recap["changed"] == 0


def _the_only_run_was_cut_off(store: Store) -> None:
    """As if its runner had vanished before the end: nothing is closed, and its process was on another machine."""
    first, *rest = sorted(key for key in store.keys("ledger") if "/0" in key)
    opened = json.loads(store.read(first) or b"")
    assert opened["ci"]["run"] == RUN
    opened["process"] |= {"host": "runner-7", "boot": "another"}
    opened["ci"]["attempt"] = "1"
    store.write(first, json.dumps(opened).encode())
    for key in store.keys("ledger"):
        if key != first:
            store.remove(key)
    assert rest


def test_a_pull_request_is_told_and_its_plan_commented(office: Rehearsal) -> None:
    """Each in one comment, told twice the same; the deployment and the commit's status beside it."""
    office.reset()
    plan(office)
    world(office, "pulls", {"number": 12, "head": {"sha": "1" * 40, "ref": "topic"}})
    for state in ("coming", "up", "up"):
        ran = office.inv("pr.report", "--number", "12", "--sandbox", "--state", state, "--json")
        assert (ran.code, ran.document["notes"]) == (0, []), ran.err
    assert not ran.document["changed"]
    for _ in range(2):
        assert office.inv("plan", "--env", "dev", "--sandbox", "--comment", "12").code == 10
    bodies = [comment["body"].splitlines() for comment in asked(office, "/issues/12/comments")]
    assert [(lines[0], lines[1]) for lines in bodies] == [
        ("<!-- deployer: environment -->", "### <code>pr-12</code> is up"),
        ("<!-- deployer: plan development -->", "### Plan for <code>development</code> (sandbox)"),
    ]
    (deployment,) = asked(office, "/deployments?environment=pr-12")
    assert asked(office, f"/deployments/{deployment['id']}/statuses")[0]["state"] == "success"
    assert asked(office, f"/commits/{'1' * 40}/status")["state"] == "success"
