"""Whose a provider's thing is: a sweep removes by this, so it is tried with names that were chosen to mislead it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import ConfigError
from deployer.inventory.load import LoadedInventory
from deployer.steps.sweep import Kind
from deployer.steps.sweep_names import EphemeralNames, Whose
from tests.support.inventory import inventory

NAMES = EphemeralNames.of(inventory())
NUMBERS = st.integers(min_value=1, max_value=9_999_999)


def names_with(table: str) -> EphemeralNames:
    """Those of an inventory with a further environment."""
    return EphemeralNames.of(inventory(("[environments.development]", f"{table}\n[environments.development]")))


@given(NUMBERS)
def test_every_name_of_an_instance_is_known(number: int) -> None:
    """Whatever the number, each thing of the environment is found to be its own."""
    environment = inventory().environment(f"pr-{number}")
    whose = Whose(f"pr-{number}", number)
    worker = environment.worker
    for kind, name in (
        (Kind.WORKER, worker.name),
        (Kind.HOST, environment.host),
        (Kind.RECORD, environment.host),
        (Kind.ROUTE, f"{environment.host}/*"),
        (Kind.ROUTE, f"https://{environment.host}/api/*"),
        (Kind.NAMESPACE, worker.kv["CACHE"]),
        (Kind.BUCKET, worker.r2["UPLOADS"]),
        (Kind.PREVIEW, environment.name),
        (Kind.STATE, environment.name),
        (Kind.ALERT, f"{worker.name} errors"),
        (Kind.ALERT, worker.name),
    ):
        assert NAMES.whose(kind, name) == whose, name
    assert NAMES.environment(environment.name) == whose


@pytest.mark.parametrize("environment", ["production", "development"])
def test_nothing_of_an_environment_that_is_written_out_is(environment: str) -> None:
    """By no kind, in no case."""
    found = inventory().environment(environment)
    worker = found.worker
    for name in (
        found.name,
        found.host,
        worker.name,
        *worker.kv.values(),
        *worker.r2.values(),
        found.convex.deployment,
    ):
        for kind in Kind:
            assert NAMES.whose(kind, str(name)) is None
            assert NAMES.whose(kind, str(name).upper()) is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.WORKER, "vibechecc-pr-0"),
        (Kind.WORKER, "vibechecc-pr-012"),
        (Kind.WORKER, "vibechecc-pr-12345678"),
        (Kind.WORKER, "vibechecc-pr-12-staging"),
        (Kind.WORKER, "vibechecc-pr-12\n"),
        (Kind.WORKER, "my-vibechecc-pr-12"),
        (Kind.WORKER, "vibechecc-pr-"),
        (Kind.WORKER, "vibechecc-pr-twelve"),
        (Kind.WORKER, "vibechecc-pr-1٢"),
        (Kind.WORKER, ""),
        (Kind.NAMESPACE, "vibechecc-pr-12"),
        (Kind.NAMESPACE, "vibechecc-pr-12-cache-2"),
        (Kind.BUCKET, "vibechecc-terraform-state"),
        (Kind.HOST, "api.pr-12.vibechecc.app"),
        (Kind.HOST, "pr-12.vibechecc.app.evil.example"),
        (Kind.HOST, "pr-12xvibechecc.app"),
        (Kind.RECORD, "_acme-challenge.pr-12.vibechecc.app"),
        (Kind.RECORD, "*.vibechecc.app"),
        (Kind.ROUTE, "*pr-12.vibechecc.app/*"),
        (Kind.ROUTE, "*.pr-12.vibechecc.app/*"),
        (Kind.ROUTE, "vibechecc.app/pr-12.vibechecc.app"),
        (Kind.ROUTE, "*/*"),
        (Kind.PREVIEW, "feature/pr-12"),
        (Kind.STATE, "production"),
        (Kind.ALERT, "vibechecc-pr-12x errors"),
        (Kind.ALERT, "errors of vibechecc-pr-12"),
        (Kind.ALERT, "vibechecc-production errors"),
    ],
)
def test_what_only_looks_like_one_is_not(kind: Kind, name: str) -> None:
    """Only a whole name counts, and only a number that an environment can have."""
    assert NAMES.whose(kind, name) is None


STAGING = """
[environments.staging]
kind = "development"
host = "pr-13.vibechecc.app"
worker.name = "vibechecc-pr-12"
worker.kv = { CACHE = "vibechecc-pr-12-cache" }
worker.r2 = { UPLOADS = "vibechecc-pr-14-uploads" }
convex = { deployment = "pr-15", deploy_key = { env = "KEY" } }
"""


def test_a_written_out_environment_that_is_called_like_an_instance_stays() -> None:
    """Its Worker, host, namespace, bucket and deployment are its own, and what else has these numbers is not."""
    names = names_with(STAGING)
    for kind, name in (
        (Kind.WORKER, "vibechecc-pr-12"),
        (Kind.ALERT, "vibechecc-pr-12 errors"),
        (Kind.HOST, "pr-13.vibechecc.app"),
        (Kind.RECORD, "pr-13.vibechecc.app"),
        (Kind.ROUTE, "pr-13.vibechecc.app/*"),
        (Kind.NAMESPACE, "vibechecc-pr-12-cache"),
        (Kind.BUCKET, "vibechecc-pr-14-uploads"),
        (Kind.PREVIEW, "pr-15"),
    ):
        assert names.whose(kind, name) is None, name
    assert names.whose(Kind.BUCKET, "vibechecc-pr-12-uploads") == Whose("pr-12", 12)


def test_an_alert_of_a_longer_name_is_that_ones() -> None:
    """`vibechecc-pr-12-edge` is written out; what begins with its name is not pr-12's."""
    names = names_with(STAGING.replace('"vibechecc-pr-12"', '"vibechecc-pr-12-edge"'))
    assert names.whose(Kind.ALERT, "vibechecc-pr-12-edge: errors") is None
    assert names.whose(Kind.ALERT, "vibechecc-pr-12: errors") == Whose("pr-12", 12)


