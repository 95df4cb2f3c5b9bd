"""What people and GitHub itself do, for tests and for `inv pr.up --sandbox`: no part of GitHub's API.

Open, push to, label, close and merge a pull request; run a workflow, review what it waits for; make a token. No
token is asked for, but only programs of this machine get here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.github import callers, comments, commits, environments, fields, issues, oidc, pulls, runs
from sandbox.github.answers import Answer, Refusal, malformed, ok
from sandbox.github.call import Call, Route
from sandbox.github.labels import label_names
from sandbox.github.values import BOT, derived_sha, is_login, is_sha, token_value

PREFIX = "/__sandbox"
_PULL_FIELDS = (
    "number", "state", "merged", "title", "body", "user", "draft", "head", "base", "labels", "files", "behind",
    "mergeable", "merge_commit_sha", "merged_by",
)  # fmt: skip
_RUN_FIELDS = (
    "id", "name", "path", "event", "head_sha", "head_branch", "status", "conclusion", "attempt", "actor", "pull",
    "title", "environment", "environments", "review",
)  # fmt: skip


def _put_pulls(call: Call) -> Answer:
    """Make or change one pull request, or all of `{"pulls": [...]}`."""
    body = call.object()
    if "pulls" in body:
        return ok([_put_pull(call, wish) for wish in fields.objects(body, "pulls") or []])
    created = call.state.get("pulls", "-", str(body.get("number"))) is None
    return ok(_put_pull(call, body), status=201 if created else 200)


def _put_pull(call: Call, wish: Mapping[str, Any]) -> dict[str, Any]:
    fields.only(wish, _PULL_FIELDS)
    number = fields.number(wish, "number") or call.next_id("number")
    if number < 1:
        raise malformed("number", f"{number} is not a number of a pull request")
    call.at_least("number", number)
    issue, pull = _known(call, number, wish)
    _say(call, issue, wish)
    head = wish.get("head") or {}
    fields.only(head, ("sha", "ref", "fork"))
    pull["head"] = _side(call, pull["head"], head)
    pull["base"] = _side(call, pull["base"], wish.get("base") or {})
    if pull["head"]["sha"] != pull["pushed"]:
        pull.update(pushed=pull["head"]["sha"], pushes=pull["pushes"] + 1)
    pull["draft"] = fields.flag(wish, "draft", default=pull["draft"])
    pull["behind"] = fields.flag(wish, "behind", default=pull["behind"])
    pull["mergeable"] = fields.flag(wish, "mergeable", default=pull["mergeable"])
    if "files" in wish:
        pull["files"] = [_file(file) for file in wish["files"] or []]
    _set_state(call, issue, pull, wish)
    issue["updated_at"] = call.time
    issues.store(call, issue)
    call.state.put("pulls", "-", str(number), pull)
    if not pull["head"]["fork"] and issue["state"] == "open":
        commits.set_branch(call, pull["head"]["ref"], pull["head"]["sha"])
    return pulls.shown(call, pull, whole=True)


def _known(call: Call, number: int, wish: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What there is under that number, else something new."""
    issue, pull = call.state.get("issues", "-", str(number)), call.state.get("pulls", "-", str(number))
    if issue is not None and pull is None:
        raise Refusal(422, f"{number} is an issue and no pull request")
    if issue is not None and pull is not None:
        return dict(issue), dict(pull)
    branch, login = call.repository["default_branch"], wish.get("user") or call.owner
    fresh = {**issues.new(call, number, login, f"Pull request {number}", None), "is_pull": True}
    base = {"ref": branch, "sha": commits.resolve(call, branch)}
    head = {"ref": f"change-{number}", "sha": derived_sha("head", str(number)), "fork": None}
    return fresh, {
        "number": number,
        "draft": False,
        "head": head,
        "base": base,
        "files": [],
        "behind": False,
        "mergeable": True,
        "merged_at": None,
        "merged_by": None,
        "merge_commit_sha": derived_sha("merge", str(number)),
        "pushed": None,
        "pushes": 0,
    }


