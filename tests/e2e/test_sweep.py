"""Sweeps over a whole sandbox: what is left behind goes, what is alive or written out stays, bad weather is said."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sandbox.home import Home
from tests.support.account import Account
from tests.support.convex import Convex
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.sandbox import Running
from tests.support.states import BUCKET, Store
from tests.support.waiting import wait_for

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ZONE = "vibechecc.app"
LONG_AGO = "2026-01-01T00:00:00+00:00"


@pytest.fixture(scope="module", autouse=True)
def _impatient(stage: Rehearsal) -> None:
    """What these tests make is seconds old when it is swept."""
    replace(stage.root / "environments.toml", "grace_minutes = 30", "grace_minutes = 0")


@pytest.fixture(name="account")
def _account(stage: Rehearsal, store: Store) -> Account:
    """What the sandbox's Cloudflare has, in a world in which nothing was deployed."""
    return Account(Running(Home.at(stage.home)), ACCOUNT)


def sweep(stage: Rehearsal, *flags: str) -> Ran:
    """`inv pr.sweep --sandbox --json`."""
    return stage.inv("pr.sweep", "--sandbox", "--json", *flags)


def found(ran: Ran) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Cause and things of each environment that goes."""
    return {
        each["environment"]: (each["cause"], [(thing["kind"], thing["name"]) for thing in each["things"]])
        for each in ran.document["findings"]
    }


def outcomes(ran: Ran) -> dict[str, str]:
    """What became of each."""
    return {each["environment"]: each["outcome"] for each in ran.document["findings"]}


def up(stage: Rehearsal, number: int) -> None:
    """`inv pr.up`."""
    ran = stage.inv("pr.up", "--number", str(number), "--sandbox", "--json")
    assert ran.code == 0, ran.err


def pull(stage: Rehearsal, number: int, state: str) -> None:
    """What a person does on GitHub."""
    url = f"{stage.connection['services']['github']}/__sandbox/pulls"
    body = {"number": number, "state": state, "head": {"sha": "0" * 40, "ref": f"pull-{number}", "fork": False}}
    assert httpx.post(url, json=body, trust_env=False).status_code < 300


def asked(stage: Rehearsal, path: str) -> Any:
    """What GitHub has."""
    made = stage.connection["environment"]
    url = f"{made['GITHUB_API_URL']}/repos/vibechecc/vibechecc{path}"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {made['GITHUB_TOKEN']}"}, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(stage: Rehearsal, number: int) -> tuple[list[str], list[str]]:
    """The comments on a pull request, and the last state of each deployment of its environment."""
    comments = [each["body"] for each in asked(stage, f"/issues/{number}/comments")]
    made = [each["id"] for each in asked(stage, f"/deployments?environment=pr-{number}")]
    return comments, [asked(stage, f"/deployments/{each}/statuses")[0]["state"] for each in made]


def lease_of(store: Store, number: int) -> dict[str, Any]:
    """What the lease of an environment says."""
    return dict(json.loads(store.read(f"leases/pr-{number}.json") or b"{}"))


def change_lease(store: Store, number: int, **fields: Any) -> None:
    """A lease as some days would have made it."""
    key = f"leases/pr-{number}.json"
    store.write(key, json.dumps(lease_of(store, number) | fields).encode())


def litter(account: Account) -> None:
    """One thing of each kind without a state or a lease, and one of everybody whom a sweep must not touch."""
    zone = account.zone(ZONE)
    for name in ("vibechecc-pr-31", "vibechecc-production", "vibechecc-development", "pr-31", "vibechecc-pr-31-eu"):
        account.call("POST", "/accounts/{account}/workers/workers", {"name": name})
    for title in ("vibechecc-pr-32-cache", "vibechecc-production-cache", "vibechecc-pr-x-cache"):
        account.call("POST", "/accounts/{account}/storage/kv/namespaces", {"title": title})
    for name in ("vibechecc-pr-33-uploads", "vibechecc-production-uploads", "my-vibechecc-pr-33-uploads"):
        account.call("POST", "/accounts/{account}/r2/buckets", {"name": name})
    for name in (f"pr-34.{ZONE}", f"dev.{ZONE}", ZONE, f"mail.pr-34.{ZONE}"):
        account.call("POST", f"{zone}/dns_records", {"type": "A", "name": name, "content": "192.0.2.1", "ttl": 1})
    for pattern in (f"pr-35.{ZONE}/*", f"dev.{ZONE}/*", f"*.{ZONE}/*"):
        account.call("POST", f"{zone}/workers/routes", {"pattern": pattern})
    mail = {"alert_type": "billing_usage_alert", "mechanisms": {"email": [{"id": "a@example.com"}]}, "enabled": True}
    for name in ("vibechecc-pr-36 errors", "vibechecc-production errors"):
        account.call("POST", "/accounts/{account}/alerting/v3/policies", {"name": name, **mail})
    for name in ("pr-37", "feature-pr-37"):
        Convex(account.sandbox).claim(name)


def everything(account: Account) -> set[str]:
    """Names of all that the account has, without the bucket that every run on it makes."""
    zone = account.zone(ZONE)
    return {
        *(name for name in account.named("") if name != BUCKET),
        *(record["name"] for record in account.get(f"{zone}/dns_records")),
        *(route["pattern"] for route in account.get(f"{zone}/workers/routes")),
        *(policy["name"] for policy in account.get("/accounts/{account}/alerting/v3/policies")),
        *previews(account),
    }


def previews(account: Account) -> list[str]:
    """What the project's Convex previews were asked for as."""
    convex = Convex(account.sandbox)
    project = convex.management("GET", "/teams/vibechecc/projects/vibechecc").json()["id"]
    listed = convex.management("GET", f"/projects/{project}/list_deployments?deploymentType=preview").json()
    return [str(each["previewIdentifier"]) for each in listed]


