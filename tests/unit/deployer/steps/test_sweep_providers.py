"""What a sweep lists and removes at the providers, on the stand-in: how often it asks, and what it must not touch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.adapters.guard import Guard
from deployer.adapters.state import Object
from deployer.engine.change import Action
from deployer.engine.step import Context
from deployer.engine.stop import Stop
from deployer.engine.values import NoValues
from deployer.errors import GuardRefused, Unswept
from deployer.playbooks.guarding import guard_of
from deployer.steps.sweep import Facts, Kind, Rules, Thing, judge
from deployer.steps.sweep_listing import Providers, look
from deployer.steps.sweep_names import EphemeralNames
from deployer.steps.sweep_removal import LeftoversRemoved, Removers
from tests.support.buckets import MemoryBucket
from tests.support.cloudflare import ZONE, ZONE_NAME, Api
from tests.support.inventory import inventory
from tests.support.stand_in_http import StandInHttp, cloudflare_of

LOADED = inventory()
NAMES = EphemeralNames.of(LOADED)
MANY = 230


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """The stand-in, with nothing in it."""
    return Api(tmp_path)


def fill(api: Api, count: int) -> None:
    """So many environments' Workers, hosts, namespaces and buckets."""
    for number in range(1, count + 1):
        api.upload(f"vibechecc-pr-{number}")
        host = {"hostname": f"pr-{number}.{ZONE_NAME}", "service": f"vibechecc-pr-{number}", "zone_id": ZONE}
        api.put("/accounts/{account}/workers/domains", host)
        api.post("/accounts/{account}/storage/kv/namespaces", {"title": f"vibechecc-pr-{number}-cache"})
        api.buckets.create(f"vibechecc-pr-{number}-uploads")


def providers(api: Api, bucket: MemoryBucket | None = None) -> tuple[Providers, StandInHttp]:
    """Whom to ask, and the record of what was asked."""
    cloudflare, http = cloudflare_of(api)
    return Providers(names=NAMES, cloudflare=cloudflare, zone=ZONE_NAME, bucket=bucket or MemoryBucket()), http


def test_it_asks_by_pages_and_never_by_environment(api: Api) -> None:
    """Four times the environments cost a page more of what has pages, and no request more of anything else."""
    fill(api, MANY)
    asked, http = providers(api)
    seen = look(asked)
    assert seen.unseen == ()
    assert len({thing.environment for thing in seen.things}) == MANY
    assert len(seen.things) == 4 * MANY
    # 100 Workers and namespaces a page, everything else in one.
    assert http.count("/workers/workers?") == 3
    assert http.count("/storage/kv/namespaces?") == 3
    for part in ("/workers/domains", "/r2/buckets", "/dns_records", "/workers/routes", "/alerting/v3/policies"):
        assert http.count(part) == 1
    assert len(http.asked) <= 3 + 3 + 5 + 2
    assert http.writes == []


def test_records_of_hosts_are_not_listed_twice(api: Api) -> None:
    """A custom domain brings a record that nobody but Cloudflare can delete; it goes with the domain."""
    fill(api, 1)
    kinds = [thing.kind for thing in look(providers(api)[0]).things]
    assert Kind.HOST in kinds
    assert Kind.RECORD not in kinds


def test_a_host_that_leads_elsewhere_is_left_alone(api: Api) -> None:
    """Somebody has given pr-7's name to production's Worker: that is not a leftover of pr-7."""
    api.upload("vibechecc-production")
    host = {"hostname": f"pr-7.{ZONE_NAME}", "service": "vibechecc-production", "zone_id": ZONE}
    api.put("/accounts/{account}/workers/domains", host)
    assert look(providers(api)[0]).things == ()


def test_a_route_that_leads_elsewhere_is_left_alone(api: Api) -> None:
    """The same for a route; one that leads nowhere is the host's own."""
    api.upload("vibechecc-production")
    for pattern, script in (("/api/*", "vibechecc-production"), ("/old/*", None)):
        api.post("/zones/{zone}/workers/routes", {"pattern": f"pr-7.{ZONE_NAME}{pattern}", "script": script})
    assert [thing.name for thing in look(providers(api)[0]).things] == [f"pr-7.{ZONE_NAME}/old/*"]


