"""Whose name a value bears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.inventory.load import LoadedInventory
from deployer.review.naming import Naming, naming_of
from tests.support.inventory import inventory

LOADED = inventory()
NUMBERS = st.integers(min_value=1, max_value=9_999_999)


def naming(environment: str, loaded: LoadedInventory = LOADED) -> Naming:
    """The naming of an environment of the inventory."""
    return naming_of(loaded, loaded.environment(environment))


@pytest.mark.parametrize("environment", ["production", "development", "pr-12"])
def test_what_an_environment_is_called_is_its_own(environment: str) -> None:
    """Its Worker, namespaces, buckets and host bear its name, and nobody else's."""
    found, model = naming(environment), LOADED.environment(environment)
    for value in (
        model.worker.name,
        *model.worker.kv.values(),
        *model.worker.r2.values(),
        model.host,
        f"{model.host}/*",
        f"https://{model.host}/",
        f"api.{model.host}",
        f"{model.host}.",
    ):
        assert found.is_own(value), value
        assert found.foreign(value) is None, value


@pytest.mark.parametrize(
    ("environment", "value", "belongs_to"),
    [
        ("pr-12", "vibechecc-pr-1-cache", "pr-1"),
        ("pr-1", "vibechecc-pr-12", "pr-12"),
        ("pr-12", "vibechecc-pr-13-uploads", "pr-13"),
        ("pr-12", "PR-13.vibechecc.app", "pr-13"),
        ("pr-12", "vibechecc-production-cache", "vibechecc-production-cache"),
        ("pr-12", "other-production-cache", "production"),
        ("pr-12", "vibechecc.app", "vibechecc.app"),
        ("pr-12", "vibechecc.app/*", "vibechecc.app"),
        ("pr-12", "*.vibechecc.app/*", "vibechecc.app"),
        ("pr-12", "*vibechecc.app/*", "vibechecc.app"),
        ("pr-12", "dev.vibechecc.app", "dev.vibechecc.app"),
        ("pr-12", "api.dev.vibechecc.app", "dev.vibechecc.app"),
        ("development", "https://vibechecc.app/login", "vibechecc.app"),
        ("development", "pr-7.vibechecc.app", "pr-7"),
        ("production", "dev.vibechecc.app/*", "dev.vibechecc.app"),
        ("production", "vibechecc-development-2", "development"),
        ("production", "polished.brisk-otter-482", None),
        ("production", "brisk-otter-482", "brisk-otter-482"),
        ("development", "Polished-Heron-217", "Polished-Heron-217"),
    ],
)
def test_a_name_of_another_environment_is_found(environment: str, value: str, belongs_to: str | None) -> None:
    """As a whole word, in any case, with or without what is around it; deployments by their whole names."""
    assert naming(environment).foreign(value) == belongs_to


@pytest.mark.parametrize(
    ("environment", "value"),
    [
        # Production's host is the zone itself, in which everybody lives.
        ("development", "dev.vibechecc.app"),
        ("pr-12", "pr-12.vibechecc.app/*"),
        ("pr-12", "static.vibechecc.app"),
        # Parts of words.
        ("development", "reproductions"),
        ("production", "my-developmental-cache"),
        ("production", "spr-1x"),
        ("pr-12", "vibechecc-shared"),
        ("development", "vibechecc.apple.com"),
        ("development", "notvibechecc.app"),
        ("production", "Managed rules"),
    ],
)
def test_what_is_nobodys_is_no_false_alarm(environment: str, value: str) -> None:
    """A zone that all share, and words that only look like a name."""
    assert naming(environment).foreign(value) is None


@given(own=NUMBERS, other=NUMBERS)
def test_numbers_are_never_mixed_up(own: int, other: int) -> None:
    """Whatever two numbers have in common, each environment's things are its own and foreign to the other."""
    one = naming(f"pr-{own}")
    for value in (f"vibechecc-pr-{other}-cache", f"pr-{other}.vibechecc.app", f"pr-{other}"):
        assert one.is_own(value) == (own == other)
        assert (one.foreign(value) is None) == (own == other)


def test_an_environment_whose_name_begins_with_anothers() -> None:
    """The longer name is meant, in both directions."""

    def named(name: str, other: str) -> Naming:
        host = f"{name}.shop.example"
        return Naming(project="shop", zone="shop.example", host=host, name=name, others=frozenset({other}))

    eu, staging = named("eu", "eu-staging"), named("eu-staging", "eu")

    assert eu.foreign("shop-eu-staging-cache") == "eu-staging"
    assert staging.foreign("shop-eu-staging-cache") is None
    assert staging.foreign("shop-eu-cache") == "eu"


def test_a_zone_or_a_project_that_is_called_like_an_environment() -> None:
    """Every value has it in it, so it says nothing."""
    one = Naming(
        project="production-line", zone="production.example", name="dev", host="dev.production.example",
        others=frozenset({"production"}), hosts=frozenset({"www.production.example"}),
    )  # fmt: skip

    assert one.foreign("production-line-dev-cache") is None
    assert one.foreign("dev.production.example/*") is None
    assert one.foreign("production-cache") == "production"
    assert one.foreign("www.production.example") == "www.production.example"


def test_a_host_template_without_the_name() -> None:
    """The number is found where the template has it."""
    one = naming("pr-12", inventory(('host = "pr-{number}.{zone}"', 'host = "x{number}.preview.{zone}"')))

    assert one.is_own("x12.preview.vibechecc.app")
    assert one.foreign("x12.preview.vibechecc.app") is None
    assert one.foreign("x13.preview.vibechecc.app") == "x13.preview.vibechecc.app"
