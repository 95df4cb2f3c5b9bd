"""Pull requests' environments on a whole sandbox: up, up again, down, down again, and both at the same time."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import httpx
import pytest

from sandbox.home import Home
from tests.support.account import Account
from tests.support.kills import killed_at
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.sandbox import Running
from tests.support.states import Store
from tests.support.waiting import wait_for

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ZONE = "vibechecc.app"
SEED = """
import { internalMutationGeneric } from 'convex/server'

export const run = internalMutationGeneric(async (ctx) => {
  await ctx.db.insert('vibes', { text: 'seeded' })
})
"""


@pytest.fixture(scope="module", autouse=True)
def _seeded(stage: Rehearsal) -> None:
    """A preview is filled once by a function of the application."""
    (stage.root.parent / "application" / "convex" / "seed.ts").write_text(SEED)
    replace(
        stage.root / "environments.toml",
        'convex = { deploy_key = { env = "CONVEX_PREVIEW_DEPLOY_KEY" } }',
        'convex = { deploy_key = { env = "CONVEX_PREVIEW_DEPLOY_KEY" }, seed = "seed:run" }',
    )


def pr(stage: Rehearsal, verb: str, *flags: str, number: int = 12) -> Ran:
    """`inv pr.VERB --number 12 --sandbox --json`."""
    return stage.inv(f"pr.{verb}", "--number", str(number), "--sandbox", "--json", *flags)


def on_github(stage: Rehearsal, state: str, number: int = 12) -> None:
    """What a person does in the browser."""
    url = f"{stage.connection['services']['github']}/__sandbox/pulls"
    assert httpx.post(url, json={"number": number, "state": state}, trust_env=False).status_code < 300


def previews(stage: Rehearsal) -> list[dict[str, Any]]:
    """Convex's previews, by the Management API."""
    base, token = stage.connection["services"]["convex"], stage.connection["environment"]["CONVEX_MANAGEMENT_TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    project = httpx.get(f"{base}/v1/teams/vibechecc/projects/vibechecc", headers=headers, trust_env=False).json()
    url = f"{base}/v1/projects/{project['id']}/list_deployments?deploymentType=preview"
    return list(httpx.get(url, headers=headers, trust_env=False).json())


def left_of(stage: Rehearsal, store: Store, number: int = 12) -> list[str]:
    """Everything that bears this number's name, in every provider; but for the tombstone and the ledger."""
    account, name = Account(Running(Home.at(stage.home)), ACCOUNT), f"pr-{number}"
    host = f"{name}.{ZONE}"
    records = account.get(f"{account.zone(ZONE)}/dns_records")
    kept = (f"leases/{name}.json", f"ledger/{name}/", f"ledger-heads/{name}.json")
    lying = store.keys()
    keys = [key for key in lying if {name, f"{name}.json"} & set(key.split("/")) and not key.startswith(kept)]
    return [
        *(each for each in account.named(f"vibechecc-{name}") if re.match(rf"vibechecc-{name}(-|$)", each)),
        *(each for each in account.hosts() if each == host),
        *(record["name"] for record in records if record["name"] == host),
        *(each["name"] for each in previews(stage) if each["previewIdentifier"] == name),
        *keys,
    ]


def test_a_pull_request_lives(stage: Rehearsal, store: Store) -> None:
    """Check tells what is made; the second time changes nothing; down leaves nothing, and has nothing left to do."""
    predicted = pr(stage, "up", "--check")
    assert predicted.code == 0, predicted.err
    assert "pull request 12 would be opened" in predicted.err
    assert pr(stage, "show").document["pull_request"]["state"] is None
    assert [each for each in stage.requests() if each["mutating"]] == []
    made = pr(stage, "up")
    assert made.code == 0, made.err
    # The leases' bucket comes before everything else.
    bucket = ("create", "r2:vibechecc-terraform-state")
    assert {change[:2] for change in made.changes} == {change[:2] for change in predicted.changes} - {bucket}

    again = pr(stage, "up")
    assert (again.code, again.recap["changed"], again.recap["failed"]) == (0, 0, 0), again.err
    assert stage.carried_out("POST", "/api/function") == 1, "the seed runs once"

    lease = pr(stage, "show").document["lease"]
    expires = dt.datetime.fromisoformat(lease["expires"]).timestamp()
    (preview,) = previews(stage)
    assert preview["previewIdentifier"] == "pr-12"
    assert expires <= preview["expiresAt"] / 1000 <= expires + 24 * 3600
    assert pr(stage, "pin").code == 0
    assert previews(stage)[0]["expiresAt"] is None
    listed = stage.inv("pr.list", "--sandbox", "--json").document["leases"]
    assert [(each["number"], each["state"]) for each in listed] == [(12, "pinned")]

    gone = pr(stage, "down")
    assert gone.code == 0, gone.err
    assert gone.document["removed"] is True
    assert left_of(stage, store) == []
    again = pr(stage, "down")
    assert (again.code, again.recap["changed"]) == (0, 0), again.err
    assert pr(stage, "pin").code == 14


def test_closed_while_it_comes_up(stage: Rehearsal, store: Store) -> None:
    """The run that makes it stops with its own exit code, and nothing stays."""
    colleague = stage.beside("colleague")
    on_github(stage, "open")
    # Long enough for the other run to write its tombstone, whatever else this machine does.
    stage.fault(service="cloudflare", path="*/scripts/*/versions", method="POST", delay_ms=15_000, count=1)
    coming = stage.start("pr.up", "--number", "12", "--sandbox", "--json")
    try:
        wait_for(lambda: stage.carried_out("POST", "*/workers/workers") > 0, run=coming)
        on_github(stage, "closed")
        gone = pr(colleague, "down", "--unless-open")
        out, err = coming.communicate(timeout=300)
    finally:
        coming.kill()
    assert gone.code == 0, gone.err
    assert coming.returncode == 14, err
    document = json.loads(out)
    assert document["error"]["reason"] == "environment-closed"
    assert document["taken_back"] is True
    assert left_of(stage, store) == []
    late = pr(stage, "up")
    assert late.code == 14
    assert "pull request 12 is closed" in late.err
    assert left_of(stage, store) == []


@pytest.mark.parametrize("moment", [2, 6, 12, 17])
def test_killed_between_two_steps_then_removed(stage: Rehearsal, store: Store, moment: int) -> None:
    """Whatever was made by then, and another one's environment is not touched."""
    assert killed_at(stage, moment, "pr.up", "--number", "12", "--sandbox")
    gone = pr(stage, "down")
    assert gone.code == 0, gone.err
    assert left_of(stage, store) == []
    assert pr(stage, "down").recap["changed"] == 0


def test_a_removal_that_is_killed_goes_on(stage: Rehearsal, store: Store) -> None:
    """Between any two of its steps; until then it is told as not done, and nobody makes it again by the way."""
    for moment in (1, 4, 8):
        assert pr(stage, "up", "--reopen").code == 0
        assert killed_at(stage, moment, "pr.down", "--number", "12", "--sandbox")
        assert pr(stage, "show").document["lease"]["state"] == "closing"
        gone = pr(stage, "down")
        assert gone.code == 0, gone.err
        assert left_of(stage, store) == []


def test_a_key_for_production_is_refused_before_anything_starts(stage: Rehearsal, store: Store) -> None:
    """With it the CLI would deploy to production and exit 0."""
    path = stage.home / "connection.json"
    before = path.read_text()
    connection = json.loads(before)
    production = connection["environment"]["CONVEX_DEPLOY_KEY_PRODUCTION"]
    connection["environment"]["CONVEX_PREVIEW_DEPLOY_KEY"] = production
    path.write_text(json.dumps(connection))
    try:
        refused = pr(stage, "up")
    finally:
        path.write_text(before)
    assert refused.code == 11
    assert "the Convex deploy key is for `prod:" in refused.err
    assert [each for each in stage.requests() if each["mutating"] and each["service"] != "github"] == []


def test_there_is_no_room(stage: Rehearsal, store: Store) -> None:
    """It says who could go, and --evict takes exactly the one that may."""
    inventory = stage.root / "environments.toml"
    before = inventory.read_text()
    assert pr(stage, "up", number=1).code == 0
    try:
        replace(inventory, "workers = 500", "workers = 1")
        full = pr(stage, "up")
        assert full.code == 15
        assert full.document["error"]["reason"] == "quota-reached"
        assert "inv pr.down --env pr-1 --sandbox" in full.err
        assert left_of(stage, store) == []
        assert pr(stage, "up", "--evict").code == 11
        replace(inventory, "evict = false", "evict = true")
        assert pr(stage, "up", "--evict").code == 15, "it is neither expired nor idle"

        key = "leases/pr-1.json"
        lease = json.loads(store.read(key) or b"{}")
        store.write(key, json.dumps({**lease, "renewed": "2026-01-01T00:00:00+00:00"}).encode())
        made = pr(stage, "up", "--evict")
        assert made.code == 0, made.err
        assert left_of(stage, store, 1) == []
        assert json.loads(store.read(key) or b"{}")["closed"]["why"] == "evicted"
    finally:
        inventory.write_text(before)


def test_a_provider_that_is_down_half_way(stage: Rehearsal, store: Store) -> None:
    """Up and down end with what failed, say what to type, and go on from there."""
    stage.fault(service="cloudflare", path="*/assets-upload-session", status=403, code=10000, count=20)
    failed = pr(stage, "up")
    assert failed.code == 4, failed.err
    assert left_of(stage, store) != []
    assert pr(stage, "show").document["lease"]["state"] == "open"
    stage.inv("sandbox.fault", "--clear")
    assert pr(stage, "up").code == 0

    stage.fault(service="convex", path="/v1/deployments/*/delete", status=503, count=200)
    failed = pr(stage, "down")
    assert failed.code == 9, failed.err
    assert failed.document["removed"] is False
    assert pr(stage, "show").document["lease"]["state"] == "closing"
    assert [each for each in left_of(stage, store) if "pr-12" not in each] == [previews(stage)[0]["name"]]
    stage.inv("sandbox.fault", "--clear")
    gone = pr(stage, "down")
    assert (gone.code, gone.document["removed"]) == (0, True), gone.err
    assert left_of(stage, store) == []


def test_github_in_bad_weather(stage: Rehearsal, store: Store) -> None:
    """What GitHub does not answer is no "closed": nothing is made, nothing is taken back, and it is said."""
    assert pr(stage, "up").code == 0
    for fault, code in (({"status": 500}, 9), ({"status": 403}, 4), ({"status": 429, "retry_after_ms": 600000}, 9)):
        stage.fault(service="github", path="*/pulls/12", count=200, **fault)
        for verb, flags in (("up", ()), ("down", ("--unless-open",))):
            ran = pr(stage, verb, *flags)
            assert ran.code == code, (fault, verb, ran.err)
        stage.inv("sandbox.fault", "--clear")
    assert pr(stage, "show").document["lease"]["state"] == "open"
    stage.fault(service="github", path="*/pulls/12", status=502, count=1)
    again = pr(stage, "up")
    assert (again.code, again.recap["changed"]) == (0, 0), again.err
