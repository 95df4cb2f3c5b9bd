"""Destroy: remove what deploy made for one environment, in reverse.

    secrets -- guards --+-- terraform hosts --+-- buckets --- terraform site, terraform zone --- worker --+-- state
                        +-- convex deployment +-- convex functions --- convex variables ------------------+

Every step looks for what is left, so that an interrupted destroy goes on and a second one has nothing to do. The stack
of the zone stays unless the inventory says otherwise: every host of the domain, of other environments too, needs it.
"""

from __future__ import annotations

from typing import Any, Final

from deployer.adapters.convex import ConvexManagement
from deployer.engine.playbook import ALWAYS, Playbook
from deployer.engine.step import Step
from deployer.playbooks.deploy import AFTER_WORKER, resolve_secrets
from deployer.playbooks.wiring import Wiring
from deployer.steps.convex import BACKEND
from deployer.steps.convex_preview import PreviewDeleted
from deployer.steps.convex_removal import ConvexBackendFound, FunctionsWithdrawn, VariablesRemoved
from deployer.steps.guards import DestroyGuards
from deployer.steps.removal import BucketsEmptied, StackKept, StackRemoved, StateRemoved, WorkerRemoved
from deployer.steps.secrets import COPY_KEY, DEPLOY_KEY

# The stack that manages what all environments of the domain share.
SHARED: Final = "zone"
# In a step's name, so that the recap says it.
_STAYS: Final = " (stays)"


def destroy(wiring: Wiring, management: ConvexManagement | None = None) -> Playbook:
    """The steps of a destroy. Whether the environment may be destroyed was asked before.

    With `management` its Convex preview is deleted, instead of being left empty for Convex to let it go.
    """
    environment = wiring.environment
    hosts = [name for name in environment.stacks if name == AFTER_WORKER]
    kept = frozenset() if environment.guards.destroy_zone else frozenset({SHARED}) & set(environment.stacks)
    others = [name for name in environment.stacks if name != AFTER_WORKER]
    off = tuple(f"terraform {name}" for name in hosts) or ("guards",)
    stacks = tuple(f"terraform {name}{_STAYS if name in kept else ''}" for name in environment.stacks)
    convex = (_preview(wiring, management, needs=off),) if management else _convex(wiring, needs=off)
    return Playbook(
        "destroy",
        (
            resolve_secrets(wiring, only=frozenset({COPY_KEY} if management else {DEPLOY_KEY, COPY_KEY})),
            _guards(wiring),
            *(_stack(wiring, name, needs=("guards",)) for name in hosts),
            *convex,
            BucketsEmptied(
                name="buckets",
                needs=off,
                tags=frozenset({"buckets", "terraform"}),
                holdings=wiring.holdings,
                bucket=wiring.bucket,
            ),
            *(
                _kept(wiring, name) if name in kept else _stack(wiring, name, needs=("buckets",))
                for name in reversed(others)
            ),
            WorkerRemoved(
                name="worker",
                needs=stacks,
                tags=frozenset({"worker", "terraform"}),
                cloudflare=wiring.cloudflare,
                worker=environment.worker.name,
                record=wiring.record,
                marks=frozenset({f"environment:{environment.name}", f"project:{wiring.loaded.inventory.project.name}"}),
                removed=tuple(f"{name}.removed" for name in environment.stacks),
            ),
            StateRemoved(
                name="state",
                needs=("worker", convex[-1].name),
                tags=frozenset({"terraform", "state"}),
                holdings=wiring.holdings,
                kept=kept,
                keep_copies=environment.guards.protected,
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
        adoption=wiring.adoption(stack),
        recover=wiring.recover_once,
    )


def _guards(wiring: Wiring) -> Step[Any]:
    environment = wiring.environment
    return DestroyGuards(
        name="guards",
        needs=("secrets",),
        tags=frozenset({ALWAYS, "guards"}),
        holdings=wiring.holdings,
        stacks=environment.stacks,
        known_stacks=[folder.name for folder in (wiring.root / "terraform" / "roots").glob("*/")],
        bucket=wiring.bucket,
        may_empty=environment.guards.empty_buckets_on_destroy,
        states=[wiring.state_file(stack) for stack in environment.stacks],
        place=f"environments.toml, environment `{environment.name}`",
    )


def _kept(wiring: Wiring, stack: str) -> Step[Any]:
    return StackKept(
        name=f"terraform {stack}{_STAYS}",
        needs=("guards",),
        tags=frozenset({"terraform", stack}),
        provides=(f"{stack}.removed",),
        state=wiring.state_file(stack),
        stack_name=stack,
        why="stays, all hosts of the domain need it; guards.destroy_zone = true lets destroy remove it",
    )


def _preview(wiring: Wiring, management: ConvexManagement, *, needs: tuple[str, ...]) -> Step[Any]:
    return PreviewDeleted(
        name="convex preview",
        needs=needs,
        tags=frozenset({"convex"}),
        management=management,
        preview=wiring.environment.name,
    )


def _convex(wiring: Wiring, *, needs: tuple[str, ...]) -> tuple[Step[Any], ...]:
    environment = wiring.environment
    tags = frozenset({"convex"})
    return (
        ConvexBackendFound(
            name="convex deployment",
            needs=("guards",),
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
            record=wiring.record,
        ),
    )