ORPHANS = {
    "pr-31": ("orphaned", [("Worker", "vibechecc-pr-31")]),
    "pr-32": ("orphaned", [("KV namespace", "vibechecc-pr-32-cache")]),
    "pr-33": ("orphaned", [("R2 bucket", "vibechecc-pr-33-uploads")]),
    "pr-34": ("orphaned", [("DNS record", f"pr-34.{ZONE}")]),
    "pr-35": ("orphaned", [("route", f"pr-35.{ZONE}/*")]),
    "pr-36": ("orphaned", [("notification policy", "vibechecc-pr-36 errors")]),
    "pr-37": ("orphaned", [("Convex preview", "pr-37")]),
}


def test_orphans_of_every_kind_go_and_nothing_else(stage: Rehearsal, store: Store, account: Account) -> None:
    """What `--check` lists is what goes; look-alikes and everything of production and development stay."""
    litter(account)
    before = everything(account)
    checked = sweep(stage, "--check", "--detailed-exitcode")
    assert (checked.code, found(checked)) == (10, ORPHANS)
    assert everything(account) == before
    swept = sweep(stage)
    assert (swept.code, found(swept)) == (0, ORPHANS)
    assert set(outcomes(swept).values()) == {"removed"}
    gone = {name for _, things in ORPHANS.values() for _, name in things}
    assert everything(account) == before - gone
    again = sweep(stage)
    assert (again.code, again.document["findings"]) == (0, [])


