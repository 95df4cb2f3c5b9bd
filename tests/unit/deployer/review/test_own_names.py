"""Every name of an ephemeral environment is its own, checked for the very number that is to be made."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from deployer.inventory.names import LARGEST_NUMBER
from deployer.review.own_names import refuse_foreign_names, things_of
from tests.support.inventory import inventory

DEVELOPMENT = "[environments.development]\n"


@pytest.mark.parametrize("number", [1, 12, 13, 123, LARGEST_NUMBER])
def test_the_repositorys_own_names_are_theirs(number: int) -> None:
    """Whatever the number."""
    loaded = inventory()
    environment = loaded.environment(f"pr-{number}")
    refuse_foreign_names(loaded, environment)

    assert all(f"pr-{number}" in name for _, name in things_of(environment))


def test_only_the_number_that_collides_is_refused() -> None:
    """pr-12 is somebody's host; pr-1 and pr-123 are nobody's."""
    loaded = inventory(('host = "dev.{zone}"', 'host = "pr-12.{zone}"'))
    for number in (1, 2, 13, 121, 123):
        refuse_foreign_names(loaded, loaded.environment(f"pr-{number}"))
    with pytest.raises(ConfigError, match=r"host `pr-12\.vibechecc\.app` of `pr-12` belongs to `development`"):
        refuse_foreign_names(loaded, loaded.environment("pr-12"))


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('worker = { name = "vibechecc-pr-12" }', "Worker"),
        ('worker = { kv = { CACHE = "vibechecc-pr-12-cache" } }', "KV namespace"),
        ('worker = { r2 = { UPLOADS = "vibechecc-pr-12-uploads" } }', "R2 bucket"),
    ],
)
def test_things_of_a_written_out_environment(table: str, what: str) -> None:
    """Named like one of this number."""
    loaded = inventory((DEVELOPMENT, f"{DEVELOPMENT}{table}\n"))
    with pytest.raises(ConfigError, match=f"{what} .* belongs to `development` as well"):
        refuse_foreign_names(loaded, loaded.environment("pr-12"))
    refuse_foreign_names(loaded, loaded.environment("pr-13"))


def test_two_templates_that_make_one_name() -> None:
    """`pr-{number}` with 12 is `pr-1{number}` with 2."""
    other = '[environments."pr-1{number}"]\nkind = "ephemeral"\nhost = "p{number}.{zone}"\n'
    key = 'convex = { deploy_key = { env = "CONVEX_PREVIEW_DEPLOY_KEY" } }\n\n'
    loaded = inventory((DEVELOPMENT, other + key + DEVELOPMENT))

    with pytest.raises(ConfigError, match="as well"):
        refuse_foreign_names(loaded, loaded.environment("pr-12"))
    refuse_foreign_names(loaded, loaded.environment("pr-2"))


def test_a_name_without_the_environments() -> None:
    """The number alone is not enough: `vibechecc-12` could be anybody's."""
    loaded = inventory(
        ('[environments."pr-{number}"] ', '[environments."pr-{number}"] \nworker = { name = "{project}-x{number}" } ')
    )
    with pytest.raises(ConfigError, match="does not bear the name `pr-12`"):
        refuse_foreign_names(loaded, loaded.environment("pr-12"))


def test_a_host_that_is_too_long() -> None:
    """DNS has a limit for each part of a name; the inventory checks it with the largest number."""
    for length, fits in ((63 - len("-pr-9999999"), True), (64 - len("-pr-9999999"), False)):
        change = ('host = "pr-{number}.{zone}"', f'host = "{"x" * length}-pr-{{number}}.{{zone}}"')
        if fits:
            refuse_foreign_names(inventory(change), inventory(change).environment("pr-12"))
        else:
            with pytest.raises(ConfigError, match="host"):
                inventory(change)