def _say(call: Call, issue: dict[str, Any], wish: Mapping[str, Any]) -> None:
    """Title, text, author and labels."""
    for name in ("title", "body", "user"):
        if name in wish:
            issue[name] = fields.text(wish, name)
    if not is_login(issue["user"]):
        raise malformed("user", f"{issue['user']} is not an account's name")
    if "labels" in wish:
        issue["labels"] = label_names(call, wish["labels"])


def _side(call: Call, side: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    changed = {**side, **{name: wish[name] for name in ("sha", "ref") if wish.get(name)}}
    if not is_sha(changed["sha"]):
        raise malformed("sha", f"{changed['sha']} is not a full commit id")
    if "fork" in side and "fork" in wish:
        # `true` is somebody's fork, a text says whose.
        changed["fork"] = "contributor" if wish["fork"] is True else wish["fork"] or None
    return changed


def _file(wish: Any) -> dict[str, Any]:
    body = {"filename": wish} if isinstance(wish, str) else dict(wish)
    status = fields.one_of(body, "status", ("added", "removed", "modified", "renamed"), default="modified")
    additions, deletions = fields.number(body, "additions"), fields.number(body, "deletions")
    counts = {"additions": 1 if additions is None else additions, "deletions": 0 if deletions is None else deletions}
    file = {"sha": derived_sha("file", body["filename"]), "filename": body["filename"], "status": status, **counts}
    if "previous_filename" in body:
        file["previous_filename"] = body["previous_filename"]
    return {**file, "changes": counts["additions"] + counts["deletions"]}


def _set_state(call: Call, issue: dict[str, Any], pull: dict[str, Any], wish: Mapping[str, Any]) -> None:
    merged = fields.flag(wish, "merged", default=pull["merged_at"] is not None)
    state = fields.one_of(wish, "state", ("open", "closed")) or ("closed" if merged else issue["state"])
    if state == "open" and (merged or pull["merged_at"]):
        raise Refusal(422, "a merged pull request cannot be open")
    if merged and pull["merged_at"] is None:
        sha = wish.get("merge_commit_sha") or pull["merge_commit_sha"]
        pull.update(merged_at=call.time, merge_commit_sha=sha, merged_by=wish.get("merged_by") or issue["user"])
        commits.set_branch(call, pull["base"]["ref"], sha)
    if state != issue["state"]:
        issue.update(state=state, closed_at=call.time if state == "closed" else None)


def _put_branch(call: Call) -> Answer:
    """Push to a branch; without a commit it is deleted."""
    body = call.object()
    fields.only(body, ("name", "sha"))
    sha = fields.text(body, "sha")
    if sha is not None and not is_sha(sha):
        raise malformed("sha", f"{sha} is not a full commit id")
    commits.set_branch(call, fields.required_text(body, "name"), sha)
    return ok(body)


def _put_comment(call: Call) -> Answer:
    """Somebody writes, edits (`id`) or deletes (`id`, no body) a comment in the browser."""
    body = call.object()
    fields.only(body, ("number", "user", "body", "id"))
    number, identifier = fields.number(body, "number"), fields.number(body, "id")
    issues.find(call, number or 0)
    text = fields.text(body, "body")
    if identifier is None:
        return ok(comments.shown(call, comments.add(call, number or 0, body["user"], text or "")), status=201)
    comment = call.find("comments", identifier, scope=number or 0)
    if text is None:
        comments.remove(call, comment)
        return ok({})
    return ok(comments.shown(call, comments.edit(call, comment, text)))


def _put_run(call: Call) -> Answer:
    """A workflow runs."""
    body = call.object()
    identifier = fields.number(body, "id")
    if identifier is not None and call.state.get("runs", "-", str(identifier)) is not None:
        return _change_run(call, identifier)
    fields.only(body, _RUN_FIELDS)
    branch = call.repository["default_branch"]
    run = {
        "id": call.next_id("run_id", first=9_000_000_001) if identifier is None else identifier,
        "name": "workflow",
        "path": f".github/workflows/{body.get('name') or 'workflow'}.yml",
        "event": "push",
        "head_branch": branch,
        "head_sha": None,
        "status": "in_progress",
        "conclusion": None,
        "attempt": 1,
        "actor": call.owner,
        "title": "",
        "pulls": [],
        "run_number": call.next_id("run_number"),
        "waiting": [],
        "reviews": [],
        "deployments": {},
        "created_at": call.time,
        "started_at": call.time,
        "updated_at": call.time,
    }
    return ok(runs.shown(call, _say_run(call, run, body)), status=201)


def _change_run(call: Call, identifier: int) -> Answer:
    """Its status changes, it runs again (`attempt`), or somebody reviews what it waits for (`review`)."""
    body = call.object()
    fields.only(body, _RUN_FIELDS)
    run = dict(runs.find(call, identifier))
    if (attempt := fields.number(body, "attempt")) and attempt > run["attempt"]:
        runs.begin_again(call, run, attempt)
    return ok(runs.shown(call, _say_run(call, run, body)))


def _say_run(call: Call, run: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    if pull := fields.number(body, "pull"):
        head = pulls.find(call, pull)["head"]
        run.update(pulls=[pull], head_sha=head["sha"], head_branch=head["ref"])
    for name in ("name", "path", "event", "head_sha", "head_branch", "actor", "title"):
        if body.get(name) is not None:
            run[name] = fields.text(body, name)
    run["attempt"] = fields.number(body, "attempt") or run["attempt"]
    run["head_sha"] = run["head_sha"] or commits.resolve(call, run["head_branch"]) or derived_sha(run["head_branch"])
    if not is_sha(run["head_sha"]):
        raise malformed("head_sha", f"{run['head_sha']} is not a full commit id")
    run["title"] = run["title"] or run["name"]
    run["updated_at"] = call.time
    status = fields.one_of(body, "status", runs.STATUSES)
    conclusion = fields.one_of(body, "conclusion", runs.CONCLUSIONS)
    if (status == "completed") != (conclusion is not None):
        raise Refusal(422, "a run that is completed has a conclusion, and no other has one")
    if status is not None:
        run.update(status=status, conclusion=None)
    wanted = [*(fields.texts(body, "environments") or []), *([body["environment"]] if body.get("environment") else [])]
    if wanted:
        runs.ask_for(call, run, wanted)
    if conclusion is not None:
        runs.finish(call, run, conclusion)
    runs.store(call, run)
    if review := body.get("review"):
        fields.only(review, ("user", "state", "comment", "environments"))
        state = str(fields.one_of(review, "state", ("approved", "rejected"), default="approved"))
        names = fields.texts(review, "environments") or run["waiting"]
        if not names:
            raise Refusal(422, "the run waits for no review")
        runs.review(call, run, fields.required_text(review, "user"), state, fields.text(review, "comment") or "", names)
    return run


def _put_token(call: Call) -> Answer:
    """A token of somebody, with permissions; the value is told once."""
    body = call.object()
    fields.only(body, ("user", "permissions"))
    login = fields.text(body, "user") or BOT
    if not is_login(login):
        raise malformed("user", f"{login} is not an account's name")
    permissions = callers.normal(body.get("permissions", callers.EVERYTHING))
    value = token_value()
    callers.remember(call.state, value, login, permissions)
    return ok({"token": value, "user": login, "permissions": permissions}, status=201)


def _put_environment(call: Call) -> Answer:
    """An administrator sets the rules of an environment, with logins and branch patterns."""
    body = call.object()
    fields.only(body, ("name", "reviewers", "wait_timer", "prevent_self_review", "branches"))
    environment = environments.configure(call, fields.required_text(body, "name"), body)
    return ok(environments.shown(call, environment))


def _job(call: Call) -> Answer:
    """Which job asks for OIDC tokens from now on; answers with what its environment has."""
    return ok(oidc.say_job(call, call.object()), status=201)


ROUTES = tuple(
    Route("POST", PREFIX + path, handler, bare=True, anonymous=True)
    for path, handler in (
        ("/pulls", _put_pulls),
        ("/branches", _put_branch),
        ("/comments", _put_comment),
        ("/runs", _put_run),
        ("/runs/<int:identifier>", _change_run),
        ("/tokens", _put_token),
        ("/environments", _put_environment),
        ("/oidc", _job),
    )
)