def test_each_environment_by_its_lease_and_its_pull_request(stage: Rehearsal, store: Store, account: Account) -> None:
    """Expired, closed and half-built ones are removed as a whole; one that is alive and one that is pinned stay."""
    for number in (41, 42, 43, 44):
        up(stage, number)
    assert stage.deploy(env="pr-45").code == 0
    change_lease(store, 41, expires=LONG_AGO)
    pull(stage, 42, "closed")
    assert stage.inv("pr.pin", "--number", "43", "--sandbox").code == 0
    change_lease(store, 43, expires=LONG_AGO)
    alive = {name for name in everything(account) if "43" in name or "44" in name}

    checked = sweep(stage, "--check")
    causes = {name: cause for name, (cause, _) in found(checked).items()}
    assert causes == {"pr-41": "expired", "pr-42": "closed", "pr-45": "half-built"}
    assert {each["environment"] for each in checked.document["kept"]} == {"pr-43", "pr-44"}
    swept = sweep(stage)
    assert (swept.code, found(swept)) == (0, found(checked))
    assert everything(account) == alive
    keys = store.keys()
    for number in (41, 42, 45):
        kept = [key for key in keys if f"/pr-{number}" in key]
        assert {key.split("/")[0] for key in kept} == {"ledger", "ledger-heads", "leases"}
        assert lease_of(store, number)["closed"]["removed"]
    assert sweep(stage).document["findings"] == []
    for number in (43, 44):
        assert stage.deploy(env=f"pr-{number}").recap["changed"] == 0


def test_who_was_told_that_it_is_up_is_told_that_it_went(stage: Rehearsal, store: Store, account: Account) -> None:
    """Why, in the comment there is; whoever was never told anything still is not. `--check` tells nobody."""
    for number in (51, 52, 53):
        up(stage, number)
    for number in (51, 52):
        assert stage.inv("pr.report", "--number", str(number), "--state", "up", "--sandbox").code == 0
    for number in (51, 53):
        change_lease(store, number, expires=LONG_AGO)
    pull(stage, 52, "closed")
    before = [told(stage, number) for number in (51, 52, 53)]
    assert "pr-51</code> is up" in before[0][0][0]

    assert len(found(sweep(stage, "--check"))) == 3
    assert [told(stage, number) for number in (51, 52, 53)] == before
    swept = sweep(stage)
    assert swept.code == 0, swept.err
    assert {each["environment"]: each["told"]["changed"] for each in swept.document["findings"]} == {
        "pr-51": True,
        "pr-52": True,
        "pr-53": False,
    }
    for number, why in ((51, "expired"), (52, "closed")):
        (comment,), deployments = told(stage, number)
        assert f"### <code>pr-{number}</code> is removed\n\nWhy: {why}.\n\nRemoved were:" in comment
        assert deployments == ["inactive"]
    assert told(stage, 53) == ([], [])

    after = [asked(stage, f"/issues/{number}/comments") for number in (51, 52)]
    assert sweep(stage).document["findings"] == []
    assert [asked(stage, f"/issues/{number}/comments") for number in (51, 52)] == after
    again = stage.inv("pr.report", "--number", "51", "--sandbox", "--json")
    assert (again.code, again.document["changed"]) == (0, False), again.err


@pytest.mark.parametrize(("status", "code"), [(403, 0), (500, 1)])
def test_github_does_not_keep_an_environment(
    stage: Rehearsal, store: Store, account: Account, status: int, code: int
) -> None:
    """A token that may not write is a note; a failure is one of the sweep, with the command that tells it."""
    up(stage, 54)
    assert stage.inv("pr.report", "--number", "54", "--state", "up", "--sandbox").code == 0
    change_lease(store, 54, expires=LONG_AGO)
    stage.fault(service="github", method="PATCH", path="*/issues/comments/*", status=status, count=30)
    swept = sweep(stage)
    assert (swept.code, outcomes(swept)) == (code, {"pr-54": "removed"}), swept.err
    assert everything(account) == set()
    assert ("the comment was not written" if status == 403 else "`inv pr.report --env pr-54 --sandbox`") in swept.err
    assert stage.inv("sandbox.fault", "--clear").code == 0
    assert stage.inv("pr.report", "--env", "pr-54", "--sandbox").code == 0
    (comment,), deployments = told(stage, 54)
    assert "Why: expired." in comment
    assert deployments == ["inactive"]


def test_a_tombstone_goes_when_its_time_is_over(stage: Rehearsal, store: Store, account: Account) -> None:
    """Until then it stops late runs."""
    up(stage, 46)
    assert stage.inv("pr.down", "--number", "46", "--sandbox").code == 0
    assert sweep(stage).document["findings"] == []
    closed = lease_of(store, 46)["closed"] | {"when": LONG_AGO, "removed": LONG_AGO}
    change_lease(store, 46, closed=closed)
    assert found(sweep(stage, "--check")) == {"pr-46": ("tombstone", [])}
    assert outcomes(sweep(stage)) == {"pr-46": "removed"}
    assert store.keys("leases/") == []


