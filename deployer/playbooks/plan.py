"""Plan: what a deploy would do, kept so that it can be reviewed and then applied exactly.

The playbook is the deploy's own, in check mode, with one more step that notes what everything depends on. `compose`
makes the bundle of what the run came to.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets as randomness
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from deployer.adapters.environ import identity
from deployer.engine.change import Action, Change
from deployer.engine.playbook import ALWAYS, Playbook
from deployer.engine.result import RunResult
from deployer.engine.step import Step
from deployer.errors import UsageError
from deployer.inventory import model
from deployer.playbooks.deploy import deploy
from deployer.playbooks.render import named_outputs
from deployer.playbooks.wiring import Wiring
from deployer.review.compare import Snapshot
from deployer.review.digest import meaning_of_all
from deployer.review.manifest import CiRun, Counts, Manifest, Planner, Project, StackState
from deployer.review.risk import needed, risk_of_all
from deployer.review.view import PlannedStep, PlanView
from deployer.steps.ahead import HeadStart
from deployer.steps.bundle import DOCUMENT, PRIVATE, digests_of
from deployer.steps.policy import find_violations
from deployer.steps.reviewing import Kept, PlanKept, Reviewing
from deployer.steps.secrets import Secrets
from deployer.steps.snapshot import SNAPSHOT, SnapshotTaken

# Sections of the inventory that decide what a plan does and what may be done with it.
_SHARED: Final = ("project", "app")
_INDIFFERENT: Final = frozenset({"name", "kind", "number", "aliases", "limits"})


@dataclass
class Noted:
    """What the run saw besides its changes."""

    snapshot: Snapshot | None = None
    planner: Planner | None = None
    secrets: Secrets | None = field(default=None, repr=False)


def plan(
    wiring: Wiring, kept: Reviewing, noted: Noted, *, head_starts: Mapping[str, HeadStart] = MappingProxyType({})
) -> Playbook:
    """The steps of a deploy, and what they depend on. Stacks that were given a head start are planned already."""

    def note(snapshot: Snapshot, secrets: Secrets) -> None:
        noted.snapshot, noted.secrets, noted.planner = snapshot, secrets, _planner(wiring)

    return Playbook("plan", (*deploy(wiring, kept, head_starts=head_starts).steps, snapshot_step(wiring, note=note)))


def snapshot_step(wiring: Wiring, *, note: Callable[[Snapshot, Secrets], None]) -> Step[Any]:
    """The step that looks at everything a plan depends on."""
    inventory, environment = wiring.loaded.inventory, wiring.environment
    sections = {
        **{name: getattr(inventory, name).model_dump(mode="json") for name in _SHARED},
        **environment.model_dump(mode="json", exclude=set(_INDIFFERENT)),
    }
    return SnapshotTaken(
        name=SNAPSHOT,
        needs=("guards",),
        tags=frozenset({ALWAYS}),
        provides=(SNAPSHOT,),
        project=project_of(inventory.project),
        environment=environment.name,
        target=wiring.target.name,
        checkout=wiring.checkout,
        application=wiring.application,
        versions=lambda: {"terraform": wiring.terraform.version, "node": wiring.node.version},
        rendered=lambda: _rendered(wiring),
        inventory=sections,
        stacks=environment.stacks,
        cloudflare=wiring.cloudflare,
        worker=environment.worker.name,
        note=note,
    )


def project_of(project: model.Project) -> Project:
    """Which infrastructure this checkout describes."""
    return Project(
        name=project.name, account_id=project.account_id, zone=project.zone, state_bucket=project.state_bucket
    )


def _planner(wiring: Wiring) -> Planner:
    """Whoever plans, under all names that are known."""
    account = wiring.target.process_environment.get("GITHUB_ACTOR")
    return Planner(who=identity(), email=wiring.checkout.author(), account=account)


def run_of(variables: Mapping[str, str]) -> CiRun | None:
    """The run of a workflow that this is."""
    run, repository = variables.get("GITHUB_RUN_ID"), variables.get("GITHUB_REPOSITORY")
    if not run or not repository:
        return None
    return CiRun(repository=repository, run=run, attempt=variables.get("GITHUB_RUN_ATTEMPT") or "1")


def _rendered(wiring: Wiring) -> dict[str, str]:
    files = {}
    for stack in wiring.environment.stacks:
        files[f"{stack}.tfbackend"] = wiring.render_backend(stack)
        files[f"{stack}.tfvars.json"] = wiring.render_variables(stack)
    return {**files, "wrangler.json": wiring.render_wrangler(named_outputs(wiring))}


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A plan that can be shown, and the files of its bundle but for the renderings."""

    view: PlanView
    private: Mapping[str, bytes] = field(repr=False)
    secrets: Secrets = field(repr=False)


