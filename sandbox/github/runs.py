"""Workflow runs, and the reviews of the environments that they wait for.

No workflow runs here: GitHub's part, and what people do in the browser, arrives by `/__sandbox/runs`. One person of the
reviewers is enough for an environment, as at GitHub.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.github import commits, deployments, environments, fields, pulls, repository
from sandbox.github.answers import Answer, Refusal, invalid, missing, not_found, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import BOT, derived_number, derived_sha, node_id, user
from sandbox.tables import Body

_READ = needs("actions:read")
_WRITE = needs("actions:write")
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = (
    "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale", "startup_failure",
)  # fmt: skip

_PARTS = ("jobs", "logs", "artifacts", "cancel", "rerun")


def find(call: Call, identifier: int) -> Body:
    """One run."""
    return call.find("runs", identifier)


def store(call: Call, run: Body) -> None:
    """Keep the run, and this attempt of it."""
    call.state.put("runs", "-", str(run["id"]), run)
    call.state.put("attempts", str(run["id"]), str(run["attempt"]), run)


def finish(call: Call, run: dict[str, Any], conclusion: str) -> None:
    """The run is over, and so are the deployments that it made."""
    run.update(status="completed", conclusion=conclusion, waiting=[], updated_at=call.time)
    state = {"success": "success", "cancelled": "error", "skipped": "inactive"}.get(conclusion, "failure")
    for identifier in run["deployments"].values():
        if deployment := call.state.get("deployments", "-", str(identifier)):
            deployments.set_status(call, deployment, run["actor"], {"state": state})


def begin_again(call: Call, run: dict[str, Any], attempt: int) -> None:
    """A new attempt of the run."""
    run.update(attempt=attempt, status="in_progress", conclusion=None, deployments={}, waiting=[])
    run.update(started_at=call.time, updated_at=call.time)


def ask_for(call: Call, run: dict[str, Any], names: Sequence[str]) -> None:
    """Jobs of the run want to deploy to these environments: some let them, some refuse, some have to be asked."""
    for name in names:
        environment = environments.ensure(call, name)
        deployment = deployments.add(call, run["head_branch"], run["head_sha"], environment["name"], BOT)
        run["deployments"] = {**run["deployments"], environment["name"]: deployment["id"]}
        if not environments.admits(call, environment, run["head_branch"]):
            finish(call, run, "failure")
            return
        state = "queued" if environment["reviewers"] else "in_progress"
        deployments.set_status(call, deployment, BOT, {"state": state})
        if environment["reviewers"]:
            run.update(status="waiting", conclusion=None, waiting=[*run["waiting"], environment["name"]])


def review(
    call: Call, run: dict[str, Any], login: str, state: str, comment: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Somebody approves or rejects; returns the deployments that this decided."""
    decided = []
    for name in names:
        environment = environments.find(call, name)
        if environment["name"] not in run["waiting"]:
            raise Refusal(422, f"There are no pending deployment requests to {environment['name']} in this run.")
        known = {reviewer.lower() for reviewer in environment["reviewers"]}
        if login.lower() not in known:
            raise Refusal(422, f"{login} is not a required reviewer of {environment['name']}.")
        if environment["prevent_self_review"] and login.lower() == run["actor"].lower():
            raise Refusal(422, f"{login} started the run and may not review it for {environment['name']}.")
        run["waiting"] = [each for each in run["waiting"] if each != environment["name"]]
        decided.append(deployments.find(call, run["deployments"][environment["name"]]))
    entry = {"state": state, "comment": comment, "user": login, "environments": list(names), "attempt": run["attempt"]}
    run.update(reviews=[*run["reviews"], entry], updated_at=call.time)
    if state == "rejected":
        finish(call, run, "failure")
    else:
        for deployment in decided:
            deployments.set_status(call, deployment, BOT, {"state": "in_progress"})
        if not run["waiting"]:
            run["status"] = "in_progress"
    store(call, run)
    return [deployments.shown(call, deployment) for deployment in decided]


def shown(call: Call, run: Body) -> dict[str, Any]:
    """A run as GitHub writes it."""
    identifier, url = run["id"], call.repository_url
    page = f"{call.repository_page}/actions/runs/{identifier}"
    workflow = derived_number("workflow", run["path"])
    actor = user(run["actor"], call.world.url)
    names = ("id", "name", "path", "head_branch", "head_sha", "event", "status", "conclusion", "created_at")
    return {
        **{name: run[name] for name in names},
        "node_id": node_id("WorkflowRun", identifier),
        "display_title": run["title"],
        "run_number": run["run_number"],
        "run_attempt": run["attempt"],
        "run_started_at": run["started_at"],
        "updated_at": run["updated_at"],
        "workflow_id": workflow,
        "workflow_url": f"{url}/actions/workflows/{workflow}",
        "check_suite_id": identifier + 1,
        "url": f"{url}/actions/runs/{identifier}",
        "html_url": page,
        **{f"{name}_url": f"{url}/actions/runs/{identifier}/{name}" for name in _PARTS},
        "check_suite_url": f"{url}/check-suites/{identifier + 1}",
        "previous_attempt_url": (
            f"{url}/actions/runs/{identifier}/attempts/{run['attempt'] - 1}" if run["attempt"] > 1 else None
        ),
        "actor": actor,
        "triggering_actor": actor,
        "pull_requests": [pulls.minimal(call, pulls.find(call, number)) for number in run["pulls"]],
        "head_commit": {
            "id": run["head_sha"],
            "tree_id": derived_sha("tree", run["head_sha"]),
            "timestamp": run["created_at"],
            **commits.said(call, run["head_sha"]),
        },
        "repository": repository.shown(call),
        "head_repository": repository.shown(call, fork_of=_fork(call, run)),
    }


