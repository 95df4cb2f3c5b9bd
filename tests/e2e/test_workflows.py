"""The workflows' real files, run by act: a pull request from its opening to production, and what a fork gets.

The whole story is one test, in the order in which it happens. What is replaced is listed in
docs/guide/contributing-changes.md.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.e2e_clone import REPOSITORY, Clone, Ran, scratch_clone
from tests.support.e2e_world import World
from tests.support.waiting import wait_for

PULL = "12"
PEOPLE = '[project.approvers.mira]\ngithub = "mira-k"\n\n[app]'


@pytest.fixture(name="clone", scope="module")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A checkout with the packages that bootstrap has made, and a reviewer for production."""
    with scratch_clone(tmp_path_factory.mktemp("workflows")) as clone:
        (clone.root / ".venv").symlink_to((REPOSITORY / ".venv").resolve())
        with (clone.root / ".git" / "info" / "exclude").open("a") as excluded:
            excluded.write(".venv\n")
        change(clone, "environments.toml", "[app]", PEOPLE, why="Mira reviews production")
        yield clone


def change(clone: Clone, file: str, old: str, new: str, *, why: str) -> str:
    """Commit a change; returns the commit."""
    path = clone.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    clone.git("commit", "-q", "-a", "-m", why)
    return clone.git("rev-parse", "HEAD")


def run(clone: Clone, workflow: str, event: str, *more: str, ok: int | None = 0) -> Ran:
    """`inv ci.run`."""
    return clone.inv("ci.run", workflow, "--event", event, *more, ok=ok)


def github(clone: Clone, path: str) -> Any:
    """What GitHub has."""
    made = clone.credentials
    headers = {"Authorization": f"Bearer {made['GITHUB_TOKEN']}"}
    url = f"{made['GITHUB_API_URL']}/repos/{made['GITHUB_REPOSITORY']}{path}"
    return httpx.get(url, headers=headers, trust_env=False).raise_for_status().json()


def people(clone: Clone, path: str, body: dict[str, Any]) -> None:
    """What people do at GitHub."""
    url = f"{clone.credentials['GITHUB_API_URL']}/__sandbox/{path}"
    httpx.post(url, json=body, trust_env=False).raise_for_status()


def comments(clone: Clone) -> dict[str, str]:
    """The comments on the pull request, by their hidden first line; two with one are a mistake."""
    bodies = [each["body"] for each in github(clone, f"/issues/{PULL}/comments")]
    found = {body.splitlines()[0].removeprefix("<!-- deployer: ").removesuffix(" -->"): body for body in bodies}
    assert len(found) == len(bodies)
    return found


def left_of(world: World, clone: Clone, name: str) -> list[str]:
    """Whatever bears the name at any provider."""
    account, project = world.account, clone.inventory.inventory.project
    workers = [each["id"] for each in account.get("/accounts/{account}/workers/scripts")]
    titles = [each["title"] for each in account.get("/accounts/{account}/storage/kv/namespaces")]
    buckets = [each["name"] for each in account.get("/accounts/{account}/r2/buckets")["buckets"]]
    states = [key for key in world.objects(project.state_bucket) if key.startswith("terraform/")]
    found = [*workers, *titles, *buckets, *states, *world.dns_names(project.zone)]
    return [each for each in found if name in each]


