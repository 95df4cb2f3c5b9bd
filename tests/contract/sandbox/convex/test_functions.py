"""What was pushed runs: functions of every kind, HTTP actions, files, schedules, and how failures look to whom."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.convex import MESSAGES, PRODUCTION, Client, Convex


@pytest.fixture(scope="module")
def deployment(convex: Convex, app: Path) -> Client:
    """The development deployment with the small application."""
    convex.cli(app, "deploy", key=convex.key())
    return convex.deployment()


def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first truthy answer."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def test_javascript_http_client(deployment: Client) -> None:
    """Convex's HTTP client runs queries, mutations and actions; an action reaches queries and mutations."""
    before, sent, after, by_action, consistent = deployment.javascript(
        [
            {"do": "query", "path": "messages:count"},
            {"do": "mutation", "path": "messages:send", "args": {"author": "http", "body": "one"}},
            {"do": "query", "path": "messages:count"},
            {"do": "action", "path": "messages:sendByAction", "args": {"body": "two"}},
            {"do": "consistentQuery", "path": "messages:count"},
        ]
    )
    assert sent.endswith("messages")
    assert (after, by_action, consistent) == (before + 1, before + 2, before + 2)
    assert [one["body"] for one in deployment.value("query", "messages:byAuthor", {"author": "http"})] == ["one"]


def test_errors_reach_the_client(deployment: Client) -> None:
    """Thrown errors, a ConvexError's data, wrong arguments and missing functions look as the real server shows them."""
    thrown, refused, wrong, missing, kind = deployment.javascript(
        [
            {"do": "mutation", "path": "messages:fail"},
            {"do": "query", "path": "messages:refuse"},
            {"do": "mutation", "path": "messages:send", "args": {"author": 3, "body": "x"}},
            {"do": "query", "path": "messages:sendNow", "args": {"body": "x"}},
            {"do": "query", "path": "messages:send", "args": {"author": "a", "body": "x"}},
        ]
    )
    assert thrown["error"].startswith("[Request ID: ")
    assert "Server Error\nUncaught Error: kaboom\n    at handler (../convex/messages.js:" in thrown["error"]
    assert refused["data"] == {"code": "too_late", "minutes": 5}
    assert "ArgumentValidationError: Value does not match validator.\nPath: .author\nValue: 3" in wrong["error"]
    assert "Could not find public function for 'messages:sendNow'" in missing["error"]
    assert "Trying to execute messages.js:send as Query, but it is defined as Mutation." in kind["error"]


def test_failed_mutation_leaves_nothing(deployment: Client) -> None:
    """A mutation that throws is undone; over HTTP the failure is a 200 with `status: error`."""
    answer = deployment.call("mutation", "messages:fail")
    assert answer["status"] == "error"
    assert deployment.value("query", "messages:byAuthor", {"author": "fail"}) == []


def test_production_hides_error_texts(convex: Convex) -> None:
    """Production tells strangers neither error texts nor console lines; who has a key sees them, development all."""
    production, development = convex.deployment(PRODUCTION), convex.deployment()
    source = "export const fail = query(() => { console.log('inside'); throw new Error('secret detail'); });"
    production.push({"hidden.js": source})
    hidden = production.call("query", "hidden:fail")
    assert hidden["errorMessage"].endswith("Server Error")
    assert "logLines" not in hidden
    owner = production.post("/api/query", {"path": "hidden:fail", "args": {}}).json()
    assert "secret detail" in owner["errorMessage"]
    shown = development.call("mutation", "messages:send", {"author": "log", "body": "line"})
    assert shown["logLines"] == ["[LOG] 'sending' 'line'"]


def test_whole_numbers_keep_their_fraction(deployment: Client) -> None:
    """A Float64 is written as the typed server writes it: clients in typed languages refuse `1`."""
    body = json.dumps({"path": "messages:count", "args": {}, "format": "convex_encoded_json"})
    answer = httpx.post(f"{deployment.url}/api/query", content=body)
    assert '"value":' in answer.text
    assert answer.text.split('"value":')[1].rstrip("}").endswith(".0")


def test_other_ways_to_call(deployment: Client) -> None:
    """GET with arguments in the address, several queries in one request, and a function named by the path."""
    by_address = httpx.get(
        f"{deployment.url}/api/query", params={"path": "messages:count", "args": "{}", "format": "json"}
    )
    batch = httpx.post(
        f"{deployment.url}/api/query_batch",
        json={"queries": [{"path": "messages:count", "args": {}, "format": "json"}] * 2},
    )
    by_path = httpx.post(f"{deployment.url}/api/run/messages/count", json={"args": {}})
    values = [by_address.json()["value"], *(one["value"] for one in batch.json()["results"]), by_path.json()["value"]]
    assert len(values) == 4
    assert len(set(values)) == 1