def planned_steps(result: RunResult) -> tuple[PlannedStep, ...]:
    """The steps that would do something."""
    return tuple(PlannedStep(name=step.name, changes=tuple(step.changes)) for step in result.results if step.changes)


def compose(wiring: Wiring, *, result: RunResult, kept: PlanKept, noted: Noted, settings: Sequence[str]) -> Composed:
    """The plan of a run that ended well. Nothing is written yet."""
    for setting in settings:
        if wiring.redactor.text(setting) != setting:
            raise UsageError(
                f"`--set {setting.partition('=')[0]}` has the value of a secret, and a bundle shows what was set",
                hint="name it in `worker.secrets` or `convex.secrets` of environments.toml",
            )
    assert noted.snapshot is not None
    assert noted.secrets is not None
    assert noted.planner is not None
    steps = planned_steps(result)
    digest = meaning_of_all(steps)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    snapshot, environment = noted.snapshot, wiring.environment
    changes = [change for step in steps for change in step.changes]
    risk = risk_of_all(changes)
    manifest = Manifest(
        id=f"{environment.name}-{now:%Y%m%dT%H%M%SZ}-{digest[:8]}{randomness.token_hex(2)}",
        project=snapshot.project,
        environment=environment.name,
        kind=environment.kind,
        target=wiring.target.name,
        commit=snapshot.commit,
        dirty=snapshot.dirty,
        settings=tuple(settings),
        created=now,
        expires=now + dt.timedelta(minutes=environment.plan.valid_minutes),
        planner=noted.planner,
        run=run_of(wiring.target.process_environment),
        tools=snapshot.tools,
        locks=snapshot.locks,
        inputs=snapshot.inputs,
        stacks={name: _stack_state(kept.stacks[name]) for name in environment.stacks},
        live=snapshot.live,
        secrets=snapshot.secrets,
        digest=digest,
        risk=risk,
        needed=needed(risk, environment.approvals),
        counts=_counts(changes, kept),
        files={},
    )
    shown = {name: stack.plan.shown for name, stack in kept.stacks.items()}
    view = PlanView(
        manifest=manifest,
        steps=steps,
        findings=find_violations(wiring.loaded, environment, shown=shown, changes=changes),
        needed=needed(risk, environment.approvals),
    ).masked(wiring.redactor.text)
    return Composed(view=view, private=_private(kept), secrets=noted.secrets)


def _stack_state(kept: Kept) -> StackState:
    stamp = kept.stamp
    return StackState(
        saved=kept.saved, serial=stamp.serial if stamp else None, lineage=stamp.lineage if stamp else None
    )


def _counts(changes: Sequence[Change], kept: PlanKept) -> Counts:
    counted = {
        action.value: sum(1 for change in changes if change.action is action and not change.local) for action in Action
    }
    unchanged = sum(stack.unchanged for stack in kept.stacks.values())
    return Counts(**counted, unchanged=unchanged)


def _private(kept: PlanKept) -> dict[str, bytes]:
    """Saved plans and what Terraform says of them: both can hold values of the states."""
    files = {}
    for name, stack in kept.stacks.items():
        files[f"{PRIVATE}/{name}.json"] = json.dumps(stack.plan.shown, sort_keys=True).encode()
        if stack.saved and stack.plan.file is not None:
            files[f"{PRIVATE}/{name}.tfplan"] = stack.plan.file.read_bytes()
    return files


def bundle_files(composed: Composed, *, plan: str, link: str | None) -> tuple[Manifest, dict[str, bytes]]:
    """The sealed manifest and all other files of the bundle; `plan` is what `--plan` will take."""
    # Only a bundle wants every rendering.
    from deployer.report.plan_document import plan_document
    from deployer.report.plan_markdown import plan_markdown, plan_summary
    from deployer.report.plan_text import plan_lines

    view = composed.view
    files = {
        DOCUMENT: json.dumps(plan_document(view), indent=1, ensure_ascii=False).encode(),
        # The whole, to which the Markdown refers where it has no room.
        "plan.txt": "\n".join((*plan_lines(view, plan=plan, diff=True), "")).encode(),
        "plan.md": plan_markdown(view, full=link, plan=plan).encode(),
        "summary.md": plan_summary(view, full=link, plan=plan).encode(),
        **composed.private,
    }
    manifest = view.manifest.model_copy(update={"files": digests_of(files)})
    return manifest.sealed(composed.secrets.fingerprint), files
