"""The pure half of the steps: what follows from facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.adapters.cloudflare import LiveVersion
from deployer.adapters.terraform import Plan, PlannedChange
from deployer.engine.change import Unknown, unknowns_in
from deployer.engine.step import Context
from deployer.engine.stop import Stop
from deployer.errors import UsageError
from deployer.inventory.base import SecretRef
from deployer.inventory.model import Convex
from deployer.steps.convex import ConvexFunctions, ConvexVariables, FunctionFacts, VariableFacts
from deployer.steps.terraform import StackFacts, TerraformStack, plan_changes
from deployer.steps.worker import WorkerFacts, WorkerRelease

ANY: Any = None


def lines(changes: Any) -> list[str]:
    """Changes in short."""
    return [f"{change.action} {change.address}: {change.summary}" for change in changes]


WISHES = Convex(
    type="dev",
    deployment="calm-otter-1",
    deploy_key=SecretRef(env="KEY"),
    variables={"SITE_URL": "https://new"},
    secrets={"TOKEN": SecretRef(env="TOKEN")},
)


def variables(current: dict[str, str] | None, *, ours: tuple[str, ...] = (), wanted: dict[str, str]) -> Any:
    """The changes of variables."""
    step = ConvexVariables(name="v", wishes=WISHES, record=ANY)
    return step.diff(ANY, VariableFacts(current, frozenset(ours), wanted))


def test_variables_are_compared_by_value_and_secrets_never_shown() -> None:
    """The diff of a plain one has both values, that of a secret has none."""
    wanted = {"SITE_URL": "https://new", "TOKEN": "canary-new"}
    changes = variables({"SITE_URL": "https://old", "TOKEN": "canary-old"}, wanted=wanted)
    assert lines(changes) == ["update convex:SITE_URL: variable", "update convex:TOKEN: secret"]
    assert "https://old" in changes[0].detail
    assert "canary" not in repr(changes)
    assert not variables(dict(wanted), wanted=wanted)


def test_only_what_we_had_set_is_removed() -> None:
    """A variable that a person or a library set on the deployment stays."""
    current = {"SITE_URL": "https://new", "RETIRED": "x", "JWT_PRIVATE_KEY": "y"}
    changes = variables(current, ours=("RETIRED", "GONE_ALREADY"), wanted={"SITE_URL": "https://new"})
    assert lines(changes) == ["delete convex:RETIRED: variable, no longer in the inventory"]


def test_a_deployment_that_does_not_exist_yet_needs_all_variables() -> None:
    """Check mode before a preview was made."""
    assert lines(variables(None, wanted={"SITE_URL": "https://new"})) == ["create convex:SITE_URL: variable"]


@pytest.mark.parametrize(
    ("recorded", "live", "why"),
    [
        ({}, "m1", "first push"),
        ({"sources": "s0", "modules": "m1"}, "m1", "sources changed"),
        ({"sources": "s1", "modules": "m0"}, "m1", "changed by somebody else"),
        ({"sources": "s1", "modules": "m1"}, None, "changed by somebody else"),
        ({"sources": "s1", "modules": "m1"}, "m1", None),
    ],
)
def test_functions_are_pushed_for_a_reason(recorded: dict[str, str], live: str | None, why: str | None) -> None:
    """Our sources, or what is live, are not what the last push left."""
    step = ConvexFunctions(name="f", application=ANY, record=ANY, cli=ANY)
    changes = step.diff(ANY, FunctionFacts("s1", recorded, live))
    assert lines(changes) == ([f"run convex:functions: push functions ({why})"] if why else [])


def worker(**facts: Any) -> Any:
    """The changes of a Worker that wants release `d1` with secrets A and B."""
    step = WorkerRelease(
        name="w", worker="site", environment="dev", application=ANY, render=ANY, render_names=ANY, outputs=(),
        cloudflare=ANY, wrangler=ANY, record=ANY, remember=ANY,
    )  # fmt: skip
    given: dict[str, Any] = {
        "digest": "d1",
        "config": "{}",
        "live": LiveVersion("v1", "d1", None),
        "secret_names": frozenset({"A", "B"}),
        "recorded": {"version": "v1", "secrets": {"A": "fa", "B": "fb"}},
        "fingerprints": {"A": "fa", "B": "fb"},
    }
    found = WorkerFacts(**(given | facts))
    return step, found, step.diff(ANY, found)


class Handed:
    """What the steps above have handed on: outputs of a stack that was not selected and would change are unknown."""

    def read(self, name: str, reader: str) -> object:
        """Nothing is known of the outputs."""
        return {"worker_id": Unknown("terraform site")} if name == "site.outputs" else ANY


def test_a_release_without_the_outputs_it_needs_is_a_mistake_of_the_flags() -> None:
    """`--tags worker` where Terraform has never been applied is refused by name, with what to do."""
    step, facts, changes = worker(digest=None, live=None)
    step = replace(step, outputs=("site.outputs",))
    with pytest.raises(UsageError) as refused:
        step.apply(Context(step="w", check=False, stop=Stop(), values=Handed()), facts, changes)
    assert "step `w` needs outputs of step `terraform site`, which is not selected" in refused.value.message
    assert "without `--tags`" in str(refused.value.hint)


def test_a_live_release_is_left_alone() -> None:
    """And hands its digest on."""
    step, facts, changes = worker()
    assert changes == ()
    assert step.known(facts, changes) == {"worker.release": "d1"}


def test_a_release_whose_record_a_killed_run_did_not_write_is_recorded() -> None:
    """What runs is left alone, so nobody has to review it."""
    _, _, changes = worker(recorded={"version": "v0", "secrets": {}})
    assert lines(changes) == ["run record:site: record of the release that a run which was cut off has deployed"]
    assert changes[0].local


def test_the_first_upload_makes_worker_and_secrets() -> None:
    """Each secret is a change of its own, by name."""
    _, _, changes = worker(live=None, secret_names=frozenset(), recorded={})
    assert lines(changes) == [
        "create worker:site: upload and deploy",
        "create worker:site/A: secret",
        "create worker:site/B: secret",
    ]


def test_a_changed_secret_is_told_by_its_fingerprint() -> None:
    """One that was never pushed, and one that the inventory no longer names; somebody else's is not ours to remove."""
    _, _, changes = worker(
        digest="d2",
        secret_names=frozenset({"A", "OLD", "BY_HAND"}),
        recorded={"secrets": {"A": "other", "OLD": "fo"}},
    )
    assert lines(changes) == [
        "update worker:site: upload and deploy",
        "update worker:site/A: secret",
        "create worker:site/B: secret",
        "delete worker:site/OLD: secret",
    ]


