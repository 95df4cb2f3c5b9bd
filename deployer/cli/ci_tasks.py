"""Tasks that the workflows call: they read the event and the environment of the job; on a laptop flags say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.event_names import EVENTS
from deployer.cli.flags import ENV, SANDBOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.session import Session

_BASE: Final = "commit with which this one is compared; by default the event's, else origin/main"


@command("ci.affected", help={"base": _BASE})
def affected(session: Session, *, base: str = "", json: bool = False, color: bool = True) -> int:
    """Say which environments a change can affect.

    By the tables [ci.paths] of the inventory. In a workflow its outputs are the lists of environments that are planned
    (`plan`), that change by a plan (`apply`), and of which only the application changes (`convex`, `worker`).

      inv ci.affected                  what this branch can affect
      inv ci.affected --base HEAD~1    what the last commit can affect
    """
    from deployer.cli.ci_runs import show_affected

    return show_affected(session, base=base)


@command("ci.config", help={"base": _BASE})
def config(session: Session, *, base: str = "", json: bool = False, color: bool = True) -> int:
    """Show what a change means for the configuration.

    Compares the effective values of all environments; asks no service and needs no credential. It is all that the
    pull request of a fork is shown.
    """
    from deployer.cli.ci_config import show_config

    return show_config(session, base=base)


@command(
    "ci.preview",
    help={"number": "decide for this pull request, as if a person asked for its environment", "sandbox": SANDBOX},
)
def preview(
    session: Session, *, number: str = "", sandbox: bool = False, json: bool = False, color: bool = True
) -> int:
    """Decide whether a pull request gets an environment.

    By [ci.previews] of the inventory. A fork's gets none; for a comment GitHub is asked whether it is one.
    """
    from deployer.cli.ci_runs import decide_preview

    return decide_preview(session, sandbox=sandbox, number=number)


@command(
    "ci.gate",
    help={
        "may_skip": "jobs that may be left out, with commas",
        "when": "only where this output of a job has this value, e.g. ci-preview.wanted=false",
    },
)
def gate(session: Session, *, may_skip: str = "", when: str = "", json: bool = False, color: bool = True) -> int:
    """Say whether a workflow went well.

    All jobs that the variable NEEDS tells of have succeeded, and only those were skipped that may be, for the reason
    that a job before them gave. It is the one job that a branch rule has to require.

      NEEDS='{"nox": {"result": "success"}}' inv ci.gate
    """
    from deployer.cli.ci_runs import judge

    return judge(session, may_skip=may_skip, when=when)


@command(
    "ci.plan",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "made": "folder for a note of which plan this is, for `ci.apply` in another job",
    },
)
def plan(
    session: Session, *, env: str = "", sandbox: bool = False, made: str = "", json: bool = False, color: bool = True
) -> int:
    """Plan one environment for a commit.

    Like `inv plan --store`; changes are no failure here. In a workflow the plan is also the job's summary, and one
    comment on the pull request for each environment, kept up to date in place.
    """
    from deployer.cli.ci_delivery import plan_commit

    return plan_commit(session, env=env, sandbox=sandbox, made=made)


@command(
    "ci.plan-comments",
    help={"number": "number of the pull request; by default the event's", "base": _BASE, "sandbox": SANDBOX},
)
def plan_comments(
    session: Session, *, number: str = "", base: str = "", sandbox: bool = False, json: bool = False, color: bool = True
) -> int:
    """Say which plan on a pull request is an older commit's.

    An environment that the commit does not affect is not planned: if a comment shows a plan of it, the comment then
    says that it was for an older commit, and that this one changes nothing there. No comment is begun.

      inv ci.plan-comments --number 12
    """
    from deployer.cli.plan_comments import outdate

    return outdate(session, number=number, base=base, sandbox=sandbox)


@command(
    "ci.apply",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "made": "folder with the note of `ci.plan`: that very plan, and no other that lies in the bucket",
    },
)
def apply(
    session: Session, *, env: str = "", sandbox: bool = False, made: str = "", json: bool = False, color: bool = True
) -> int:
    """Apply the stored plan of this commit.

    Like `inv apply` with the newest plan that `ci.plan` has stored of the commit that is checked out. If the world has
    moved since, it is planned afresh and goes on only if that means the same.
    """
    from deployer.cli.ci_delivery import apply_commit

    return apply_commit(session, env=env, sandbox=sandbox, made=made)


@command("ci.release", help={"env": ENV, "sandbox": SANDBOX})
def release(session: Session, *, env: str = "", sandbox: bool = False, json: bool = False, color: bool = True) -> int:
    """Print the digest of the release that is live.

    As the ledger has it; `inv e2e` waits for it in a job that may read no ledger.
    """
    from deployer.cli.ci_delivery import show_release

    return show_release(session, env=env, sandbox=sandbox)


@command("ci.aws-login", help={"sandbox": SANDBOX})
def aws_login(session: Session, *, sandbox: bool = False, json: bool = False, color: bool = True) -> int:
    """Take the AWS role of the job's environment.

    With the identity that GitHub gives a job (`id-token: write`), for the role in AWS_ROLE_ARN. It is tried at once;
    the later steps of the job find it through AWS_WEB_IDENTITY_TOKEN_FILE. No key is kept anywhere.
    """
    from deployer.cli.ci_delivery import log_in_to_aws

    return log_in_to_aws(session, sandbox=sandbox)


@command(
    "ci.run",
    help={
        "workflow": "its name, e.g. pr-environment",
        "event": f"one of {', '.join(EVENTS)}",
        "rerun": "run this run again, by its id: as the next attempt, with the event that it was sent",
        "number": "number of the pull request",
        "label": "the label that was put on",
        "comment": "what somebody wrote",
        "base": "commit with which this one is compared; by default the one before",
        "input": "name=value of a form that a person fills in; may be repeated",
        "job": "only this job, and those that it needs",
        "matrix": "only this part of a matrix, e.g. session:lint",
        "approve": "review whatever waits for one as this person, who must be a reviewer there",
        "patience": "how long a job waits for a review by somebody else, e.g. 90, 10m",
    },
    lists=("input_",),
    positional=("workflow",),
)
def run(
    session: Session,
    *,
    workflow: str,
    event: str = "",
    rerun: str = "",
    number: str = "",
    label: str = "",
    comment: str = "",
    base: str = "",
    input_: Sequence[str] | None = None,
    job: str = "",
    matrix: str = "",
    approve: str = "",
    patience: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Run a workflow on this machine.

    The real file, by act, on the commit that is checked out, against the sandbox. The event is one of GitHub's and has
    happened at the sandbox's GitHub. The actions of others are replaced by stand-ins;
    docs/guide/contributing-changes.md says by which.

      inv ci.run pr-environment --event opened --number 12
      inv ci.run pr-cleanup --event merged --number 12
      inv ci.run pr-environment --rerun 1
      inv ci.run terraform-apply --event push --approve mira
      inv ci.run static-checks --event push --job nox --matrix session:lint
    """
    from deployer.cli.ci_rehearsal import RehearsalWish, rehearse

    wish = RehearsalWish(
        workflow=workflow,
        event=event,
        rerun=rerun,
        number=number,
        label=label,
        comment=comment,
        base=base,
        job=job,
        matrix=matrix,
        approve=approve,
        patience=patience,
        inputs=tuple(input_ or ()),
    )
    return rehearse(session, wish)