def test_from_the_pull_request_to_production(clone: Clone) -> None:
    """Open, push, plan, merge, review: each workflow does its part, and nothing of the preview is left."""
    before = clone.git("rev-parse", "HEAD")
    change(clone, "environments.toml", "[app]", "# A change that affects everything.\n[app]", why="Everything changes")

    # Opened: an environment of its own, tested and told.
    run(clone, "pr-environment", "opened", "--number", PULL)
    world = World(clone)
    first = world.get("pr-12.vibechecc.app", "/release.json").json()
    told = comments(clone)["environment"]
    assert "is up" in told
    assert first["digest"][:12] in told
    (deployment,) = github(clone, "/deployments?environment=pr-12")
    assert github(clone, f"/deployments/{deployment['id']}/statuses")[0]["state"] == "success"
    assert list((clone.root / ".work" / "rehearsals").glob("artifacts-*/e2e-report/junit.xml"))

    # Pushed to: updated in place, and the comment as well.
    head = change(clone, "example/src/routes/index.tsx", "<h1", "<h1 data-second", why="Another page")
    run(clone, "pr-environment", "synchronize", "--number", PULL)
    second = world.get("pr-12.vibechecc.app", "/release.json").json()
    assert second["digest"] != first["digest"]
    assert head[:7] in comments(clone)["environment"]

    # Planned: a comment for each environment that it can affect.
    run(clone, "terraform-plan", "synchronize", "--number", PULL, "--base", before)
    assert set(comments(clone)) == {"environment", "plan development", "plan production"}

    # Merged: the preview goes.
    run(clone, "pr-cleanup", "merged", "--number", PULL)
    assert left_of(world, clone, "pr-12") == []
    assert "removed" in comments(clone)["environment"].splitlines()[1]

    # On main: development at once, production once somebody has looked.
    _applied_after_review(clone, world, before)
    assert world.get("vibechecc.app", "/release.json").status_code == 200
    (entry,) = clone.inv("history", "--env", "production", "--sandbox", "--json").json["runs"]
    assert (entry["approvals"], entry["outcome"], entry["commit"]) == (["mira"], "ok", head)
    (plan,) = [
        each
        for each in clone.inv("plans", "--sandbox", "--json").json["plans"]
        if each["environment"] == "production" and each["state"] == "applied"
    ]
    assert entry["plan"]["id"] == plan["id"]


def _applied_after_review(clone: Clone, world: World, before: str) -> None:
    ended: list[Ran] = []

    def push() -> None:
        ended.append(run(clone, "terraform-apply", "push", "--base", before, "--patience", "3m", ok=None))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        wait_for(lambda: ended or _waiting(clone), seconds=150)
        wait_for(lambda: ended or world.get("dev.vibechecc.app", "/release.json").status_code == 200, seconds=150)
        assert not ended, ended[0].err
        assert world.get("vibechecc.app", "/release.json").status_code != 200
        people(clone, f"runs/{_waiting(clone)}", {"review": {"user": "mira-k", "comment": "looks right"}})
    finally:
        thread.join(timeout=280)
    assert ended
    assert ended[0].code == 0, ended[0].err


def _waiting(clone: Clone) -> int:
    """The run that waits for a review; 0 if none does."""
    return next((run["id"] for run in github(clone, "/actions/runs")["workflow_runs"] if run["status"] == "waiting"), 0)


def test_a_fork_changes_nothing(clone: Clone) -> None:
    """The workflows that its pull request starts pass, and no service is asked to change anything."""
    seen = len(World(clone).mutating())

    for workflow in ("pr-environment", "terraform-plan"):
        run(clone, workflow, "fork", "--number", "13")
    shown = run(clone, "static-checks", "fork", "--number", "13", "--job", "ci-config")
    assert "stays as it is" in shown.err + shown.out

    changed = [each for each in World(clone).mutating()[seen:] if each[0] not in ("github", "sts")]
    assert changed == []
    assert github(clone, "/issues/13/comments") == []


def test_a_run_that_is_cancelled_half_way_leaves_nothing_behind(clone: Clone) -> None:
    """GitHub knows that it has ended, and closing the pull request removes what it had made until then."""
    log = clone.folder / "cancelled.log"
    command = ["inv", "ci.run", "pr-environment", "--event", "opened", "--number", "14"]
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            cwd=clone.root,
            env=clone.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Also if these tests were themselves started with `&`, which ignores it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- no thread runs here
        )
    try:
        wait_for(lambda: b"changed  terraform site" in log.read_bytes() or started.poll() is not None, seconds=120)
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=120) == 130, log.read_text()
    finally:
        started.kill()
    newest = github(clone, "/actions/runs")["workflow_runs"][0]
    assert (newest["status"], newest["conclusion"]) == ("completed", "cancelled")
    assert left_of(World(clone), clone, "pr-14") != []

    run(clone, "pr-cleanup", "closed", "--number", "14")

    assert left_of(World(clone), clone, "pr-14") == []

    # Run again although it was closed meanwhile: the event still says that it is open.
    again = run(clone, "pr-environment", "", "--rerun", str(newest["id"]), ok=1)
    assert "pr-up: ./bootstrap inv pr.up" in again.err
    assert github(clone, f"/actions/runs/{newest['id']}")["run_attempt"] == 2
    assert left_of(World(clone), clone, "pr-14") == []