def test_a_retired_secret_alone_is_reason_enough() -> None:
    """Wrangler keeps what it is not told to remove."""
    _, _, changes = worker(secret_names=frozenset({"A", "B", "OLD"}), recorded={"secrets": {"OLD": "fo"}})
    assert "delete worker:site/OLD: secret" in lines(changes)


def test_a_release_that_is_not_known_yet_is_surely_another_one() -> None:
    """Check mode before Terraform has made what the configuration names."""
    _, _, changes = worker(digest=None, live=LiveVersion("v1", "d0", None))
    assert lines(changes)[0] == "update worker:site: upload and deploy"


def test_a_version_from_elsewhere_is_said() -> None:
    """It carries no annotation of ours."""
    _, _, changes = worker(live=LiveVersion("v9", None, None))
    assert "not deployed from here" in lines(changes)[0]


def plan(*changes: PlannedChange, outputs: dict[str, Any] | None = None, changed: tuple[str, ...] = ()) -> Plan:
    """A plan."""
    return Plan(changes, changed, outputs or {}, None)


def test_a_plan_is_listed_by_address_whichever_way_it_was_read() -> None:
    """Terraform's two listings have different orders, and check must list what deploy lists."""
    one, two = PlannedChange("create", "module.a.x.b"), PlannedChange("delete", "module.a.x.a")
    assert lines(plan_changes(plan(one, two), "site")) == lines(plan_changes(plan(two, one), "site"))


def test_outputs_alone_are_a_change() -> None:
    """Terraform exits with 2 for them, so there is something to apply."""
    assert lines(plan_changes(plan(changed=("b", "a")), "site")) == ["update site:outputs: outputs a, b"]
    assert plan_changes(plan(), "site") == ()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (PlannedChange("forget", "m.a_b.c"), "forget site:m.a_b.c: a b (stays, and leaves the state)"),
        (PlannedChange("update", "m.a_b.c", moved_from="x", alters=False), "update site:m.a_b.c: a b (move from x)"),
        (PlannedChange("update", "m.a_b.c", imports="7", alters=False), "update site:m.a_b.c: a b (import of 7)"),
        (PlannedChange("update", "m.a_b.c", imports="7"), "update site:m.a_b.c: a b (import of 7, and update)"),
        (
            PlannedChange("replace", "m.a_b.c", "cannot_update", moved_from="x"),
            "replace site:m.a_b.c: a b (move from x, and replace; replaced, it cannot be updated)",
        ),
        (
            PlannedChange("replace", "m.a_b.c", "create_then_forget"),
            "replace site:m.a_b.c: a b (replaced, the old one stays and leaves the state)",
        ),
    ],
)
def test_what_becomes_of_the_state_is_said(change: PlannedChange, line: str) -> None:
    """Such a plan is not empty, and each change says what the action alone does not."""
    found = plan(change)
    assert not found.empty
    assert lines(plan_changes(found, "site")) == [line]


def test_what_is_adopted_is_no_creation() -> None:
    """It is there; that it came from a run that was cut off is said."""
    changes = plan_changes(
        plan(PlannedChange("create", "m.cloudflare_worker.this")), "site", {"m.cloudflare_worker.this"}
    )
    assert lines(changes)[0].startswith("update site:m.cloudflare_worker.this: worker (made by a deploy")


def test_outputs_that_the_apply_decides_are_unknown_to_later_steps() -> None:
    """The rest is known; a plan without outputs hands on nothing."""
    from deployer.adapters.terraform.plan import UnknownOutput

    step = TerraformStack(
        name="terraform site", stack=ANY, state=ANY, stack_name="site", adoption=ANY, recover=ANY, ahead=ANY
    )
    change = plan_changes(plan(PlannedChange("create", "a.b")), "site")
    facts = StackFacts(plan(outputs={"kv_ids": {"A": "1", "B": UnknownOutput("B")}, "name": "n"}), {})
    known: Any = step.known(facts, change)["site.outputs"]
    assert known == {"kv_ids": {"A": "1", "B": Unknown("terraform site")}, "name": "n"}
    assert len(list(unknowns_in(known))) == 1
    assert step.known(StackFacts(plan(), {}), change) == {}
    assert step.known(StackFacts(plan(), {}), ()) == {"site.outputs": {}}