@command("ci.aws-policy", help={"env": ENV})
def aws_policy(session: Session, *, env: str = "", json: bool = False, color: bool = True) -> int:
    """Print the AWS policies of an environment's jobs.

    For each role: who may take it (the jobs of one GitHub environment, by GitHub's identity), and what it may do (read
    the secrets that the inventory names). Nothing is asked or changed; whoever administers AWS puts them there.

      inv ci.aws-policy --env production
      inv ci.aws-policy --env pr-1          of all pull requests
    """
    from deployer.cli.ci_delivery import show_aws_policies

    return show_aws_policies(session, env=env)


@command(
    "e2e",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "release": "digest of the release to wait for; by default the one that the ledger has",
        "out": "folder for report, traces and screenshots",
    },
)
def e2e(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    release: str = "",
    out: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Test a deployed environment end to end.

    Waits until the site is proven to serve the release, then runs the application's own tests against it. Exits 8 if
    the release is not proven, 5 if tests fail; report, traces and screenshots are in the folder either way.

      inv e2e --env pr-12
      inv e2e --env dev --sandbox --out report/
    """
    from deployer.cli.e2e_runs import test_environment

    return test_environment(session, env=env, sandbox=sandbox, release=release, out=out)


TASKS: Final = (affected, config, preview, gate, plan, plan_comments, apply, release, aws_login, aws_policy, run)
