"""Deploy: make one environment what the inventory says.

    secrets -- guards --+-- state bucket --+-- terraform zone, terraform site ----+
                        +-- convex --------+-- convex variables --- functions ----+-- worker -- terraform hosts -- proof
                            deployment     +-- app build -------------------------+

Order follows from needs alone: the build runs beside Terraform and the push, since it only needs an address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from deployer.adapters.terraform import Plan
from deployer.engine.change import Change
from deployer.engine.playbook import ALWAYS, Playbook
from deployer.engine.step import Step
from deployer.playbooks.credentials import require_credentials
from deployer.playbooks.render import named_outputs, remember_outputs
from deployer.playbooks.wiring import Wiring
from deployer.steps.ahead import Ahead, HeadStart
from deployer.steps.app import BUILD, AppBuild
from deployer.steps.convex import BACKEND, ConvexBackend, ConvexFunctions, ConvexVariables
from deployer.steps.guards import DeployGuards
from deployer.steps.policy import find_violations, refuse_violations
from deployer.steps.proof import Proof
from deployer.steps.reviewing import Reviewing
from deployer.steps.secrets import VALUE, ResolveSecrets
from deployer.steps.state_bucket import STATE_BUCKET, StateBucket
from deployer.steps.terraform import TerraformStack
from deployer.steps.worker import RELEASE, WorkerRelease

# The stack that attaches hosts to the Worker: Cloudflare refuses that (code 10013) until the Worker has a version.
AFTER_WORKER: Final = "hosts"
SEED: Final = "convex seed"


def deploy(
    wiring: Wiring, review: Reviewing | None = None, *, head_starts: Mapping[str, HeadStart] = MappingProxyType({})
) -> Playbook:
    """The steps of a deploy; `review` keeps the stacks' plans, or gives those that were reviewed."""
    stacks = wiring.environment.stacks
    ahead: dict[str, Ahead] = {name: Ahead(partial(_first_plan, wiring, name)) for name in stacks}
    before = [name for name in stacks if name != AFTER_WORKER]
    after = [name for name in stacks if name == AFTER_WORKER]
    stack = partial(_stack, wiring, ahead, head_starts, review or Reviewing())
    filled = (SEED,) if wiring.environment.convex.seed else ()
    ready = ("worker", *(f"terraform {name}" for name in stacks), "convex functions", *filled)
    return Playbook(
        "deploy",
        (
            resolve_secrets(wiring),
            _guards(wiring, host=wiring.environment.host if after else None),
            StateBucket(
                name=STATE_BUCKET,
                needs=("guards",),
                tags=frozenset({"terraform", "state"}),
                # Terraform has read the state by the time of this turn, and nobody needs to look.
                early=not head_starts,
                bucket=wiring.state_bucket,
                location=wiring.loaded.inventory.project.location,
            ),
            *(stack(name, needs=(STATE_BUCKET,), begins=after) for name in before),
            *_convex(wiring),
            _build(wiring),
            _worker(wiring, before),
            *(stack(name, needs=(STATE_BUCKET, "worker")) for name in after),
            _proof(wiring, needs=ready),
        ),
    )


def resolve_secrets(wiring: Wiring, *, only: frozenset[str] | None = None) -> Step[Any]:
    """The step before all others: credentials and secrets (or those in `only`) are there, or nothing is touched."""
    references = {label: ref for label, ref in wiring.references.items() if only is None or label in only}
    return ResolveSecrets(
        name="secrets",
        tags=frozenset({ALWAYS, "secrets"}),
        provides=(VALUE,),
        references=references,
        check_credentials=lambda: require_credentials(wiring, references=references),
        manager=lambda: wiring.secrets_manager,
        environment=wiring.target.credentials,
        places=wiring.secret_places,
        redactor=wiring.redactor,
    )


def _guards(wiring: Wiring, *, host: str | None) -> Step[Any]:
    return DeployGuards(
        name="guards",
        needs=("secrets",),
        tags=frozenset({ALWAYS, "guards"}),
        application=wiring.application,
        holdings=wiring.holdings,
        cloudflare=wiring.cloudflare,
        worker=wiring.environment.worker.name,
        host=host,
        place=f"environments.toml, environment `{wiring.environment.name}`",
    )


def _permit(wiring: Wiring, stack: str, plan: Plan, changes: Sequence[Change]) -> None:
    """A deploy plans and applies in one run: what no plan may do, it may not do either."""
    shown = {stack: plan.shown}
    refuse_violations(
        find_violations(wiring.loaded, wiring.environment, shown=shown, changes=changes),
        named=wiring.named,
    )


