"""What survives: restarts, kill -9, pushes. And what the process of the deployments costs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.process import resident_bytes
from tests.support.convex import MESSAGES, PRODUCTION, Convex, convex_sandbox

LARGEST_RESIDENT = 130 * 2**20
LARGEST_FURTHER = 30 * 2**20
WORK = """
export const later = mutation((ctx, { ms }) => ctx.scheduler.runAfter(ms, "work:now", {}));
export const now = internalMutation((ctx) => ctx.db.insert("messages", { body: "later" }));
export const file = action(async (ctx) => ctx.storage.getUrl(await ctx.storage.store(new Blob(["kept"]))));
export const jobs = query((ctx) => ctx.db.system.query("_scheduled_functions").collect());
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Convex]:
    """A sandbox of its own, because these tests end it."""
    with convex_sandbox(tmp_path) as running:
        yield running


def host_pid(convex: Convex) -> int:
    """The Node process."""
    return next(
        int(one["pid"]) for one in convex.running.control("GET", "/status")["processes"] if one["name"] == "convex"
    )


def eventually(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first truthy answer; a process that is starting again refuses connections meanwhile."""
    end = time.monotonic() + seconds
    while True:
        try:
            if found := check():
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_restart_keeps_everything(fresh: Convex) -> None:
    """After down and up the same address serves the same documents, files, variables, code and audit log."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES, "work.js": WORK})
    deployment.variables(COLOR="red").raise_for_status()
    sent = deployment.value("mutation", "messages:send", {"body": "kept"})
    address = deployment.value("action", "work:file")
    before = (deployment.hashes(), deployment.value("query", "messages:list"))

    fresh.running.restart(only=("convex",))

    again = fresh.deployment()
    assert (again.url, again.key) == (deployment.url, deployment.key)
    assert (again.hashes(), again.value("query", "messages:list")) == before
    assert before[1][0]["_id"] == sent
    assert again.value("query", "messages:env", {"name": "COLOR"}) == "red"
    assert httpx.get(address).text == "kept"
    events = again.get("/api/v1/list_audit_log_events", params={"from": 0}).json()["items"]
    assert [event["action"] for event in events] == ["push_config_with_components", "create_environment_variable"]


def test_kill_loses_nothing_that_was_told(fresh: Convex) -> None:
    """After kill -9 the process starts again: every answered mutation is there, and pending jobs still run."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES, "work.js": WORK})
    deployment.value("mutation", "work:later", {"ms": 1500})
    sent = [deployment.value("mutation", "messages:send", {"body": str(number)}) for number in range(20)]
    os.kill(host_pid(fresh), signal.SIGKILL)

    found = eventually(lambda: deployment.value("query", "messages:list"))
    assert [one["_id"] for one in found if one["body"] != "later"] == sent
    eventually(lambda: "later" in [one["body"] for one in deployment.value("query", "messages:list")])
    jobs = eventually(lambda: [one["state"]["kind"] for one in deployment.value("query", "work:jobs")])
    assert jobs == ["success"]


def test_half_written_commit_is_cut_off(fresh: Convex) -> None:
    """A commit that was being written when the process died never happened; the next ones follow in order."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES})
    deployment.value("mutation", "messages:send", {"body": "one"})
    journal = fresh.running.home.root / "convex/brisk-otter-482/documents.ndjson"
    with journal.open("a") as stream:
        stream.write('{"ts":"99999999999999999999","next":1,"writes":{"0001messa')
    os.kill(host_pid(fresh), signal.SIGKILL)
    eventually(lambda: deployment.value("query", "messages:count"))
    deployment.value("mutation", "messages:send", {"body": "two"})
    fresh.running.restart(only=("convex",))
    assert [one["body"] for one in deployment.value("query", "messages:list")] == ["one", "two"]


def test_push_keeps_documents(fresh: Convex) -> None:
    """Documents stay as they are, ids included, when code and schema are pushed anew; the schema then holds."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES})
    deployment.value("mutation", "messages:send", {"body": "kept"})
    before = deployment.value("query", "messages:list")
    deployment.push({"messages.js": MESSAGES}, schema={"messages": {"body": {"type": "string"}}})
    assert deployment.value("query", "messages:list") == before
    refused = deployment.call("mutation", "messages:send", {"body": 5})
    assert 'Failed to insert or update a document in table "messages"' in refused["errorMessage"]


def test_a_call_during_a_push_waits(fresh: Convex) -> None:
    """While code is replaced nobody is refused: a call gets the old code's answer or the new one's."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES})
    started = deployment.start_push({"messages.js": MESSAGES}).json()
    deployment.wait_for_schema(started)
    answers = []
    with httpx.Client() as client:
        request = {"path": "messages:send", "args": {"body": "x"}, "format": "json"}
        assert deployment.finish_push(started).status_code == 200
        answers = [client.post(f"{deployment.url}/api/mutation", json=request).json()["status"] for _ in range(5)]
    assert answers == ["success"] * 5
    assert deployment.value("query", "messages:count") == 5


def test_memory(fresh: Convex) -> None:
    """The process with one deployment stays within 130 MB, a further one costs little."""
    deployment = fresh.deployment()
    deployment.push({"messages.js": MESSAGES})
    deployment.push({"messages.js": f"{MESSAGES}\n// again"})
    for _ in range(50):
        deployment.value("mutation", "messages:send", {"body": "x" * 1000})
    one = resident_bytes(host_pid(fresh))
    assert one <= LARGEST_RESIDENT
    other = fresh.deployment(PRODUCTION)
    other.push({"messages.js": MESSAGES})
    other.value("query", "messages:count")
    assert resident_bytes(host_pid(fresh)) - one <= LARGEST_FURTHER
