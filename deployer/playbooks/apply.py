"""Apply: a deploy that does exactly what was reviewed, or nothing.

    secrets -- guards -- snapshot -- reviewed plan -- every step of a deploy, each held to its reviewed changes

Stacks are applied from the plans that Terraform saved. One whose state was moved by a run of this same plan that was
cut off is planned afresh, and only what is left of the reviewed changes passes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployer.adapters.files import write_private_bytes
from deployer.adapters.terraform import Plan, planned_changes, planned_outputs
from deployer.engine.playbook import ALWAYS, Playbook
from deployer.engine.step import Step
from deployer.inventory import model as inventory
from deployer.playbooks.deploy import deploy
from deployer.playbooks.plan import project_of, snapshot_step
from deployer.playbooks.wiring import Wiring
from deployer.review.compare import misplaced
from deployer.review.manifest import Manifest, StackState
from deployer.steps.bundle import Bundle
from deployer.steps.reviewed import VERIFIED, PlanVerified, Reviewed, refuse, untimely
from deployer.steps.reviewing import Kept, PlanGiven, StateStamp
from deployer.steps.snapshot import SNAPSHOT
from deployer.words import Named

# What comes before the plan is verified; these steps change nothing.
_BEFORE: Final = frozenset({"secrets", "guards", SNAPSHOT, VERIFIED})


@dataclass(frozen=True, kw_only=True)
class Applying:
    """How a bundle is applied: `begun` tells whether a run of it was cut off, `permits` raise what forbids it."""

    bundle: Bundle
    begun: Callable[[], bool]
    permits: Sequence[Callable[[], None]]
    writer: Callable[[str], str]
    # What a run of it that was cut off said it had left; empty if it could not.
    left: Callable[[], Mapping[str, Any]]


def given_plans(wiring: Wiring, bundle: Bundle, *, replan: bool) -> PlanGiven:
    """The plans of a bundle, for the look before an apply and for the apply."""
    stacks = bundle.manifest.stacks
    again = plan_again(bundle.manifest)
    return PlanGiven({name: _given(wiring, bundle, name, state) for name, state in stacks.items()}, replan, again)


def apply(wiring: Wiring, wanted: Applying, given: PlanGiven) -> Playbook:
    """The steps of an apply; in check mode the look before it, which finds whatever would be refused half-way."""
    manifest = wanted.bundle.manifest
    again = plan_again(manifest)
    verified = PlanVerified(
        name=VERIFIED,
        needs=("guards", SNAPSHOT),
        tags=frozenset({ALWAYS}),
        manifest=manifest,
        replan=given.replan,
        begun=wanted.begun,
        stamps={name: wiring.state_file(name).stamp for name in manifest.stacks},
        writer=wanted.writer,
        left=wanted.left,
        permits=wanted.permits,
        now=lambda: dt.datetime.now(dt.UTC),
        again=again,
    )
    reviewed = {step.name: step.changes for step in wanted.bundle.steps}

    def held(step: Step[Any]) -> Step[Any]:
        if step.name in _BEFORE:
            return step
        return Reviewed(
            name=step.name,
            needs=(*step.needs, VERIFIED),
            tags=step.tags,
            provides=tuple(step.provides),
            early=step.early,
            inner=step,
            reviewed=reviewed.get(step.name, ()),
            all_of_them=lambda: not wanted.begun(),
            plan=manifest.id,
            again=again,
        )

    steps = deploy(wiring, given).steps
    snapshot = snapshot_step(wiring, note=lambda _snapshot, _secrets: None)
    return Playbook("apply", (*(held(step) for step in steps), snapshot, verified))


def _given(wiring: Wiring, bundle: Bundle, name: str, state: StackState) -> Kept:
    """A stack's plan out of the bundle. Terraform gets a copy: applying uses it up."""
    shown = bundle.plan_json(name)
    file = None
    if state.saved:
        file = wiring.folder / "terraform" / name / "reviewed.tfplan"
        write_private_bytes(file, bundle.saved_plan(name))
    changed = tuple(
        output for output, change in shown.get("output_changes", {}).items() if change["actions"] != ["no-op"]
    )
    plan = Plan(tuple(planned_changes(shown)), changed, planned_outputs(shown), file, shown)
    stamp = None
    if state.serial is not None and state.lineage is not None:
        stamp = StateStamp(serial=state.serial, lineage=state.lineage)
    return Kept(plan=plan, stamp=stamp, saved=state.saved)


def refuse_elsewhere(
    manifest: Manifest, project: inventory.Project, *, environment: str, target: str, now: dt.datetime
) -> None:
    """Refuse, before anything is asked of anybody, a plan that is not for here and now."""
    found = [
        *untimely(manifest, now),
        *misplaced(manifest, project_of(project), environment=environment, target=target),
    ]
    refuse(manifest, found, again=plan_again(manifest))


def plan_again(manifest: Manifest) -> str:
    """The command that plans anew what this plan was for."""
    return Named(manifest.environment, manifest.target).bare("plan")
