"""Destroy removes what a state, a note or a record shows to be ours, and nothing because of its name."""

from __future__ import annotations

from typing import Any, cast

import pytest

from deployer.adapters.cloudflare import CloudflareApi, LiveVersion
from deployer.adapters.convex import ConvexDeployment
from deployer.adapters.terraform import Plan, PlannedChange, Stack
from deployer.errors import GuardRefused, PlanChanged, StateLocked
from deployer.steps.adoption import Adoption, Note
from deployer.steps.convex import Backend
from deployer.steps.convex_removal import VariablesRemoved
from deployer.steps.holdings import Holdings
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.removal import BucketsEmptied, RemovalFacts, StackRemoved, StateRemoved, WorkerRemoved
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_file import StateFile
from deployer.words import Named
from tests.support.buckets import MemoryBucket, state_in, terraform_state

STATE = "terraform/development/{}.tfstate"
NAMED = Named("development", "cloudflare")
HOLDING = terraform_state(("cloudflare_r2_bucket", {"name": "ours"}))


def test_only_buckets_in_a_state_are_emptied(context: Any) -> None:
    """A bucket with a name from the inventory may be somebody else's."""
    states, ours, others = MemoryBucket(), MemoryBucket(name="ours"), MemoryBucket(name="others")
    for bucket in (ours, others):
        bucket.put_json("precious.txt", {})
    step = BucketsEmptied(
        name="b", holdings=Holdings(states, NAMED), bucket={"ours": ours, "others": others}.__getitem__
    )
    assert step.observe(context.of()) == {}
    states.put_json(STATE.format("site"), HOLDING)
    facts = step.observe(context.of())
    assert facts == {"ours": 1}
    step.apply(context.of(), facts, step.diff(context.of(), facts))
    assert (list(ours.objects), list(others.objects)) == ([], ["precious.txt"])


def state_removed(bucket: MemoryBucket, *, kept: frozenset[str] = frozenset(), copies: bool = False) -> StateRemoved:
    """The last step."""
    return StateRemoved(name="s", holdings=Holdings(bucket, NAMED), kept=kept, keep_copies=copies)


def filled() -> MemoryBucket:
    """What a deploy of two environments has left."""
    bucket = MemoryBucket()
    for stack in ("zone", "site", "hosts"):
        bucket.put_json(STATE.format(stack), terraform_state())
        bucket.put_json(f"copies/terraform/development/{stack}/1.tfstate", {})
        bucket.put_json(f"releases/development/unfinished-{stack}.json", {})
    bucket.put_json("releases/development/current.json", {})
    bucket.put_json("terraform/production/site.tfstate", HOLDING)
    return bucket


def test_a_state_that_holds_something_is_never_deleted(context: Any) -> None:
    """Whichever stack it is of, whether the inventory names that or not."""
    bucket = filled()
    bucket.put_json(STATE.format("former"), HOLDING)
    before = set(bucket.objects)
    with pytest.raises(GuardRefused, match="not thrown away") as caught:
        state_removed(bucket).observe(context.of())
    assert "terraform/development/former.tfstate" in str(caught.value)
    with pytest.raises(GuardRefused):
        state_removed(bucket).apply(context.of(), sorted(before), ())
    assert set(bucket.objects) == before


@pytest.mark.parametrize("stay", [True, False])
def test_the_summary_says_what_goes(context: Any, stay: bool) -> None:
    """The copies of a protected environment stay."""
    step = state_removed(filled(), copies=stay)
    facts = step.observe(context.of())
    assert any(key.startswith("copies/") for key in facts) is not stay
    (change,) = step.diff(context.of(), facts)
    assert ("copies stay" in change.summary, "their copies" in change.summary) == (stay, not stay)


def test_a_lock_is_never_deleted(context: Any) -> None:
    """Somebody is at work on that state."""
    bucket = filled()
    lock = f"{STATE.format('site')}.tflock"
    bucket.put_json(lock, {"ID": "1"})
    assert lock not in state_removed(bucket).observe(context.of(check=True))
    with pytest.raises(StateLocked, match="is not thrown away"):
        state_removed(bucket).observe(context.of())
    assert lock in bucket.objects


def test_what_belongs_to_a_kept_stack_stays(context: Any) -> None:
    """Its state, copies and note; the rest of the environment goes, and no other environment's."""
    bucket = filled()
    bucket.put_json(STATE.format("zone"), HOLDING)
    step = state_removed(bucket, kept=frozenset({"zone"}))
    step.apply(context.of(), step.observe(context.of()), ())
    assert set(bucket.objects) == {
        STATE.format("zone"),
        "copies/terraform/development/zone/1.tfstate",
        "releases/development/unfinished-zone.json",
        "terraform/production/site.tfstate",
    }
    assert step.observe(context.of()) == []


class Workers:
    """One Worker that exists."""

    def __init__(self, tags: frozenset[str] = frozenset(), live: LiveVersion | None = None) -> None:
        self.tags, self.live = tags, live

    def worker_exists(self, worker: str) -> bool:
        """It does."""
        return True

    def worker_tags(self, worker: str) -> frozenset[str]:
        """As given."""
        return self.tags

    def live_version(self, worker: str) -> LiveVersion | None:
        """As given."""
        return self.live


DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("workers", "ours"),
    [
        (Workers(), False),
        (Workers(tags=frozenset({"environment:production", "project:p"})), False),
        (Workers(tags=frozenset({"environment:development", "project:p", "mine"})), True),
        (Workers(live=LiveVersion("v1", None, None)), False),
        (Workers(live=LiveVersion("v2", None, None)), True),
        (Workers(live=LiveVersion("v1", DIGEST, f"release {DIGEST[:12]}, commit unknown")), True),
        (Workers(live=LiveVersion("v1", DIGEST, "by hand")), False),
    ],
    ids=["bare", "another environment's", "our tags", "unknown version", "recorded version", "our release", "a tag"],
)
def test_a_worker_goes_only_with_evidence(workers: Workers, ours: bool, context: Any) -> None:
    """Tags that our Terraform writes, the version on record, or a version annotated with a release."""
    record = ReleaseRecord(MemoryBucket(), "development")
    record.write("worker", {"version": "v2"})
    step = WorkerRemoved(
        name="w", cloudflare=cast("CloudflareApi", workers), worker="p-development", record=record, removed=(),
        marks=frozenset({"environment:development", "project:p"}),
    )  # fmt: skip
    facts = step.observe(context.of())
    assert facts is ours
    assert bool(step.diff(context.of(), facts)) is ours


def test_only_recorded_variables_are_removed(context: Any) -> None:
    """One that was never set from here stays, whatever it is called."""

    class Deployment:
        def variables(self) -> dict[str, str]:
            return {"SITE_URL": "theirs", "TOKEN": "ours"}

    record = ReleaseRecord(MemoryBucket(), "development")
    step = VariablesRemoved(name="v", record=record)
    backend = Backend(cast("ConvexDeployment", Deployment()), "", "")
    given = context.of(convex__backend=backend)
    assert step.observe(given) == []
    record.write("convex_variables", {"names": ["TOKEN"]})
    assert step.observe(given) == ["TOKEN"]


class CutOff:
    """A stack whose apply was killed after it had made a bucket that the state does not know."""

    def __init__(self, *more: PlannedChange) -> None:
        self.imported: list[tuple[str, str]] = []
        self.applied: list[Plan] = []
        self.more = more

    def plan(self, *, details: bool = False, destroy: bool = False) -> Plan:
        """What there is to do."""
        if not destroy:
            wanted = (PlannedChange("create", ADDRESS, wanted={"name": "ours"}), PlannedChange("create", FOREIGN))
            return Plan(wanted, (), {}, None)
        found = [PlannedChange("delete", address) for address, _ in self.imported]
        return Plan((*found, *(self.more if found else ())), (), {}, None)

    def import_resource(self, address: str, identifier: str) -> None:
        """Now it is known."""
        self.imported.append((address, identifier))

    def apply(self, plan: Plan) -> dict[str, Any]:
        """Carried out."""
        self.applied.append(plan)
        return {}


ADDRESS = "module.storage.cloudflare_r2_bucket.this"
FOREIGN = "module.storage.cloudflare_r2_bucket.foreign"


def removed(stack: CutOff, bucket: MemoryBucket, tmp_path: Any) -> StackRemoved:
    """The step for it."""
    return StackRemoved(
        name="t", stack=lambda: cast("Stack", stack), stack_name="site", recover=lambda: None,
        state=StateFile(copies=StateCopies(state=state_in(bucket)), records=tmp_path, identity="me"),
        adoption=Adoption(
            note=Note(bucket, "note.json"), find=lambda _kind, _wanted: "id",
            findable=frozenset({"cloudflare_r2_bucket"}),
        ),
    )  # fmt: skip


def test_what_a_cut_off_deploy_has_made_is_removed(context: Any, tmp_path: Any) -> None:
    """Also without a state; what is not on the note, though it has the name, is left alone."""
    bucket, stack = MemoryBucket(), CutOff()
    step = removed(stack, bucket, tmp_path)
    assert step.observe(context.of()) is None
    Note(bucket, "note.json").write([ADDRESS])
    facts = step.observe(context.of())
    assert facts == RemovalFacts(Plan((), (), {}, None), {ADDRESS: "id"})
    changes = step.diff(context.of(), facts)
    assert [change.address for change in changes] == [f"site:{ADDRESS}"]
    assert stack.imported == []
    step.apply(context.of(), facts, changes)
    assert stack.imported == [(ADDRESS, "id")]
    assert [change.address for change in stack.applied[0].changes] == [ADDRESS]


def test_nothing_is_removed_that_was_not_shown(context: Any, tmp_path: Any) -> None:
    """The plan is made anew after the import; it must hold no more than what was listed."""
    bucket, stack = MemoryBucket(), CutOff(PlannedChange("delete", "cloudflare_zone.all"))
    step = removed(stack, bucket, tmp_path)
    Note(bucket, "note.json").write([ADDRESS])
    facts = step.observe(context.of())
    with pytest.raises(PlanChanged, match="cloudflare_zone"):
        step.apply(context.of(), facts, step.diff(context.of(), facts))
    assert stack.applied == []