def _fork(call: Call, run: Body) -> str | None:
    """Whose fork the run's commit is from."""
    found = [call.state.get("pulls", "-", str(number)) for number in run["pulls"]]
    return next((pull["head"]["fork"] for pull in found if pull), None)


def _fits(call: Call, run: Body) -> bool:
    query = call.query
    status = query.get("status")
    plain = {"actor": "actor", "branch": "head_branch", "event": "event", "head_sha": "head_sha"}
    return status in (None, "", run["status"], run["conclusion"]) and all(
        query.get(name) in (None, "", run[key]) for name, key in plain.items()
    )


def _listing(call: Call) -> Answer:
    status = call.query.get("status")
    if status and status not in (*STATUSES, *CONCLUSIONS):
        raise invalid("WorkflowRun", "status")
    found = [run for run in reversed(call.state.all("runs", "-")) if _fits(call, run)]
    return call.page(found, within="workflow_runs", shown=lambda run: shown(call, run))


def _of_workflow(call: Call, workflow: str) -> Answer:
    """By the number of the workflow, or by the name of its file."""
    found = [
        run
        for run in reversed(call.state.all("runs", "-"))
        if workflow in (str(derived_number("workflow", run["path"])), run["path"].rpartition("/")[2])
    ]
    if not found:
        raise not_found()
    return call.page(
        [run for run in found if _fits(call, run)], within="workflow_runs", shown=lambda run: shown(call, run)
    )


def _read(call: Call, identifier: int) -> Answer:
    return ok(shown(call, find(call, identifier)))


def _attempt(call: Call, identifier: int, attempt: int) -> Answer:
    find(call, identifier)
    return ok(shown(call, call.find("attempts", attempt, scope=identifier)))


def _cancel(call: Call, identifier: int) -> Answer:
    run = dict(find(call, identifier))
    if run["status"] == "completed":
        raise Refusal(409, "Cannot cancel a workflow run that is completed.")
    finish(call, run, "cancelled")
    store(call, run)
    return ok({}, status=202)


def _rerun(call: Call, identifier: int) -> Answer:
    """The next attempt; what the one before waited for and made is its own."""
    run = dict(find(call, identifier))
    if run["status"] != "completed":
        raise Refusal(403, "This workflow run is already running")
    begin_again(call, run, run["attempt"] + 1)
    store(call, run)
    return ok({}, status=201)


def _pending(call: Call, identifier: int) -> Answer:
    run = find(call, identifier)
    login = call.who.login.lower()
    waiting = [environments.find(call, name) for name in run["waiting"]]
    return ok(
        [
            {
                "environment": environments.short(call, environment),
                "wait_timer": environment["wait_timer"],
                "wait_timer_started_at": None,
                "current_user_can_approve": login in {reviewer.lower() for reviewer in environment["reviewers"]}
                and not (environment["prevent_self_review"] and login == run["actor"].lower()),
                "reviewers": environments.shown_reviewers(call, environment),
            }
            for environment in waiting
        ]
    )


def _decide(call: Call, identifier: int) -> Answer:
    run = dict(find(call, identifier))
    body = call.object()
    fields.only(body, ("environment_ids", "state", "comment"))
    wanted = body.get("environment_ids")
    if not isinstance(wanted, list) or not wanted:
        raise missing("environment_ids")
    fields.required_text(body, "state")
    state = fields.one_of(body, "state", ("approved", "rejected"))
    comment = fields.required_text(body, "comment")
    names = {each["id"]: each["name"] for each in call.state.all("environments", "-")}
    if unknown := [each for each in wanted if each not in names]:
        raise Refusal(422, f"No environment has the id {unknown[0]}.")
    return ok(review(call, run, call.who.login, str(state), comment, [names[each] for each in wanted]))


def _approvals(call: Call, identifier: int) -> Answer:
    run = find(call, identifier)
    found = []
    for entry in run["reviews"]:
        places = [environments.find(call, name) for name in entry["environments"]]
        times = ("created_at", "updated_at")
        shown_places = [
            {**environments.short(call, place), **{name: place[name] for name in times}} for place in places
        ]
        found.append(
            {
                "state": entry["state"],
                "comment": entry["comment"],
                "environments": shown_places,
                "user": user(entry["user"], call.world.url),
            }
        )
    return ok(found)


_ONE = "/actions/runs/<int:identifier>"
ROUTES = (
    Route("GET", "/actions/runs", _listing, _READ),
    Route("GET", "/actions/workflows/<workflow>/runs", _of_workflow, _READ),
    Route("GET", _ONE, _read, _READ),
    Route("GET", f"{_ONE}/attempts/<int:attempt>", _attempt, _READ),
    Route("POST", f"{_ONE}/cancel", _cancel, _WRITE),
    Route("POST", f"{_ONE}/rerun", _rerun, _WRITE),
    Route("GET", f"{_ONE}/pending_deployments", _pending, _READ),
    Route("POST", f"{_ONE}/pending_deployments", _decide, needs("deployments:write")),
    Route("GET", f"{_ONE}/approvals", _approvals, _READ),
)