def test_a_protected_template_is_nobodys_to_sweep() -> None:
    """Its instances are removed by a person, with the guard given."""
    loaded = inventory(("[kinds.ephemeral]\n", "[kinds.ephemeral]\nguards = { protected = true }\n"))
    names = EphemeralNames.of(loaded)
    assert names.entries == ()
    assert names.whose(Kind.WORKER, "vibechecc-pr-12") is None


def two_templates(name: str) -> LoadedInventory:
    """An inventory with a second template; `name` is its Worker's."""
    second = (
        f'[environments."pr-{{number}}-eu"]\nkind = "ephemeral"\nhost = "pr-{{number}}-eu.{{zone}}"\n'
        f'worker = {{ name = "{name}" }}\nconvex = {{ deploy_key = {{ env = "KEY" }} }}\n\n'
    )
    first = '[environments."pr-{number}"]'
    return inventory((first, f"{second}{first}"))


def test_templates_are_told_apart() -> None:
    """One whose names begin like another's is found by its own."""
    names = EphemeralNames.of(two_templates("{project}-{environment}"))
    assert names.whose(Kind.WORKER, "vibechecc-pr-12-eu") == Whose("pr-12-eu", 12)
    assert names.whose(Kind.WORKER, "vibechecc-pr-12") == Whose("pr-12", 12)
    assert names.whose(Kind.ALERT, "vibechecc-pr-12-eu errors") == Whose("pr-12-eu", 12)


def test_a_name_twice_the_number_has_it_twice() -> None:
    """Both have to be the same."""
    names = EphemeralNames.of(two_templates("{number}-{environment}"))
    assert names.whose(Kind.WORKER, "12-pr-12-eu") == Whose("pr-12-eu", 12)
    assert names.whose(Kind.WORKER, "12-pr-13-eu") is None


def test_a_name_that_changes_otherwise_is_refused() -> None:
    """A project whose own name has the sample's number in it cannot be swept by name."""
    with pytest.raises(ConfigError, match="do not follow from the number alone"):
        EphemeralNames.of(inventory(('name = "vibechecc"', 'name = "vibe9999999"')))
