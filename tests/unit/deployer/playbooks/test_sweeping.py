"""A removal looks again before it closes a lease; where there is a state it goes through the environment's destroy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.adapters.github import GitHub
from deployer.adapters.redact import Redactor
from deployer.adapters.target import cloudflare_target
from deployer.engine.stop import Stop
from deployer.errors import UsageError
from deployer.playbooks.ephemeral import Down
from deployer.playbooks.sweep import LEFTOVERS, Survey, removal, sample_of
from deployer.playbooks.wiring import Wiring
from deployer.steps.environment_lease import Lease, Pin
from deployer.steps.lease_store import Held
from deployer.steps.sweep import Cause, Facts, Finding, Judgement, Kind, Rules, Thing
from deployer.steps.sweep_listing import Seen
from tests.support.inventory import inventory
from tests.support.leases import wish

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD: Lease = replace(wish().taken(None, NOW - 100 * HOUR), expires=NOW - HOUR)
THING = Thing(kind=Kind.WORKER, name="vibechecc-pr-12", environment="pr-12", number=12, made=NOW - 100 * HOUR)
STATE = replace(THING, kind=Kind.STATE, name="terraform/pr-12/site.tfstate")
FOUND = Finding(environment="pr-12", number=12, cause=Cause.EXPIRED, why="", things=(THING,), leased=True)


class Hub:
    """GitHub, asked for one pull request."""

    def __init__(self, state: str | None) -> None:
        self.state = state

    def pull(self, number: int) -> object:
        """The pull request; None if nobody knows it."""
        return None if self.state is None else _Pull(self.state == "open")


class _Pull:
    def __init__(self, is_open: bool) -> None:
        self.open = is_open


def surveyed(*, hub: Hub | None = None) -> Survey:
    """What was found out when nobody had done anything yet."""
    return Survey(
        facts=Facts(now=NOW, things=(THING,)),
        rules=Rules(grace=timedelta(minutes=30), retention=timedelta(days=14)),
        judgement=Judgement(),
        seen=Seen(things=(THING,)),
        hub=cast("GitHub | None", hub),
    )


def held(lease: Lease | None, *, there: bool = True) -> Held:
    """What lies in the store at the moment of the removal."""
    return Held(lease=lease, etag="1" if there else None, now=NOW)


@pytest.mark.parametrize(
    ("lease", "hub", "goes"),
    [
        pytest.param(held(OLD), None, True, id="still expired"),
        pytest.param(held(OLD), Hub("open"), True, id="expired, although open"),
        pytest.param(held(replace(OLD, expires=NOW + HOUR, renewed=NOW)), None, False, id="renewed since"),
        pytest.param(held(replace(OLD, pinned=Pin(when=NOW, by="ana"))), None, False, id="pinned since"),
        pytest.param(held(None), None, False, id="cannot be read"),
        pytest.param(held(None, there=False), Hub("closed"), True, id="no lease, closed"),
        pytest.param(held(None, there=False), Hub(None), True, id="no lease, no pull request"),
        pytest.param(held(None, there=False), Hub("open"), False, id="no lease, open now"),
        pytest.param(held(replace(OLD, expires=NOW + HOUR)), Hub("closed"), True, id="closed"),
        pytest.param(held(replace(OLD, expires=NOW + HOUR)), Hub("open"), False, id="opened since"),
    ],
)
def test_what_was_found_is_looked_at_again(lease: Held, hub: Hub | None, goes: bool) -> None:
    """Between the look and the deed somebody may have pushed, pinned or opened it: then it stays."""
    assert surveyed(hub=hub).still_goes(FOUND, lease) is goes


def wiring(tmp_path: Path) -> Wiring:
    """That of pr-12."""
    loaded = inventory()
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CLOUDFLARE_API_TOKEN": "made-up-credential"}
    return Wiring(
        loaded=loaded,
        environment=loaded.environment("pr-12"),
        target=cloudflare_target(variables, account_id=loaded.inventory.project.account_id),
        folder=tmp_path / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def test_one_with_a_state_is_destroyed_first(tmp_path: Path) -> None:
    """Terraform's things go by its own plan; what is left over comes after everything else, and is no state."""
    made = removal(wiring(tmp_path), replace(FOUND, things=(THING, STATE)), Down(say=lambda _text: None))
    names = [step.name for step in made.steps]
    assert {"terraform hosts", "terraform site", "worker", "state"} <= set(names)
    assert {step.name for step in made.steps} - made.ancestors[LEFTOVERS] == {LEFTOVERS}
    left = cast("Any", made.steps[-1])
    assert [thing.kind for thing in left.things] == [Kind.WORKER]


def test_one_without_a_state_is_removed_by_name_alone(tmp_path: Path) -> None:
    """Terraform would have nothing to say, and is not started."""
    made = removal(wiring(tmp_path), FOUND, Down(say=lambda _text: None))
    assert [step.name for step in made.steps] == [LEFTOVERS]


def test_an_inventory_without_templates_is_not_swept() -> None:
    """Nor one whose only template is protected."""
    assert sample_of(inventory()) == "pr-9999999"
    protected = inventory(("[kinds.ephemeral]\n", "[kinds.ephemeral]\nguards = { protected = true }\n"))
    with pytest.raises(UsageError, match="no template of ephemeral environments"):
        sample_of(protected)
