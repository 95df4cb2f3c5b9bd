"""The state bucket: rules of ours as wished and nobody else's touched, its place said, its promise tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from deployer.adapters.cloudflare import BucketSettings, Rule, RuleKind
from deployer.errors import ServiceFailed
from deployer.playbooks.bootstrap import lifecycle_rules, lock_rules
from deployer.steps.bucket_proof import BucketLocation, require_conditional_writes
from deployer.steps.bucket_rules import BucketRules, expiry, lock
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory


@dataclass
class Settings:
    """A bucket's rules in memory. `written` changes what becomes of what is written."""

    kept: dict[str, list[Rule]] = field(default_factory=dict)
    bucket: str = "states"
    place: str | None = "weur"
    writes: int = 0
    written: Callable[[Sequence[Rule]], Sequence[Rule]] = lambda rules: rules

    def rules(self, kind: RuleKind) -> Sequence[Rule]:
        """As kept."""
        return tuple(self.kept.get(kind, ()))

    def write_rules(self, kind: RuleKind, rules: Sequence[Rule]) -> None:
        """All of them."""
        self.writes += 1
        self.kept[kind] = list(self.written(rules))

    def location(self) -> str | None:
        """As given."""
        return self.place


def step(settings: Settings, *wanted: Rule, kind: RuleKind = "lifecycle") -> BucketRules:
    """The step for one kind of rules."""
    return BucketRules(name="r", settings=cast("BucketSettings", settings), kind=kind, wanted=wanted)


def apply(made: BucketRules, context: Any) -> list[tuple[str, str]]:
    """One run of it: what was changed."""
    facts = made.observe(context.of())
    changes = made.diff(context.of(), facts)
    if changes:
        made.apply(context.of(), facts, changes)
    return [(change.action.value, change.address) for change in changes]


FOREIGN = {"id": "Default Multipart Abort Rule", "enabled": True, "conditions": {"prefix": ""}}
PLANS = expiry("plans", prefix="plans/", days=30)


def test_rules_become_as_wished_and_others_stay(context: Any) -> None:
    """In their places; a second run has nothing to do; what is not wished any more goes."""
    settings = Settings({"lifecycle": [FOREIGN]})
    assert apply(step(settings, PLANS), context) == [("create", "r2:states/lifecycle/deployer-plans")]
    assert apply(step(settings, PLANS), context) == []
    settings.kept["lifecycle"].append({**FOREIGN, "id": "theirs"})
    longer = expiry("plans", prefix="plans/", days=60)
    assert apply(step(settings, longer), context) == [("update", "r2:states/lifecycle/deployer-plans")]
    assert settings.kept["lifecycle"] == [FOREIGN, longer, {**FOREIGN, "id": "theirs"}]
    assert apply(step(settings), context) == [("delete", "r2:states/lifecycle/deployer-plans")]
    assert settings.kept["lifecycle"] == [FOREIGN, {**FOREIGN, "id": "theirs"}]


def test_what_the_service_fills_in_is_no_difference(context: Any) -> None:
    """It may add to a rule of ours."""
    settings = Settings(written=lambda rules: [{**rule, "storageClassTransitions": []} for rule in rules])
    apply(step(settings, PLANS), context)
    assert apply(step(settings, PLANS), context) == []


def test_a_rule_that_was_set_since_we_looked_stays(context: Any) -> None:
    """The list is written as a whole, so it is read again right before."""
    settings = Settings()
    made = step(settings, PLANS)
    facts = made.observe(context.of())
    settings.kept["lifecycle"] = [FOREIGN]
    made.apply(context.of(), facts, made.diff(context.of(), facts))
    assert settings.kept["lifecycle"] == [FOREIGN, PLANS]


def test_rules_that_do_not_hold_are_said(context: Any) -> None:
    """The service said yes, and the rule is not there."""
    settings = Settings(written=lambda _rules: [])
    with pytest.raises(ServiceFailed, match="are not what was written") as caught:
        apply(step(settings, PLANS), context)
    assert "deployer-plans" in caught.value.details[0]


def test_rules_follow_the_inventory() -> None:
    """Copies and ledger of protected environments are locked, and nothing else: never a state or its lock."""
    assert lifecycle_rules(inventory())[0] == PLANS
    assert lock_rules(inventory()) == (
        lock("copies-production", prefix="copies/terraform/production/", days=14),
        lock("ledger-production", prefix="ledger/production/", days=14),
    )


def test_without_days_nothing_is_locked_and_a_template_locks_all_of_its_kind() -> None:
    """As the inventory says."""
    assert lock_rules(inventory(("copies_locked_days = 14", "copies_locked_days = 0"))) == ()
    kind = "[kinds.ephemeral]\n"
    protected = inventory((kind, f"{kind}guards = {{ protected = true }}\n"))
    assert [rule["prefix"] for rule in lock_rules(protected)][2:] == ["copies/terraform/pr-", "ledger/pr-"]


@pytest.mark.parametrize(("place", "notes"), [("weur", 0), (None, 0), ("enam", 1)])
def test_a_bucket_elsewhere_is_said(context: Any, place: str | None, notes: int) -> None:
    """And is no failure: where it lies cannot be changed, and the wish is a hint for new ones."""
    said: list[str] = []
    made = BucketLocation(
        name="l", settings=cast("BucketSettings", Settings(place=place)), location="weur", note=said.append
    )
    assert made.diff(context.of(), made.observe(context.of())) == ()
    assert len(said) == notes
    assert all("lies in enam, the inventory says weur" in text for text in said)


class Careless(MemoryBucket):
    """A store that forgets one of its promises."""

    forgets = ""

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """As told."""
        found = self.objects.get(key)
        if self.forgets == "If-None-Match" and replaces is None and found is not None:
            self.objects.pop(key)
        if self.forgets == "If-Match" and replaces is not None and found is not None:
            replaces = found.etag
        if self.forgets == "everything":
            return False
        if self.forgets == "silently" and found is not None and replaces is None:
            self.objects[key] = self._written(key, body, found.etag)
            return False
        return super().try_put(key, body, replaces=replaces)


@pytest.mark.parametrize(
    ("forgets", "said"),
    [
        ("If-None-Match", "that is there was replaced"),
        ("If-Match", "another version was replaced"),
        ("everything", "that is new was refused"),
        ("silently", "a refused write has changed"),
    ],
)
def test_a_store_without_conditional_writes_is_found_out(forgets: str, said: str) -> None:
    """And the probe is gone in any case."""
    bucket = Careless()
    object.__setattr__(bucket, "forgets", forgets)
    with pytest.raises(ServiceFailed, match=said):
        require_conditional_writes(bucket)
    assert not bucket.objects


def test_a_good_store_passes() -> None:
    """It was tried, and nothing is left of it."""
    bucket = MemoryBucket()
    require_conditional_writes(bucket)
    assert bucket.writes
    assert not bucket.objects