def test_what_a_provider_refuses_is_said_and_goes_with_the_next_sweep(
    stage: Rehearsal, store: Store, account: Account
) -> None:
    """The others go, the exit code is not 0, and the command that goes on is told."""
    litter(account)
    stage.fault(service="cloudflare", method="DELETE", path="*/storage/kv/namespaces/*", status=500, count=8)
    swept = sweep(stage)
    assert swept.code == 1
    assert swept.document["error"]["reason"] == "unswept"
    assert "`inv pr.sweep --number 32 --sandbox` goes on with it" in swept.err
    said = outcomes(swept)
    assert said.pop("pr-32") == "failed"
    assert set(said.values()) == {"removed"}
    assert swept.document["providers"]["KV namespace"] == {"removed": 0, "left": 1}
    assert stage.inv("sandbox.fault", "--clear").code == 0
    again = sweep(stage, "--number", "32")
    assert (again.code, outcomes(again)) == (0, {"pr-32": "removed"})
    assert sweep(stage).document["findings"] == []


def test_a_provider_that_is_down_half_way(stage: Rehearsal, store: Store, account: Account) -> None:
    """A destroy that fails in the middle leaves the state, and the next sweep ends it."""
    up(stage, 47)
    change_lease(store, 47, expires=LONG_AGO)
    stage.fault(service="cloudflare", method="DELETE", path="*/r2/buckets/*", status=500, count=30)
    swept = sweep(stage)
    assert (swept.code, outcomes(swept)) == (1, {"pr-47": "failed"})
    (finding,) = swept.document["findings"]
    assert {"kind": "R2 bucket", "name": "vibechecc-pr-47-uploads"} in finding["left"]
    assert stage.inv("sandbox.fault", "--clear").code == 0
    again = sweep(stage)
    assert (again.code, outcomes(again)) == (0, {"pr-47": "removed"})
    assert everything(account) == set()


def test_a_listing_that_cannot_be_had_is_no_empty_one(stage: Rehearsal, store: Store, account: Account) -> None:
    """What the others have goes all the same, and nobody is told that everything was looked at."""
    litter(account)
    stage.fault(service="cloudflare", method="GET", path="*/workers/workers*", status=403, count=1)
    checked = sweep(stage, "--check")
    assert (checked.code, checked.document["error"]["reason"]) == (1, "unswept")
    assert [each["listing"] for each in checked.document["unseen"]] == ["Workers"]
    assert "pr-31" not in found(checked)
    assert found(sweep(stage)) == ORPHANS


def test_an_environment_at_work_is_not_disturbed(stage: Rehearsal, store: Store, account: Account) -> None:
    """A run that holds it goes on to its end, whatever its lease says; the sweep skips it and is content."""
    up(stage, 48)
    change_lease(store, 48, expires=LONG_AGO)
    replace(stage.root / "environments.toml", "sampling_rate = 1.0", "sampling_rate = 0.5")
    stage.fault(service="cloudflare", method="PUT", path="*/workers/*", delay_ms=12_000)
    stage.fault(service="cloudflare", method="PATCH", path="*/workers/*", delay_ms=12_000)
    run = stage.start("deploy", "--env", "pr-48", "--sandbox")
    wait_for(lambda: store.keys("ledger/pr-48/00000003"), run=run)
    swept = sweep(stage)
    assert (swept.code, swept.document["findings"]) == (0, [])
    (kept,) = swept.document["kept"]
    assert "a run works on it: `inv deploy --env pr-48" in kept["why"]
    out, err = run.communicate()
    assert run.returncode == 0, f"{out}\n{err}"
    assert stage.inv("sandbox.fault", "--clear").code == 0
    assert outcomes(sweep(stage)) == {"pr-48": "removed"}
