"""What a plan may not do, end to end: rules, protected things, freezes, other rules than those of the plan."""

from __future__ import annotations

import pytest

from tests.support.kills import repository
from tests.support.rehearsal import Rehearsal, replace
from tests.support.reviews import apply, plan, refused, written

INVENTORY = "environments.toml"


@pytest.fixture(scope="module", autouse=True)
def _repository(stage: Rehearsal) -> None:
    repository(stage.root)


def test_a_rule_stops_a_plan_and_a_deploy(deployed: Rehearsal) -> None:
    """The plan is shown and not kept; a deploy, which plans and applies in one run, is stopped before it applies."""
    replace(
        deployed.root / INVENTORY, "[defaults.policy.few-deletions]", NO_UPDATES + "[defaults.policy.few-deletions]"
    )
    ran = deployed.inv(
        "plan", "--env", "dev", "--sandbox", "--out", "ruled", "--json", "--set", "worker.logs.sampling_rate=0.1"
    )
    assert ran.code == 11, ran.err
    (finding,) = ran.document["findings"]
    assert (finding["rule"], finding["severity"], finding["place"][:18]) == (
        "no-updates",
        "error",
        "environments.toml:",
    )
    assert "error: the plan breaks a rule of the policy of `development`" in ran.err
    assert not (deployed.root / "ruled").exists()
    before = written(deployed)
    deploy = deployed.deploy("--set", "worker.logs.sampling_rate=0.1")
    assert (deploy.code, deploy.document["error"]["reason"]) == (11, "policy-violated")
    assert [each for each in written(deployed)[len(before) :] if "workers" in each] == []


NO_UPDATES = """\
[defaults.policy.no-updates]
reason = "a rehearsal"
types = ["cloudflare_worker"]
actions = ["update"]
at_most = 0

"""


def test_what_is_protected_no_plan_destroys(deployed: Rehearsal) -> None:
    """Whatever anybody approves: the namespace would be replaced by one of another name."""
    never = 'never_destroy = ["*.cloudflare_r2_bucket.*"]\nprotected = false '
    replace(deployed.root / INVENTORY, "protected = false ", never)
    ran = deployed.inv(
        "plan", "--env", "dev", "--sandbox", "--json", "--set", "worker.r2.UPLOADS=vibechecc-development-other"
    )
    assert ran.code == 11, ran.err
    assert "the plan would destroy a protected resource of `development`" in ran.err
    assert ran.document["risk"] == "destroy"


def test_a_freeze_forbids_and_its_override_is_recorded(deployed: Rehearsal) -> None:
    """By name and with a reason; an override of nothing is refused."""
    replace(deployed.root / INVENTORY, "[defaults.worker]\n", FREEZE + "[defaults.worker]\n")
    plan(deployed, "--set", "worker.variables.ROUND=frozen")
    before = written(deployed)
    assert "`all-week`" in refused(apply(deployed), "frozen", 11)
    assert "`all-week`" in refused(apply(deployed, "--check"), "frozen", 11)
    frozen = deployed.deploy("--set", "worker.variables.ROUND=frozen")
    assert (frozen.code, frozen.document["error"]["reason"]) == (11, "frozen")
    assert apply(deployed, "--override-freeze", "all-week").code == 2
    assert apply(deployed, "--override-freeze", "other", "--reason", "x").code == 2
    assert written(deployed) == before
    assert apply(deployed, "--override-freeze", "all-week", "--reason", "the site is down").code == 0
    (run,) = deployed.inv("history", "--env", "dev", "--sandbox", "--json", "--limit", "1").document["runs"]
    assert run["override"] == {"freeze": "all-week", "reason": "the site is down"}


FREEZE = """\
[defaults.freezes.all-week]
reason = "a rehearsal"
time_zone = "Europe/Berlin"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

"""


def test_no_fresh_plan_makes_up_for_other_rules(deployed: Rehearsal) -> None:
    """Whoever needs fewer approvals after planning has the inventory reviewed, and plans again."""
    plan(deployed, "--set", "worker.variables.ROUND=rules")
    replace(
        deployed.root / INVENTORY, "[defaults.worker]\n", "[defaults.approvals]\nvalid_minutes = 9\n[defaults.worker]\n"
    )
    assert "input inventory.approvals" in refused(apply(deployed, "--replan"))


def test_a_secret_does_not_get_into_a_bundle_by_set(deployed: Rehearsal) -> None:
    """A bundle shows what was set, so the value of a secret is refused."""
    secret = deployed.connection["environment"]["CONVEX_DEPLOY_KEY_DEVELOPMENT"]
    leak = ("--out", "leak", "--set", f"worker.variables.LEAK={secret}")
    ran = deployed.inv("plan", "--env", "dev", "--sandbox", *leak)
    assert (ran.code, secret in ran.out + ran.err, (deployed.root / "leak").exists()) == (2, False, False), ran.err