def test_what_lies_in_the_state_bucket(api: Api) -> None:
    """States one by one, everything else by folder, with the youngest write; others' are not seen."""
    bucket = MemoryBucket()
    for key in (
        "terraform/pr-5/site.tfstate",
        "terraform/pr-5/hosts.tfstate",
        "terraform/production/site.tfstate",
        "copies/terraform/pr-5/site/a.tfstate",
        "copies/terraform/pr-5/site/b.tfstate",
        "copies/terraform/development/site/a.tfstate",
        "releases/pr-5/current.json",
        "heartbeats/pr-5.json",
        "heartbeats/pr-55.json",
        "ledger/pr-5/00000001.json",
        "ledger-heads/pr-5.json",
        "leases/pr-5.json",
    ):
        bucket.put(key, b"{}", replaces=None)
    seen = look(providers(api, bucket)[0])
    assert sorted((thing.environment, thing.kind, thing.name) for thing in seen.things) == [
        ("pr-5", Kind.OBJECT, "copies/terraform/pr-5/"),
        ("pr-5", Kind.OBJECT, "heartbeats/pr-5.json"),
        ("pr-5", Kind.OBJECT, "releases/pr-5/"),
        ("pr-5", Kind.STATE, "terraform/pr-5/hosts.tfstate"),
        ("pr-5", Kind.STATE, "terraform/pr-5/site.tfstate"),
        ("pr-55", Kind.OBJECT, "heartbeats/pr-55.json"),
    ]
    copies = next(thing for thing in seen.things if thing.name.startswith("copies/"))
    assert copies.made == bucket.objects["copies/terraform/pr-5/site/b.tfstate"].modified
    assert set(seen.worked) == {"pr-5"}


def test_a_listing_that_fails_is_no_empty_one(api: Api) -> None:
    """The others are had all the same, and which is missing is told; also when it fails on a later page."""
    fill(api, MANY)
    cloudflare, _ = cloudflare_of(api, refuses=lambda _method, path: "namespaces?per_page=100&page=2" in path)
    bucket = MemoryBucket()
    seen = look(Providers(names=NAMES, cloudflare=cloudflare, zone=ZONE_NAME, bucket=bucket))
    assert [what for what, _ in seen.unseen] == ["KV namespaces"]
    assert {thing.kind for thing in seen.things} == {Kind.WORKER, Kind.HOST, Kind.BUCKET}


def test_a_zone_that_the_token_does_not_see(api: Api) -> None:
    """Its records and routes are not known, which is not the same as none."""
    cloudflare, _ = cloudflare_of(api)
    seen = look(Providers(names=NAMES, cloudflare=cloudflare, zone="other.example", bucket=MemoryBucket()))
    assert [what for what, _ in seen.unseen] == ["DNS records and routes"]


# --- removing ----------------------------------------------------------------------------------------------------


def removers(
    api: Api, env: str = "pr-5", *, may_empty: bool = True, guarded: bool = True
) -> tuple[Removers, StandInHttp]:
    """Those of an environment's run, behind its guard."""
    guard = guard_of(LOADED, LOADED.environment(env)) if guarded else None
    cloudflare, http = cloudflare_of(api, guard=guard)
    name = LOADED.inventory.project.state_bucket
    made = Removers(
        cloudflare=cloudflare,
        zone_id=lambda: ZONE,
        bucket=lambda bucket: objects_of(api, bucket, guard),
        state_bucket=MemoryBucket(name=name, guard=guard),
        previews=None,
        may_empty=may_empty,
    )
    return made, http


@dataclass(frozen=True)
class Objects(MemoryBucket):
    """An environment's bucket: the stand-in deletes it only once its objects are gone."""

    api: Api | None = None

    def delete(self, keys: list[str]) -> None:
        """Remove them, and let the stand-in know."""
        super().delete(keys)
        if keys and self.api is not None:
            self.api.buckets.occupied.discard(self.name)


def objects_of(api: Api, name: str, guard: Guard | None) -> Objects:
    """What is in a bucket: one object if the stand-in thinks it occupied."""
    objects = {"portrait.png": Object(b"", "1")} if name in api.buckets.occupied else {}
    return Objects(name=name, objects=objects, guard=guard, api=api)


def things_of(api: Api, environment: str = "pr-5") -> list[Thing]:
    """What the listings have of it, in the order in which it goes."""
    facts = Facts(now=datetime(2027, 1, 1, tzinfo=UTC), things=look(providers(api)[0]).things)
    rules = Rules(grace=timedelta(), retention=timedelta())
    return [thing for each in judge(facts, rules).findings if each.environment == environment for thing in each.things]


CONTEXT = Context(step="leftovers", check=False, stop=Stop(), values=NoValues())


def remove(things: list[Thing], made: Removers) -> LeftoversRemoved:
    """Run the step to its end."""
    step = LeftoversRemoved(name="leftovers", things=things, removers=made)
    facts = step.observe(CONTEXT)
    step.apply(CONTEXT, facts, step.diff(CONTEXT, facts))
    return step


