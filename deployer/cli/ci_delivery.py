"""The tasks `ci.*` that plan, apply and log in: what people do with several commands, as one step of a job.

A plan is made and stored for a commit; whoever applies, in another job, finds it by that commit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from deployer.errors import PlanApplied, PlanChanged, PlanUnusable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.review.manifest import CiRun, Manifest
    from deployer.steps.bundle_store import PlanStore

_CHANGES: Final = "changes"
_NOTE: Final = "made.json"


def plan_commit(session: Session, *, env: str, sandbox: bool, made: str = "") -> int:
    """Plan one environment, store the bundle, and show it where GitHub shows things. Changes are no failure."""
    from deployer.adapters.actions import annotation
    from deployer.adapters.files import write_private
    from deployer.cli.ci_runs import actions_of
    from deployer.cli.plan_runs import PlanWish, pending, plan_all
    from deployer.report.plan_markdown import plan_summary

    if not env or "," in env or "*" in env or env == "all":
        raise UsageError("`ci.plan` plans one environment", hint="`inv plan --env all` plans several")
    actions = actions_of(session)
    event = actions.event()
    asked = sandbox or bool(session.variables.get("GITHUB_TOKEN"))
    number = str(event.number) if event is not None and event.number and asked else ""
    (planned,) = plan_all(session, PlanWish(env=env, sandbox=sandbox, store=True, comment=number, summarized=True))
    if planned.view is not None:
        actions.summary(plan_summary(planned.view, plan=planned.kept))
        if actions.running:
            for finding in planned.view.findings:
                # Those that stop the plan are shown as what the task ends with.
                if finding.severity == "warning":
                    text = f"{finding.rule}: {finding.message} ({finding.where}): {finding.reason}"
                    session.sink.talk(annotation(text, level="warning", place=finding.place))
        if made and planned.kept and planned.digest:
            note = {"plan": planned.kept, "bundle": planned.digest}
            write_private(session.root / made / _NOTE, json.dumps(note) + "\n")
        actions.output("plan", planned.kept or "")
        actions.output(_CHANGES, "true" if pending(planned.view) else "false")
    if planned.error is not None:
        raise planned.error
    return 0


def apply_commit(session: Session, *, env: str, sandbox: bool, made: str = "") -> int:
    """Apply the stored plan of the commit that is checked out; if the world has moved, one that means the same.

    `made` is the folder with the note of the job that planned: whoever else can write to the state bucket cannot write
    there, so that no other bundle is taken for the one that was reviewed.
    """
    from deployer.cli.apply_runs import ApplyWish, apply_plan
    from deployer.cli.reviewer_runs import take_reviews_of_this_run

    if made:
        identifier, bundle = _noted(session.root / made / _NOTE)
    else:
        identifier, bundle = _stored(session, env=env, sandbox=sandbox), ""
    session.sink.talk(f"the plan of this commit: {identifier}")
    take_reviews_of_this_run(session, plan=identifier, sandbox=sandbox)
    try:
        return apply_plan(session, ApplyWish(plan=identifier, env=env, sandbox=sandbox, bundle=bundle))
    except PlanApplied as error:
        # The job was run again.
        session.sink.talk(f"note: {error.message}; nothing is left to do")
        return 0
    except PlanChanged as error:
        session.sink.talk(f"note: {error.message}; planning afresh, to apply it if it means the same")
        return apply_plan(session, ApplyWish(plan=identifier, env=env, sandbox=sandbox, bundle=bundle, replan=True))


def _noted(path: Path) -> tuple[str, str]:
    """Id and digest of the plan that the job before has made."""
    from deployer.adapters.files import read_json
    from deployer.steps.bundle_store import is_id

    found = read_json(path)
    plan, bundle = (found.get("plan"), found.get("bundle")) if isinstance(found, dict) else (None, None)
    if not isinstance(plan, str) or not isinstance(bundle, str) or not is_id(plan) or not bundle:
        raise PlanUnusable(
            "no job of this run has noted which plan it has made",
            place=str(path),
            hint="`inv ci.plan --made FOLDER` notes it",
        )
    return plan, bundle


def _stored(session: Session, *, env: str, sandbox: bool) -> str:
    from deployer.playbooks.credentials import require_credentials
    from deployer.playbooks.plan import run_of
    from deployer.steps.bundle_store import PlanStore

    wiring = _opened(session, env=env, sandbox=sandbox)
    require_credentials(wiring, references={})
    commit = wiring.checkout.revision()
    if commit is None:
        raise UsageError("there is no commit here, so no plan can be of it", place=str(wiring.root))
    name, made = wiring.environment.name, run_of(wiring.target.process_environment)
    found = plan_of(PlanStore(wiring.state_bucket), environment=name, commit=commit, made=made, say=session.sink.talk)
    if found is None:
        raise PlanUnusable(
            f"no stored plan of `{name}` is of commit {commit[:12]}" + (f" and of run {made.run}" if made else ""),
            place=wiring.state_bucket.place("plans/"),
            hint=f"make it: {wiring.named.command('ci.plan') if made else wiring.named.command('plan', '--store')}",
        )
    return found.id


def plan_of(
    store: PlanStore, *, environment: str, commit: str, made: CiRun | None, say: Callable[[str], None]
) -> Manifest | None:
    """The newest plan of a commit; in a job the one of its own run, which is what those who let it pass have seen."""

    def wanted(plan: Manifest) -> bool:
        ours = made is None or (
            plan.run is not None and (plan.run.repository, plan.run.run) == (made.repository, made.run)
        )
        return ours and plan.environment == environment and plan.commit == commit and not plan.dirty

    found = store.newest(1, wanted=wanted, say=say)
    return found[0].manifest if found else None


def _opened(session: Session, *, env: str, sandbox: bool) -> Wiring:
    from deployer.cli.subject import open_run

    return open_run(session, env=env, sandbox=sandbox)


def show_release(session: Session, *, env: str, sandbox: bool) -> int:
    """Print the digest of the release deployed last, for `--release` of `inv e2e` in a job without any rights."""
    from deployer.cli.ci_runs import actions_of
    from deployer.playbooks.e2e import recorded_release

    wiring = _opened(session, env=env, sandbox=sandbox)
    digest = recorded_release(wiring)
    actions_of(session).output("release", digest)
    if session.json:
        session.answer({"release": digest})
    else:
        session.sink.data(digest)
    return 0


def log_in_to_aws(session: Session, *, sandbox: bool) -> int:
    """Turn this job's identity into the AWS role of its environment, for the steps after it."""
    from pathlib import Path

    from deployer.adapters.files import write_private
    from deployer.cli.ci_runs import actions_of
    from deployer.playbooks.federation import REGION, ROLE, SESSION_NAME, TOKEN_FILE, federated

    actions = actions_of(session)
    wiring = _opened(session, env=session.inventory().sample_name(), sandbox=sandbox)
    found = federated(wiring, role=session.variables.get(ROLE, ""))
    folder = session.variables.get("RUNNER_TEMP")
    path = Path(folder) / "aws-identity" if folder else session.work("aws-identity")
    # What it stands for can be had with it for some minutes: nobody else on this machine may read it.
    write_private(path, found.token)
    for name, value in {
        TOKEN_FILE: str(path),
        ROLE: found.role,
        SESSION_NAME: found.session,
        REGION: wiring.loaded.inventory.project.aws_region,
    }.items():
        actions.export(name, value)
    if session.json:
        session.answer({"role": found.role, "subject": found.subject, "until": found.until})
    else:
        session.sink.data(f"{found.role} for {found.subject}, until {found.until}")
    return 0


def show_aws_policies(session: Session, *, env: str) -> int:
    """Print the roles of an environment's jobs, as AWS takes them."""
    from deployer.cli.subject import begin
    from deployer.cli.targets import offline
    from deployer.playbooks.aws_policies import roles_of

    subject = begin(session, env=env, sandbox=False)
    roles = roles_of(subject.wiring(session, offline(session, subject.loaded)))
    if session.json:
        shown = [
            {
                "role": role.name,
                "github_environment": role.github_environment,
                "trust": role.trust,
                "permissions": role.permissions,
            }
            for role in roles
        ]
        session.answer({"roles": shown})
        return 0
    for role in roles:
        for title, policy in (("trust policy", role.trust), ("permissions", role.permissions)):
            session.sink.data(session.sink.paint(f"# {role.name}: {title}", "bold"))
            session.sink.data(json.dumps(policy, indent=2) + "\n")
    return 0
