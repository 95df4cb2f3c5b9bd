"""The workflows' real files, run by act: a pull request from its opening to production, and what a fork gets.

The whole story is one test, in the order in which it happens. What is replaced is listed in
docs/guide/contributing-changes.md.
"""

from __future__ import annotations

import json
import re
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
VERDICT = re.compile(r"\| (\S+) +(success|failure|cancelled|skipped)$", re.MULTILINE)
NOTHING_WANTED = {"ci-preview": "success", "pr-up": "skipped", "e2e": "skipped", "pr-report": "skipped"}
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


def verdicts(ran: Ran) -> dict[str, str]:
    """How the jobs ended, as the gates at the end saw it."""
    return dict(VERDICT.findall(ran.err))


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


def comments(clone: Clone, number: str = PULL) -> dict[str, str]:
    """The comments on a pull request, by their hidden first line; two with one are a mistake."""
    bodies = [each["body"] for each in github(clone, f"/issues/{number}/comments")]
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
        ended.append(run(clone, "terraform-apply", "push", "--base", before, "--patience", "10m", ok=None))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        wait_for(lambda: ended or _waiting(clone), seconds=600)
        wait_for(lambda: ended or world.get("dev.vibechecc.app", "/release.json").status_code == 200, seconds=600)
        assert not ended, ended[0].err
        assert world.get("vibechecc.app", "/release.json").status_code != 200
        people(clone, f"runs/{_waiting(clone)}", {"review": {"user": "mira-k", "comment": "looks right"}})
    finally:
        thread.join(timeout=900)
    assert ended
    assert ended[0].code == 0, ended[0].err


def _waiting(clone: Clone) -> int:
    """The run that waits for a review; 0 if none does."""
    return next((run["id"] for run in github(clone, "/actions/runs")["workflow_runs"] if run["status"] == "waiting"), 0)


def test_the_application_follows_on_main(clone: Clone) -> None:
    """Development gets what changed, the backend before the frontend; production waits for its plan to be reviewed."""
    clone.deploy("development")
    world = World(clone)
    old, production = (world.get(host, "/release.json").text for host in ("dev.vibechecc.app", "vibechecc.app"))
    change(
        clone,
        "example/convex/seed.ts",
        "\n",
        "\n// Another backend.\nexport const NEWER = true\n",
        why="Another backend",
    )
    change(clone, "example/src/routes/index.tsx", "<h1", "<h1 data-third", why="A third page")
    seen = len(world.mutating())
    ran = run(clone, "deploy-cloudflare", "push", "--base", "HEAD~2")

    assert verdicts(ran) == {"ci-affected": "success", "deploy-convex": "success", "deploy": "success"}
    assert world.get("dev.vibechecc.app", "/release.json").text != old
    assert world.get("vibechecc.app", "/release.json").text == production
    changed = [path for _, _, path in world.mutating()[seen:]]
    pushed = next(number for number, path in enumerate(changed) if path.endswith("/finish_push"))
    assert pushed < next(number for number, path in enumerate(changed) if "/versions" in path)
    assert not any("/storage/kv/" in path or path.endswith(("/workers/domains", ".tfstate")) for path in changed)

    # What is there already is there already, also where somebody asks for the backend alone.
    seen = len(world.mutating())
    ran = run(clone, "deploy-convex", "workflow_dispatch", "--input", "environment=development")
    assert verdicts(ran) == {"ci-affected": "success", "deploy": "success"}
    assert not any(path.endswith("/finish_push") for _, _, path in world.mutating()[seen:])


def test_a_preview_that_nobody_asks_for_is_none_and_one_that_is_over_is_swept(clone: Clone) -> None:
    """Another label, a comment on what is closed: the gate is green, nothing is made. Reopened it is, and expires."""
    clone.inv("state.bootstrap", "--sandbox")
    world, number = World(clone), "15"
    ran = run(clone, "pr-environment", "labeled", "--number", number, "--label", "documentation")
    assert verdicts(ran) == NOTHING_WANTED
    people(clone, "pulls", {"number": 15, "state": "closed"})
    assert verdicts(run(clone, "pr-environment", "comment", "--number", number)) == NOTHING_WANTED
    assert left_of(world, clone, "pr-15") == []
    ran = run(clone, "pr-environment", "reopened", "--number", number)
    assert set(verdicts(ran).values()) == {"success"}
    assert "is up" in comments(clone, number)["environment"]

    bucket, key = clone.inventory.inventory.project.state_bucket, "leases/pr-15.json"
    lease = json.loads(world.objects(bucket)[key]) | dict.fromkeys(("renewed", "expires"), "2026-01-01T00:00:00Z")
    world.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(lease).encode())
    assert verdicts(run(clone, "sweep", "schedule")) == {"pr-sweep": "success"}
    assert left_of(world, clone, "pr-15") == []
    assert "removed" in comments(clone, number)["environment"].splitlines()[1]
    (deployment,) = github(clone, "/deployments?environment=pr-15")
    assert github(clone, f"/deployments/{deployment['id']}/statuses")[0]["state"] == "inactive"


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
        wait_for(lambda: b"changed  terraform site" in log.read_bytes() or started.poll() is not None, seconds=600)
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=600) == 130, log.read_text()
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
