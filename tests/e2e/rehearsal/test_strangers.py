"""What deploy did not make is neither taken nor removed, and guards refuse before anything is changed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from deployer.inventory.load import load
from sandbox.home import Home
from tests.support.account import Account
from tests.support.rehearsal import Ran, Rehearsal
from tests.support.s3 import access
from tests.support.sandbox import Running

STATES = "vibechecc-terraform-state"
UPLOADS = "vibechecc-production-uploads"


@pytest.fixture(name="account")
def _account(stage: Rehearsal) -> Account:
    return Account(Running(Home(stage.home)), load(stage.root).inventory.project.account_id)


@pytest.fixture(name="s3")
def _s3(stage: Rehearsal) -> Any:
    made = stage.connection["environment"]
    return dataclasses.replace(
        access(stage.connection["services"]["s3"], "s3"),
        access_key=made["R2_ACCESS_KEY_ID"],
        secret_key=made["R2_SECRET_ACCESS_KEY"],
    ).client()


def keys(s3: Any, bucket: str) -> list[str]:
    """The keys of a bucket's objects."""
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def changed_by(stage: Rehearsal, ran: Ran, since: int) -> list[str]:
    """What a run has changed: requests after the first `since`."""
    return [f"{each['method']} {each['path']}" for each in stage.requests()[since:] if each["mutating"]]


def test_a_bucket_and_a_worker_of_somebody_else_stay(stage: Rehearsal, account: Account, s3: Any) -> None:
    """They have the names that the inventory wishes: a deploy refuses them, a destroy leaves them as they are."""
    account.call("POST", "/accounts/{account}/r2/buckets", {"name": "vibechecc-pr-5-uploads"})
    account.call("POST", "/accounts/{account}/workers/workers", {"name": "vibechecc-pr-5"})
    s3.put_object(Bucket="vibechecc-pr-5-uploads", Key="precious.txt", Body=b"precious")
    assert stage.deploy(env="pr-5").code == 11

    gone = stage.destroy(env="pr-5")
    assert gone.code == 0, gone.err
    assert keys(s3, "vibechecc-pr-5-uploads") == ["precious.txt"]
    assert account.named("vibechecc-pr-5") == ["vibechecc-pr-5", "vibechecc-pr-5-uploads"]
    assert "`vibechecc-pr-5` is left alone" in gone.err


def test_a_host_of_another_worker_is_not_taken(stage: Rehearsal, account: Account) -> None:
    """Refused before the first change, naming the Worker that would lose it."""
    assert stage.deploy().code == 0
    host = "pr-6.vibechecc.app"
    account.call("PUT", "/accounts/{account}/workers/domains", {"hostname": host, "service": "vibechecc-development"})
    before = len(stage.requests())
    refused = stage.deploy(env="pr-6")
    assert refused.code == 11
    assert f"{host} leads to another Worker, `vibechecc-development`" in refused.document["error"]["message"]
    assert changed_by(stage, refused, before) == []
    assert account.hosts()[host] == "vibechecc-development"
    assert stage.deploy("--check", env="pr-6").code == 11


def test_a_wrong_folder_is_found_before_anything_is_changed(stage: Rehearsal) -> None:
    """Once, by a deploy and by a check."""
    before = len(stage.requests())
    for flags in ((), ("--check",)):
        ran = stage.deploy("--set", "app.path=exampel", *flags, env="pr-8")
        assert ran.code == 2
        assert [step["name"] for step in ran.document["steps"] if step["status"] == "failed"] == ["guards"]
    assert changed_by(stage, ran, before) == []


def test_production_keeps_its_objects_its_zone_and_its_state(stage: Rehearsal, account: Account, s3: Any) -> None:
    """Each guard refuses before anything is changed; the zone, which others share, goes only when it is said."""
    assert stage.deploy(env="production").code == 0
    s3.put_object(Bucket=UPLOADS, Key="precious.txt", Body=b"precious")
    before = len(stage.requests())
    full = stage.destroy("--allow-protected", env="production")
    assert full.code == 11
    assert UPLOADS in full.document["error"]["message"]
    s3.delete_object(Bucket=UPLOADS, Key="precious.txt")
    before = len(stage.requests())
    orphan = stage.destroy("--allow-protected", "--set", 'stacks=["site","hosts"]', env="production")
    assert orphan.code == 11
    assert "terraform/production/zone.tfstate" in orphan.document["error"]["place"]
    assert changed_by(stage, orphan, before) == []
    assert "vibechecc.app" in account.hosts()

    zone = account.zone("vibechecc.app")
    rules = account.rules(zone)
    assert any(rules.values())
    gone = stage.destroy("--allow-protected", env="production")
    assert gone.code == 0, gone.err
    assert account.named("vibechecc-production") == []
    assert account.rules(zone) == rules
    assert gone.status("terraform zone (stays)") == "ok"
    assert stage.destroy("--allow-protected", env="production").recap["changed"] == 0
    state = json.loads(s3.get_object(Bucket=STATES, Key="terraform/production/zone.tfstate")["Body"].read())
    assert state["resources"]

    last = stage.destroy("--allow-protected", "--set", "guards.destroy_zone=true", env="production")
    assert last.code == 0, last.err
    assert not any(account.rules(zone).values())
    assert not [key for key in keys(s3, STATES) if key.startswith("terraform/production/")]
