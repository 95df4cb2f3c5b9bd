"""Approves a plan bundle for a task, and shows who has approved one.

Nothing is asked of a cloud for a bundle in a folder, so approving needs no credentials. Who lets a plan pass here has
not let it be applied: `inv apply` looks at everything again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from deployer.cli.bundles import is_stored, open_for_here
from deployer.cli.confirm import ask
from deployer.cli.subject import Subject, begin
from deployer.errors import DeployError, GuardRefused, InternalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.review.approval import Verdict
    from deployer.review.view import Finding
    from deployer.steps.approvals import Check, Key, Signatures
    from deployer.steps.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class ApproveWish:
    """The flags of `inv approve`."""

    plan: str
    env: str
    sandbox: bool
    key: str = ""
    person: str = ""
    comment: str = ""
    diff: bool = False
    yes: bool = False


@dataclass(kw_only=True)
class Approving:
    """One bundle with its approvals."""

    session: Session
    plan: str
    bundle: Bundle
    subject: Subject
    wiring: Wiring
    signatures: Signatures
    records: Mapping[str, bytes]
    check: Check

    def verdict(self, more: Mapping[str, bytes] | None = None) -> Verdict:
        """Who has approved it, as of now."""
        from deployer.playbooks.approving import verdict_of

        now = dt.datetime.now(dt.UTC)
        return verdict_of(self.wiring, self.check, self.bundle.manifest, {**self.records, **(more or {})}, now=now)

    def answer(self, verdict: Verdict, **more: object) -> None:
        """Print the JSON document of both tasks."""
        from deployer.steps.approvals import verdict_document

        manifest = self.bundle.manifest
        self.session.answer(
            {
                "plan": manifest.id,
                "bundle": manifest.bundle_digest,
                "risk": manifest.risk.value,
                **more,
                "approvals": verdict_document(verdict),
            }
        )


def open_approving(session: Session, *, plan: str, env: str, sandbox: bool) -> Approving:
    """The bundle that `--plan` names, whole, for here and now; with whoever has approved it."""
    from deployer.cli.targets import connect, offline
    from deployer.playbooks.approving import signatures_of
    from deployer.steps.approvals import records_in

    bundle = open_for_here(session, plan=plan, env=env, sandbox=sandbox)
    subject = begin(session, env=bundle.manifest.environment, sandbox=sandbox)
    loaded = subject.loaded
    if is_stored(plan):
        target = connect(session, loaded, subject.environment, sandbox=sandbox)
    else:
        target = offline(session, loaded, sandbox=sandbox)
    subject.folder.make()
    wiring = subject.wiring(session, target)
    signatures = signatures_of(wiring)
    return Approving(
        session=session,
        plan=plan,
        bundle=bundle,
        subject=subject,
        wiring=wiring,
        signatures=signatures,
        records=records_in(bundle),
        check=cache(signatures.check),
    )


def show_approvals(session: Session, *, plan: str, env: str, sandbox: bool) -> int:
    """Print who has approved a bundle and how many are missing."""
    from deployer.report.text import wrapped
    from deployer.steps.approvals import verdict_lines

    opened = open_approving(session, plan=plan, env=env, sandbox=sandbox)
    verdict = opened.verdict()
    if session.json:
        opened.answer(verdict)
        return 0
    manifest = opened.bundle.manifest
    for line in wrapped(f"plan {manifest.id}, risk {manifest.risk.value}: {count(verdict)}"):
        session.sink.data(line)
    for said in verdict_lines(verdict):
        for line in wrapped(said, indent="  "):
            session.sink.data(line)
    return 0


def approve_plan(session: Session, wish: ApproveWish) -> int:
    """Show the plan, let it be confirmed, sign, and keep the approval beside it."""
    from deployer.playbooks.approving import chosen_key, require_person

    opened = open_approving(session, plan=wish.plan, env=wish.env, sandbox=wish.sandbox)
    refuse_what_nobody_applies(opened)
    key = chosen_key(opened.wiring, opened.signatures, wish.key)
    person = require_person(opened.wiring, key, claimed=wish.person)
    before = opened.verdict()
    if any(each.approver == person for each in before.accepted):
        session.sink.talk(f"`{person}` has approved this plan already; nothing was written")
        return _conclude(opened, before, person=person, changed=False)
    refuse_planner(opened, person, needed=before.needed)
    _show(opened, wish, needed=before.needed)
    if not wish.yes:
        manifest = opened.bundle.manifest
        announcement = f"Whoever approves says: I have read this, and `{manifest.environment}` may become so."
        deed = f"the plan for `{manifest.environment}` is approved"
        ask(session, opened.subject, deed=deed, announcement=announcement, hint="add --yes, if you have read it")
    changed = _sign_and_keep(opened, key, person, comment=wish.comment)
    return _conclude(opened, opened.verdict(changed), person=person, changed=bool(changed))


def refuse_what_nobody_applies(opened: Approving) -> None:
    """A plan that was applied, or that the rules forbid: an approval of it would be for nothing."""
    from deployer.cli.apply_runs import refuse_applied
    from deployer.errors import PlanApplied
    from deployer.playbooks import recording
    from deployer.steps.ledger_runs import runs_since
    from deployer.steps.policy import refuse_violations

    refuse_violations(_findings(opened), named=opened.wiring.named)
    if not recording.can_ask(opened.wiring):
        return
    manifest = opened.bundle.manifest
    try:
        refuse_applied(manifest, runs_since(recording.ledger_of(opened.wiring), manifest.created))
    except PlanApplied:
        raise
    except DeployError as error:
        opened.session.sink.talk(f"note: whether it was applied already could not be asked: {error.message}")


def refuse_planner(opened: Approving, person: str, *, needed: int) -> None:
    """Whoever made the plan is none of those who are asked, where several are."""
    from deployer.review.approval import is_planner

    manifest = opened.bundle.manifest
    approver = opened.signatures.approvers[person]
    if needed > 1 and is_planner(person, approver, manifest.planner):
        raise GuardRefused(
            f"`{person}` made this plan, and where {needed} have to approve that one does not count",
            place=f"plan `{manifest.id}`, made by {manifest.planner.email or manifest.planner.who}",
            hint=f"{needed} others have to, each on their own machine: "
            f"`inv approve --plan {opened.plan}{opened.wiring.named.flags}`",
        )


def _findings(opened: Approving) -> Sequence[Finding]:
    from deployer.steps.policy import find_violations

    bundle = opened.bundle
    return find_violations(
        opened.wiring.loaded,
        opened.wiring.environment,
        shown=bundle.shown,
        changes=bundle.changes,
    )


def _show(opened: Approving, wish: ApproveWish, *, needed: int) -> None:
    from deployer.report.plan_text import plan_lines
    from deployer.review.view import PlanView

    session, bundle = opened.session, opened.bundle
    view = PlanView(manifest=bundle.manifest, steps=bundle.steps, findings=_findings(opened), needed=needed)
    sink = session.sink
    show = sink.talk if session.json else sink.data
    for line in plan_lines(view, width=sink.width, paint=sink.paint, diff=wish.diff, whats_next=False):
        show(line)


def _sign_and_keep(opened: Approving, key: Key, person: str, *, comment: str) -> Mapping[str, bytes]:
    """The new approval by its name; nothing if somebody was quicker with the very same."""
    from deployer.review.approval import statement_for

    manifest = opened.bundle.manifest
    valid = dt.timedelta(minutes=opened.wiring.environment.approvals.valid_minutes)
    now = dt.datetime.now(dt.UTC)
    statement = statement_for(manifest, approver=person, now=now, valid=valid, comment=comment)
    body = opened.signatures.sign(statement, key).text.encode()
    checked = opened.signatures.check(person, body)
    if checked.signer != person:
        raise InternalError(f"the approval that was just signed does not hold: {checked.why}", place=key.name)
    return keep(opened, person, body)


def keep(opened: Approving, person: str, body: bytes) -> Mapping[str, bytes]:
    """Put an approval beside the bundle; nothing if somebody was quicker with the very same."""
    from deployer.adapters.files import write_private_bytes
    from deployer.review.manifest import APPROVALS
    from deployer.steps.approvals import free_name
    from deployer.steps.bundle_store import PlanStore

    name = free_name(person, opened.records)
    if is_stored(opened.plan):
        store = PlanStore(opened.wiring.state_bucket)
        if not store.add_approval(opened.bundle.manifest.id, name, body):
            opened.session.sink.talk(f"`{person}` has approved this plan at the same time; nothing was written")
            return {}
    write_private_bytes(opened.bundle.folder / APPROVALS / name, body)
    return {name.removesuffix(".json"): body}


def _conclude(opened: Approving, verdict: Verdict, *, person: str, changed: bool) -> int:
    session = opened.session
    if session.json:
        opened.answer(verdict, approver=person, changed=changed)
        return 0
    sandbox = opened.wiring.named.flags
    if changed:
        session.sink.talk(f"approved by {person}")
    if verdict.missing:
        session.sink.talk(f"{count(verdict)}; next: `inv approve --plan {opened.plan}{sandbox}` by somebody else")
    else:
        session.sink.talk(f"{count(verdict)}; next: `inv apply --plan {opened.plan}{sandbox}`")
    return 0


def count(verdict: Verdict) -> str:
    """How many there are, in a few words."""
    if not verdict.needed:
        return "no approval needed"
    return f"{len(verdict.accepted)} of {verdict.needed} approvals, {verdict.missing} missing"