def _unasked(_stack: str, _plan: Plan, _changes: Sequence[Change]) -> None:
    """A review looks at the plan as a whole."""


def _first_plan(wiring: Wiring, stack: str) -> Plan:
    return wiring.stack(stack).plan(details=True)


def _stack(
    wiring: Wiring,
    ahead: Mapping[str, Ahead],
    head_starts: Mapping[str, HeadStart],
    review: Reviewing,
    stack: str,
    *,
    needs: tuple[str, ...],
    begins: Sequence[str] = (),
) -> Step[Any]:
    return TerraformStack(
        name=f"terraform {stack}",
        needs=needs,
        tags=frozenset({"terraform", stack}),
        provides=(f"{stack}.outputs",),
        # Its variables come from the inventory alone, so that it can be planned beside what it needs.
        early=True,
        stack=lambda: wiring.stack(stack),
        stack_name=stack,
        state=wiring.state_file(stack),
        permit=_unasked if review.judged else partial(_permit, wiring),
        adoption=wiring.adoption(stack),
        recover=wiring.recover_once,
        ahead=ahead[stack],
        head_start=head_starts.get(stack),
        review=review,
        tolerated=wiring.tolerated,
        begins=tuple(ahead[name] for name in begins),
    )


def _convex(wiring: Wiring) -> tuple[Step[Any], ...]:
    environment = wiring.environment
    tags = frozenset({"convex"})
    return (
        ConvexBackend(
            name="convex deployment",
            # The state bucket keeps the ledger: nothing changes before this run is in it.
            needs=("guards", STATE_BUCKET),
            tags=tags,
            provides=(BACKEND,),
            wishes=environment.convex,
            project=wiring.loaded.inventory.project,
            environment=environment.name,
            control=wiring.convex_control,
            connect=wiring.convex_deployment,
        ),
        ConvexVariables(
            name="convex variables",
            # The state bucket keeps the record of what was set.
            needs=("convex deployment", STATE_BUCKET),
            tags=tags,
            wishes=environment.convex,
            record=wiring.record,
        ),
        ConvexFunctions(
            name="convex functions",
            needs=("convex variables",),
            tags=tags,
            application=wiring.application,
            record=wiring.record,
            cli=wiring.convex_cli,
        ),
        *_seed(wiring),
    )


def _seed(wiring: Wiring) -> tuple[Step[Any], ...]:
    function = wiring.environment.convex.seed
    if function is None:
        return ()
    from deployer.steps.convex_preview import SeedRun  # few environments have one, and each plan would load it

    tags = frozenset({"convex"})
    return (SeedRun(name=SEED, needs=("convex functions",), tags=tags, function=function, record=wiring.record),)


def _build(wiring: Wiring) -> Step[Any]:
    return AppBuild(
        name="app build",
        # The state bucket keeps the record of what the live Worker was built from.
        needs=("convex deployment", STATE_BUCKET),
        tags=frozenset({"app", "worker"}),
        provides=(BUILD,),
        application=wiring.application,
        record=wiring.record,
        cloudflare=wiring.cloudflare,
        worker=wiring.environment.worker.name,
    )


def _worker(wiring: Wiring, stacks: Sequence[str]) -> Step[Any]:
    return WorkerRelease(
        name="worker",
        # A new Worker must not meet an old backend.
        needs=("app build", "convex functions", *(f"terraform {stack}" for stack in stacks)),
        tags=frozenset({"worker"}),
        provides=(RELEASE,),
        worker=wiring.environment.worker.name,
        environment=wiring.environment.name,
        application=wiring.application,
        render=wiring.render_wrangler,
        render_names=lambda: wiring.render_wrangler(named_outputs(wiring)),
        outputs=tuple(f"{stack}.outputs" for stack in stacks),
        cloudflare=wiring.cloudflare,
        wrangler=wiring.wrangler,
        record=wiring.record,
        remember=lambda outputs: remember_outputs(wiring, outputs),
    )


def _proof(wiring: Wiring, *, needs: tuple[str, ...]) -> Step[Any]:
    base, headers = wiring.target.reach(wiring.environment.host)
    return Proof(
        name="proof",
        needs=needs,
        tags=frozenset({"proof"}),
        http=wiring.http,
        base=base,
        headers=headers,
        url=wiring.target.public_url(wiring.environment.host),
        health=wiring.loaded.inventory.app.health,
        seconds=float(wiring.environment.limits.proof_seconds),
    )
