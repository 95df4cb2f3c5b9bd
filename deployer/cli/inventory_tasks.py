"""Tasks that read the inventory and touch nothing: config, envs, schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, SET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.session import Session


@command("config", help={"env": ENV, "set": SET, "key": "show only keys that begin so, e.g. worker"}, lists=("set_",))
def config(
    session: Session,
    *,
    env: str = "",
    key: str = "",
    set_: Sequence[str] | None = None,
    json: bool = False,
    color: bool = True,
) -> int:
    """Print effective values and where each came from.

    Later wins: defaults, then the kind, then the environment, then --set.

      inv config --env dev
      inv config --env pr-12 --key worker.kv
      inv config --env production --json
    """
    from deployer.cli.inventory_views import show_config

    return show_config(session, env=env, key=key, settings=tuple(set_ or ()))


@command("envs")
def envs(session: Session, *, json: bool = False, color: bool = True) -> int:
    """List the environments: kind, host, stacks, guard rails."""
    from deployer.cli.inventory_views import show_environments

    return show_environments(session)


@command("schema", help={"check": "fail if a schema is not what the models say; write nothing"})
def schema(session: Session, *, check: bool = False, color: bool = True) -> int:
    """Write the JSON Schemas: of environments.toml, of plans.

    By environments.schema.json editors complete and check environments.toml; those in docs/schemas are for programs
    that read plans. All are made from the models in deployer/inventory and deployer/review.
    """
    from deployer.cli.inventory_views import write_schema

    return write_schema(session, check=check)


TASKS: Final = (config, envs, schema)