def litter(api: Api, number: int = 5) -> None:
    """Something of everything, and an object in the bucket."""
    fill(api, number)
    api.buckets.occupied.add(f"vibechecc-pr-{number}-uploads")
    api.post("/zones/{zone}/dns_records", {"type": "TXT", "name": f"pr-{number}", "content": "x", "ttl": 1})
    api.post("/zones/{zone}/workers/routes", {"pattern": f"pr-{number}.{ZONE_NAME}/*"})
    mail = {"alert_type": "billing_usage_alert", "mechanisms": {"email": [{"id": "a@example.com"}]}, "enabled": True}
    api.post("/accounts/{account}/alerting/v3/policies", {"name": f"vibechecc-pr-{number} errors", **mail})


def test_every_kind_is_removed_with_few_requests(api: Api) -> None:
    """A look, a look at whose it is, a deletion: never more for a thing, and the others' things stay."""
    litter(api)
    things = things_of(api)
    assert {thing.kind for thing in things} == set(Kind) - {Kind.STATE, Kind.OBJECT, Kind.PREVIEW}
    made, http = removers(api)
    step = remove(things, made)
    assert things_of(api) == []
    assert len(things_of(api, "pr-4")) == 4
    assert len(http.asked) <= 4 * len(things)
    # The domain goes first; with the Worker it would be gone before its own turn.
    assert len(http.writes) == len(things)
    asked = len(http.asked)
    assert step.observe(CONTEXT) == []
    assert len(http.asked) - asked <= len(things)


def test_one_that_refuses_does_not_keep_the_others(api: Api) -> None:
    """What goes wrong is collected, and said with the thing; what tells of them stays until they are gone."""
    litter(api)
    made, http = removers(api)
    made.state_bucket.put("releases/pr-5/current.json", b"{}", replaces=None)
    http.refuses = lambda method, path: method == "DELETE" and "/namespaces/" in path
    told = Thing(kind=Kind.OBJECT, name="releases/pr-5/", environment="pr-5", number=5, id="releases/pr-5/")
    with pytest.raises(Unswept) as error:
        remove([*things_of(api), told], made)
    assert error.value.details == ("KV namespace `vibechecc-pr-5-cache`: Cloudflare answered with status 500",)
    assert [thing.kind for thing in things_of(api)] == [Kind.NAMESPACE]
    assert made.state_bucket.get("releases/pr-5/current.json") is not None
    http.refuses = lambda _method, _path: False
    remove([*things_of(api), told], made)
    assert things_of(api) == []
    assert made.state_bucket.get("releases/pr-5/current.json") is None


def test_objects_go_only_where_the_inventory_lets_them(api: Api) -> None:
    """A bucket that holds something and may not be emptied stays, and says so."""
    litter(api)
    with pytest.raises(Unswept, match="1 thing could not be removed") as error:
        remove(things_of(api), removers(api, may_empty=False)[0])
    assert "they may not go" in error.value.details[0]
    assert "vibechecc-pr-5-uploads" in api.buckets.buckets


def test_a_state_is_never_thrown_away(api: Api) -> None:
    """It says what there is to remove; only a destroy ends it."""
    made, _ = removers(api)
    made.state_bucket.put("terraform/pr-5/site.tfstate", b"{}", replaces=None)
    key = "terraform/pr-5/site.tfstate"
    with pytest.raises(GuardRefused):
        made.remove(Thing(kind=Kind.STATE, name=key, environment="pr-5", number=5, id=key))


@pytest.mark.parametrize("theirs", ["pr-4", "production"])
def test_a_mistake_in_the_judgement_does_not_reach_another_environment(api: Api, theirs: str) -> None:
    """Even if pr-5's removal were handed things of somebody else: the guard at the door refuses every one of them."""
    litter(api)
    environment = LOADED.environment(theirs)
    api.upload(environment.worker.name)
    made, http = removers(api)
    before = len(things_of(api, "pr-4"))
    wrong = [
        Thing(kind=thing.kind, name=thing.name, environment="pr-5", number=5, id=thing.id)
        for thing in things_of(api, "pr-4")
    ]
    production = Thing(kind=Kind.WORKER, name="w", environment="pr-5", number=5, id=environment.worker.name)
    with pytest.raises(Unswept) as error:
        remove([*wrong, production], made)
    assert len(error.value.details) == len(wrong) + 1
    assert all("nothing was written" in detail for detail in error.value.details)
    assert http.writes == []
    assert len(things_of(api, "pr-4")) == before


def test_what_it_would_remove_is_said_by_name(api: Api) -> None:
    """One change for each thing."""
    litter(api)
    step = LeftoversRemoved(name="leftovers", things=things_of(api), removers=removers(api)[0])
    changes = step.diff(CONTEXT, step.observe(CONTEXT))
    assert {change.action for change in changes} == {Action.DELETE}
    assert "Worker:vibechecc-pr-5" in [change.address for change in changes]
