"""Destroy: remove what deploy made for one environment, in reverse.

    secrets ---+-- terraform hosts --+-- buckets --- terraform site, terraform zone --- worker --+-- state
               +-- convex deployment +-- convex functions --- convex variables ------------------+

Every step looks for what is left, so that an interrupted destroy goes on and a second one has nothing to do.
"""

from __future__ import annotations

from typing import Any

from deployer.engine.playbook import ALWAYS, Playbook
from deployer.engine.step import Step
from deployer.playbooks.deploy import AFTER_WORKER, resolve_secrets
from deployer.playbooks.wiring import Wiring
from deployer.steps.convex import BACKEND
from deployer.steps.convex_removal import ConvexBackendFound, FunctionsWithdrawn, VariablesRemoved
from deployer.steps.removal import BucketsEmptied, StackRemoved, StateRemoved, WorkerRemoved
from deployer.steps.secrets import DEPLOY_KEY


def destroy(wiring: Wiring) -> Playbook:
    """The steps of a destroy. Whether the environment may be destroyed was asked before."""
    environment = wiring.environment
    hosts = [name for name in environment.stacks if name == AFTER_WORKER]
    others = [name for name in environment.stacks if name != AFTER_WORKER]
    off = tuple(f"terraform {name}" for name in hosts) or ("secrets",)
    return Playbook(
        "destroy",
        (
            resolve_secrets(wiring, only=frozenset({DEPLOY_KEY})),
            *(_stack(wiring, name, needs=("secrets",)) for name in hosts),
            *_convex(wiring, needs=off),
            BucketsEmptied(
                name="buckets",
                needs=off,
                tags=frozenset({"buckets", "terraform"}),
                buckets=[wiring.bucket(name) for name in environment.worker.r2.values()],
                allowed=environment.guards.empty_buckets_on_destroy,
                place=f"environments.toml, environment `{environment.name}`",
            ),
            *(_stack(wiring, name, needs=("buckets",)) for name in reversed(others)),
            WorkerRemoved(
                name="worker",
                needs=tuple(f"terraform {name}" for name in environment.stacks),
                tags=frozenset({"worker", "terraform"}),
                cloudflare=wiring.cloudflare,
                worker=environment.worker.name,
                removed=tuple(f"{name}.removed" for name in environment.stacks),
            ),
            StateRemoved(
                name="state",
                needs=("worker", "convex variables"),
                tags=frozenset({"terraform", "state"}),
                bucket=wiring.state_bucket,
                environment=environment.name,
                state_keys=[environment.state_key(name) for name in environment.stacks],
                keep_backups=environment.guards.protected,
            ),
        ),
    )


def _stack(wiring: Wiring, stack: str, *, needs: tuple[str, ...]) -> Step[Any]:
    return StackRemoved(
        name=f"terraform {stack}",
        needs=needs,
        tags=frozenset({"terraform", stack}),
        provides=(f"{stack}.removed",),
        stack=lambda: wiring.stack(stack),
        stack_name=stack,
        state=wiring.state_file(stack),
        recover=wiring.recover_once,
    )


def _convex(wiring: Wiring, *, needs: tuple[str, ...]) -> tuple[Step[Any], ...]:
    environment = wiring.environment
    tags = frozenset({"convex"})
    return (
        ConvexBackendFound(
            name="convex deployment",
            needs=("secrets",),
            tags=tags | {ALWAYS},
            provides=(BACKEND,),
            wishes=environment.convex,
            project=wiring.loaded.inventory.project,
            environment=environment.name,
            control=wiring.convex_control,
            connect=wiring.convex_deployment,
        ),
        FunctionsWithdrawn(
            name="convex functions",
            # Nobody must meet a page whose backend is gone.
            needs=("convex deployment", *needs),
            tags=tags,
            cli=wiring.convex_cli,
            folder=wiring.folder / "convex" / "without-functions",
        ),
        VariablesRemoved(
            name="convex variables",
            needs=("convex functions",),
            tags=tags,
            wishes=environment.convex,
            record=wiring.record,
        ),
    )
