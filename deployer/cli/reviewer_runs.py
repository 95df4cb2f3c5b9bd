"""Takes what the reviewers of a GitHub environment have approved for the approvals of the bundle that the run made.

The record says where GitHub is to be asked, and no more: `inv apply` asks again. A person whom the inventory does not
know by that login, and whoever made the plan where two are needed, is told and not counted.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from deployer.cli.approve_runs import count, keep, open_approving, refuse_what_nobody_applies
from deployer.errors import ApprovalMissing, CredentialsMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.adapters.github import GitHub, RunReview
    from deployer.cli.approve_runs import Approving
    from deployer.cli.session import Session
    from deployer.review.approval import Verdict

_THIS = "this"


def take_reviews(session: Session, *, plan: str, env: str, sandbox: bool, run: str, others: bool) -> int:
    """Write a record for each reviewer who let the run pass and is an approver; returns the exit code."""
    if others:
        raise UsageError("`--from-run` signs with no key", hint="leave out `--key` and `--as`: GitHub says who it was")
    run_id = _run_id(session, run)
    opened = open_approving(session, plan=plan, env=env, sandbox=sandbox)
    _environment(opened)
    refuse_what_nobody_applies(opened)
    written, verdict = _take(opened, run_id)
    if session.json:
        opened.answer(verdict, approver=None, changed=bool(written), taken=list(written))
    else:
        what = "approve" if verdict.missing else "apply"
        by = " by somebody else, who signs" if verdict.missing else ""
        session.sink.talk(f"{count(verdict)}; next: `inv {what} --plan {plan}{opened.wiring.named.flags}`{by}")
    return 0


def take_reviews_of_this_run(session: Session, *, plan: str, sandbox: bool) -> None:
    """The same for a job that is about to apply: what is missing is said by the apply, which counts afresh."""
    if not session.variables.get("GITHUB_RUN_ID"):
        return
    opened = open_approving(session, plan=plan, env="", sandbox=sandbox)
    if opened.wiring.environment.approvals.github_environment is None or not opened.verdict().missing:
        return
    try:
        _take(opened, _run_id(session, _THIS))
    except (ApprovalMissing, CredentialsMissing) as error:
        session.sink.talk("; ".join([f"note: {error.message}", *error.details]))


def _take(opened: Approving, run_id: int) -> tuple[Sequence[str], Verdict]:
    from deployer.playbooks.github_wiring import require_hub

    environment = _environment(opened)
    hub = require_hub(opened.wiring, purpose="reads who has reviewed the run")
    before = opened.verdict()
    written, verdict = _write(opened, hub, _passed(opened, hub, run_id, environment), run_id, before)
    for person in written:
        opened.session.sink.talk(f"approved by {person}, who reviewed run {run_id} at `{environment}`")
    return written, verdict


def _run_id(session: Session, run: str) -> int:
    found = session.variables.get("GITHUB_RUN_ID", "") if run == _THIS else run
    if not (found.isascii() and found.isdecimal()) or len(found) > 20:
        said = "this is no run of a workflow: there is no GITHUB_RUN_ID" if run == _THIS else f"`{run}` is no run's id"
        raise UsageError(said, hint="the number in the address of the run, e.g. `--from-run 8123456789`")
    return int(found)


def _environment(opened: Approving) -> str:
    asked = opened.wiring.environment.approvals.github_environment
    if asked is None:
        name = opened.wiring.environment.name
        raise UsageError(
            f"the inventory names no environment on GitHub whose reviewers may approve plans of `{name}`",
            place=f"{opened.wiring.loaded.file}, approvals.github_environment",
            hint="sign instead: `inv approve --plan PLAN --key PATH`; or name one, let that be reviewed, plan again",
        )
    return asked


def _passed(opened: Approving, hub: GitHub, run_id: int, environment: str) -> Sequence[RunReview]:
    from deployer.steps.github_reviews import passed_at

    passed = passed_at(hub, run_id, environment=environment)
    if not passed.reviews:
        manifest = opened.bundle.manifest
        raise ApprovalMissing(
            passed.why,
            place=f"{hub.repository}, run {run_id}",
            hint="let a reviewer of that environment approve the run, then run the same command again; or sign: "
            f"`inv approve --plan {opened.plan}{opened.wiring.named.flags}`",
            details=[f"plan {manifest.id}, risk {manifest.risk.value}"],
        )
    return passed.reviews


def _write(
    opened: Approving, hub: GitHub, reviews: Sequence[RunReview], run_id: int, before: Verdict
) -> tuple[Sequence[str], Verdict]:
    """The people whose records were written, and the verdict with them."""
    from deployer.report.plan_words import safe
    from deployer.review.approval import GITHUB, Record, Review, statement_for
    from deployer.steps.github_reviews import person_of

    manifest = opened.bundle.manifest
    asked = opened.wiring.environment.approvals
    assert asked.github_environment is not None
    verdict, written, new, others = before, list[str](), dict[str, bytes](), list[str]()
    for each in reviews:
        person = person_of(each.login, opened.signatures.approvers)
        if person is None:
            others.append(f"`{safe(each.login)}` is no approver's `github` in the inventory, and does not count")
            continue
        if any(accepted.approver == person for accepted in verdict.accepted):
            continue
        statement = statement_for(
            manifest,
            approver=person,
            now=dt.datetime.now(dt.UTC),
            valid=dt.timedelta(minutes=asked.valid_minutes),
            comment=safe(each.comment)[:500],
        )
        where = Review(
            repository=hub.repository, run=str(run_id), environment=asked.github_environment, login=each.login
        )
        record = Record(method=GITHUB, statement=statement.text, signature="", key=each.login, review=where)
        body = record.text.encode()
        found = opened.verdict({**new, person: body})
        if not any(accepted.approver == person for accepted in found.accepted):
            why = next((why for name, why in found.refused if name == person), "")
            others.append(f"the review of `{safe(each.login)}` does not count: {safe(why)}")
            continue
        kept = keep(opened, person, body)
        new |= kept
        written += [person] if kept else []
        verdict = opened.verdict(new)
    if not verdict.accepted and verdict.needed:
        raise ApprovalMissing(
            f"no review of run {run_id} counts for this plan",
            place=f"plan `{manifest.id}`",
            details=others,
            hint=f"whoever may approve signs: `inv approve --plan {opened.plan}{opened.wiring.named.flags}`",
        )
    for said in others:
        opened.session.sink.talk(f"note: {said}")
    return written, verdict
