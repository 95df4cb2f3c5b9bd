"""Check runs: results with a summary and annotations at file and line, kept by commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.github import commits, fields, pulls
from sandbox.github.answers import Answer, Refusal, invalid, malformed, ok, too_long
from sandbox.github.call import Call, Route, needs
from sandbox.github.runs import CONCLUSIONS
from sandbox.github.values import app, node_id
from sandbox.tables import Body

_READ = needs("checks:read")
_WRITE = needs("checks:write")
_FIELDS = ("name", "details_url", "external_id", "status", "started_at", "conclusion", "completed_at", "output")
_STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
_LEVELS = ("notice", "warning", "failure")
_MOST_ANNOTATIONS = 50
_LARGEST_TEXT = 65_535
_NO_OUTPUT: Mapping[str, Any] = {"title": None, "summary": None, "text": None}


def _shown(call: Call, run: Body) -> dict[str, Any]:
    identifier, url = run["id"], f"{call.repository_url}/check-runs/{run['id']}"
    page = f"{call.repository_page}/runs/{identifier}"
    names = ("id", "name", "head_sha", "external_id", "status", "conclusion", "started_at", "completed_at")
    return {
        **{name: run[name] for name in names},
        "node_id": node_id("CheckRun", identifier),
        "url": url,
        "html_url": page,
        "details_url": run["details_url"] or page,
        "output": {
            **run["output"],
            "annotations_count": len(run["annotations"]),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": identifier + 1},
        "app": app(run["creator"], call.world.url),
        "pull_requests": [
            pulls.minimal(call, pull) for pull in call.state.all("pulls", "-") if pull["head"]["sha"] == run["head_sha"]
        ],
    }


def _said(call: Call, run: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The run as the body changes it."""
    for name in ("name", "details_url", "external_id", "started_at", "completed_at"):
        if name in body:
            run[name] = fields.text(body, name)
    status, conclusion = (
        fields.one_of(body, "status", _STATUSES),
        fields.one_of(body, "conclusion", CONCLUSIONS),
    )
    if status == "completed" and conclusion is None:
        raise invalid("CheckRun", "conclusion", code="missing_field")
    if conclusion is not None:  # a conclusion completes the run, whatever its status was
        run.update(status="completed", conclusion=conclusion, completed_at=run["completed_at"] or call.time)
    elif status is not None:
        run.update(status=status, conclusion=None, completed_at=None)
    if body.get("output") is not None:
        _say_output(run, body["output"])
    return run


def _say_output(run: dict[str, Any], output: Any) -> None:
    if not isinstance(output, dict):
        raise malformed("output", "it is not an object")
    fields.only(output, ("title", "summary", "text", "annotations", "images"))
    fields.required_text(output, "summary")
    for name in ("summary", "text"):
        if len(fields.text(output, name) or "") > _LARGEST_TEXT:
            raise too_long("CheckRun", name, _LARGEST_TEXT)
    annotations = fields.objects(output, "annotations") or []
    if len(annotations) > _MOST_ANNOTATIONS:
        raise Refusal(
            422,
            "Invalid request.\n\nNo more than 50 items are allowed; "
            f"{len(annotations)} were supplied for output.annotations.",
        )
    run["annotations"] = [*run["annotations"], *(_annotation(each) for each in annotations)]
    run["output"] = {name: output.get(name, run["output"][name]) for name in _NO_OUTPUT}


def _annotation(body: Mapping[str, Any]) -> dict[str, Any]:
    texts = ("path", "annotation_level", "message")
    lines, columns = ("start_line", "end_line"), ("start_column", "end_column")
    fields.only(body, (*texts, *lines, *columns, "title", "raw_details"))
    for name in texts:
        fields.required_text(body, name)
    fields.one_of(body, "annotation_level", _LEVELS)
    numbers = {name: fields.number(body, name) for name in (*lines, *columns)}
    if numbers["start_line"] is None or numbers["end_line"] is None:
        raise Refusal(422, 'Invalid request.\n\n"start_line", "end_line" weren\'t supplied.')
    if any(numbers[name] is not None for name in columns) and numbers["start_line"] != numbers["end_line"]:
        raise invalid("CheckRun", "annotations", message="columns need the same start_line and end_line")
    said = {name: body.get(name) for name in (*texts, "title", "raw_details")}
    return {**said, **numbers}


def _create(call: Call) -> Answer:
    if not call.who.is_app:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    body = call.object()
    fields.only(body, (*_FIELDS, "head_sha"))
    fields.required_text(body, "name")
    sha = commits.require(call, fields.required_text(body, "head_sha"))
    if isinstance(body.get("output"), dict):
        fields.required_text(body["output"], "title")
    run: dict[str, Any] = {
        "id": call.next_id("check_run_id", first=41_000_000_001),
        "name": None,
        "head_sha": sha,
        "creator": call.who.login,
        "details_url": None,
        "external_id": "",
        "status": "queued",
        "conclusion": None,
        "started_at": call.time,
        "completed_at": None,
        "output": dict(_NO_OUTPUT),
        "annotations": [],
    }
    run = _said(call, run, body)
    call.state.put("check_runs", "-", str(run["id"]), run)
    return ok(_shown(call, run), status=201)


def _change(call: Call, identifier: int) -> Answer:
    if not call.who.is_app:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    run = dict(call.find("check_runs", identifier))
    body = call.object()
    fields.only(body, _FIELDS)
    run = _said(call, run, body)
    call.state.put("check_runs", "-", str(identifier), run)
    return ok(_shown(call, run))


def _read(call: Call, identifier: int) -> Answer:
    return ok(_shown(call, call.find("check_runs", identifier)))


def _annotations(call: Call, identifier: int) -> Answer:
    run = call.find("check_runs", identifier)
    page = f"{call.repository_page}/blob/{run['head_sha']}"
    return call.page(run["annotations"], shown=lambda each: {**each, "blob_href": f"{page}/{each['path']}"})


def _of_commit(call: Call, ref: str) -> Answer:
    sha = commits.require(call, ref)
    query = call.query
    found = [
        run
        for run in reversed(call.state.all("check_runs", "-"))
        if run["head_sha"] == sha
        and query.get("check_name") in (None, run["name"])
        and query.get("status") in (None, run["status"])
    ]
    if query.get("filter", "latest") == "latest":
        found = list({run["name"]: run for run in reversed(found)}.values())
    return call.page(found, within="check_runs", shown=lambda run: _shown(call, run))


ROUTES = (
    Route("POST", "/check-runs", _create, _WRITE),
    Route("GET", "/check-runs/<int:identifier>", _read, _READ),
    Route("PATCH", "/check-runs/<int:identifier>", _change, _WRITE),
    Route("GET", "/check-runs/<int:identifier>/annotations", _annotations, _READ),
    Route("GET", "/commits/<path:ref>/check-runs", _of_commit, _READ),
)