def test_http_actions(convex: Convex, deployment: Client) -> None:
    """HTTP actions answer on the site origin that the canonical URLs name, and see the address that was used."""
    urls = deployment.get("/api/v1/get_canonical_urls").json()
    assert urls["convexCloudUrl"] == deployment.url
    site = urls["convexSiteUrl"]
    answer = httpx.get(f"{site}/count?x=1")
    assert answer.headers["x-from"] == "convex"
    assert answer.json()["url"] == f"{site}/count?x=1"
    assert httpx.get(f"{deployment.url}/http/count").json()["count"] == answer.json()["count"]
    assert (httpx.post(f"{site}/echo", content=b"\x00\xff").content, httpx.post(f"{site}/echo").status_code) == (
        b"\x00\xff",
        201,
    )
    assert httpx.get(f"{site}/nothing").status_code == 404
    failed = httpx.get(f"{site}/boom")
    assert failed.status_code == 500
    assert "kaboom" in failed.json()["code"]

    empty = convex.deployment(PRODUCTION)
    convex.running.control("POST", "/reset")
    site = convex.deployment(PRODUCTION).get("/api/v1/get_canonical_urls").json()["convexSiteUrl"]
    assert "does not have HTTP actions" in httpx.get(site).text
    assert empty.hashes() == {}


def test_files(convex: Convex, app: Path) -> None:
    """An action stores a file whose address serves it; an upload address takes one, but not without its token."""
    convex.cli(app, "deploy", key=convex.key())
    deployment = convex.deployment()
    address = deployment.value("action", "messages:keepFile", {"text": "kept"})
    stored = httpx.get(address)
    assert (stored.text, stored.headers["content-type"]) == ("kept", "text/plain")

    upload = deployment.value("mutation", "messages:uploadUrl")
    made = httpx.post(upload, content=b"sent", headers={"content-type": "text/css"}).json()
    sent = httpx.get(f"{deployment.url}/api/storage/{made['storageId']}")
    assert (sent.content, sent.headers["content-type"]) == (b"sent", "text/css")
    assert httpx.post(f"{deployment.url}/api/storage/upload?token=1.x", content=b"no").status_code == 401


def test_scheduled_functions_run(convex: Convex) -> None:
    """`scheduler.runAfter` fires at its time, and not when the mutation that scheduled it was undone."""
    deployment = convex.deployment()
    started = time.monotonic()
    deployment.value("mutation", "messages:sendLater", {"milliseconds": 300, "body": "later"})
    found = eventually(lambda: deployment.value("query", "messages:byAuthor", {"author": "scheduler"}))
    assert [one["body"] for one in found] == ["later"]
    assert time.monotonic() - started >= 0.3

    source = """
    export const undone = mutation(async (ctx) => {
      await ctx.scheduler.runAfter(0, "undone:never", {});
      throw new Error("no");
    });
    export const never = internalMutation((ctx) => ctx.db.insert("messages", { body: "never" }));
    export const all = query((ctx) => ctx.db.query("messages").collect());
    """
    production = convex.deployment(PRODUCTION)
    production.push({"undone.js": source})
    assert production.call("mutation", "undone:undone")["status"] == "error"
    time.sleep(0.3)
    assert production.value("query", "undone:all") == []


def test_crons_run_in_their_interval(convex: Convex) -> None:
    """A pushed interval job runs at once and then in its interval; a push without it ends it."""
    deployment = convex.deployment(PRODUCTION)
    crons = """
    const crons = { tick: { name: "ticks:tick", args: [{}], schedule: { type: "interval", seconds: 1 } } };
    export default { isCrons: true, crons };
    """
    ticks = """
    export const tick = internalMutation((ctx) => ctx.db.insert("ticks", { at: Date.now() }));
    export const all = query((ctx) => ctx.db.query("ticks").collect());
    """
    pushed = time.time() * 1000
    deployment.push({"crons.js": crons, "ticks.js": ticks})
    eventually(lambda: len(deployment.value("query", "ticks:all")) >= 3)
    # A busy machine may be late with one and in time with the next; none is ever early.
    late = [tick["at"] - pushed - 1000 * number for number, tick in enumerate(deployment.value("query", "ticks:all"))]
    assert all(milliseconds >= -1 for milliseconds in late), late

    deployment.push({"ticks.js": ticks})
    count = len(deployment.value("query", "ticks:all"))
    time.sleep(1.3)
    assert len(deployment.value("query", "ticks:all")) == count


def test_code_that_never_returns(convex: Convex) -> None:
    """An endless loop is ended and reported; other deployments answer meanwhile, and afterwards this one does again."""
    deployment, other = convex.deployment(PRODUCTION), convex.deployment()
    deployment.push({"loop.js": "export const loop = query(() => { for (;;); });\nexport const fine = query(() => 1);"})
    with ThreadPoolExecutor() as pool:
        endless = pool.submit(
            httpx.post, f"{deployment.url}/api/query", json={"path": "loop:loop", "args": {}}, timeout=30
        )
        assert other.value("query", "messages:count") >= 0
        assert not endless.done()
        assert endless.result().json()["code"] == "FunctionTimedOut"
    assert deployment.value("query", "loop:fine") == 1


def test_deployments_are_apart(convex: Convex) -> None:
    """Documents and variables of one deployment are invisible to another; neither sees the machine's environment."""
    one, two = convex.deployment(), convex.deployment(PRODUCTION)
    two.push({"messages.js": MESSAGES})
    two.variables(ONLY_HERE="two").raise_for_status()
    two.value("mutation", "messages:send", {"body": "two"})
    assert two.value("query", "messages:env", {"name": "ONLY_HERE"}) == "two"
    assert two.value("query", "messages:env", {"name": "HOME"}) is None
    one.push({"messages.js": MESSAGES})
    assert one.value("query", "messages:env", {"name": "ONLY_HERE"}) is None
    assert "two" not in [message["body"] for message in one.value("query", "messages:list")]
