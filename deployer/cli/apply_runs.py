"""Applies a plan bundle for a task: which one, whether it may be, and what the ledger is told of it.

What differs between plan and world is found by the playbook's own steps; here is only what needs no look at the world,
or the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from deployer.cli.bundles import open_for_here
from deployer.cli.freezes import refuse_frozen
from deployer.cli.runs import Verb, Wish, run_playbook
from deployer.errors import PlanApplied, PlanUnusable
from deployer.words import moment

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.engine.playbook import Playbook
    from deployer.playbooks.wiring import Wiring
    from deployer.review.approval import Verdict
    from deployer.review.manifest import Manifest
    from deployer.steps.approvals import Check
    from deployer.steps.bundle import Bundle
    from deployer.steps.ledger import RunNote
    from deployer.steps.ledger_runs import Run


@dataclass(frozen=True, kw_only=True)
class ApplyWish:
    """The flags of `inv apply`."""

    plan: str
    env: str
    sandbox: bool
    # Digest that the bundle must have, where the caller knows it from somebody whom the bucket's writers are not.
    bundle: str = ""
    check: bool = False
    diff: bool = False
    replan: bool = False
    override_freeze: str = ""
    reason: str = ""
    timeout: str = ""
    lock_timeout: str = ""


def apply_plan(session: Session, wish: ApplyWish) -> int:
    """Apply the bundle and return the exit code."""
    bundle = open_for_here(session, plan=wish.plan, env=wish.env, sandbox=wish.sandbox)
    manifest = bundle.manifest
    if wish.bundle and manifest.bundle_digest != wish.bundle:
        raise PlanUnusable(
            "the stored plan is not the one that this run has made",
            place=f"plan `{manifest.id}`, digest {manifest.bundle_digest[:12]}, wanted {wish.bundle[:12]}",
            hint="find out who has written to the state bucket, then run the whole workflow again",
        )
    run = BundleRun(session=session, wish=wish, bundle=bundle)
    verb = Verb(
        playbook=run.playbook,
        note=run.note,
        flags={"plan": manifest.id, "replan": wish.replan, "sandbox": wish.sandbox},
        admit=run.admit,
        shows_url=True,
        heeds_freezes=True,
        insists=lambda: run.begun,
    )
    return run_playbook(
        session,
        Wish(
            env=manifest.environment,
            sandbox=wish.sandbox,
            check=wish.check,
            diff=wish.diff,
            settings=manifest.settings,
            timeout=wish.timeout,
            lock_timeout=wish.lock_timeout,
            override_freeze=wish.override_freeze,
            reason=wish.reason,
        ),
        verb,
    )


@dataclass(kw_only=True)
class BundleRun:
    """One bundle that is applied: its playbook, and what has to hold before it may run."""

    session: Session
    wish: ApplyWish
    bundle: Bundle
    runs: Sequence[Run] = field(default=(), init=False)
    """What the ledger says of the time since the plan was made."""
    verdict: Verdict | None = field(default=None, init=False)
    """Who has approved the bundle, as it was looked at last."""
    _playbook: Playbook | None = field(default=None, init=False)

    def playbook(self, wiring: Wiring) -> Playbook:
        """The steps of the apply."""
        from deployer.playbooks.apply import Applying, apply, given_plans
        from deployer.playbooks.approving import signatures_of

        # It is looked at twice, before the apply and in it: a signature is verified again only if its file has changed.
        check = cache(signatures_of(wiring).check)
        applying = Applying(
            bundle=self.bundle,
            begun=lambda: self.begun,
            writer=self.writer,
            permits=(
                lambda: self._obey_rules(wiring),
                lambda: self._heed_freezes(wiring),
                lambda: self._require_approvals(wiring, check),
            ),
            left=lambda: self.left,
        )
        given = given_plans(wiring, self.bundle, replan=self.wish.replan)
        self._playbook = apply(wiring, applying, given)
        return self._playbook

    def admit(self, wiring: Wiring) -> None:
        """Look at everything once nobody else is at work: what would be refused half-way is refused here."""
        from deployer.playbooks import recording
        from deployer.steps.ledger_runs import runs_since

        if recording.can_ask(wiring):
            self.runs = runs_since(recording.ledger_of(wiring), self.bundle.manifest.created)
            refuse_applied(self.bundle.manifest, self.runs)
        if not self.wish.check:
            self._look(wiring)

    def _look(self, wiring: Wiring) -> None:
        from deployer.engine.run import RunOptions, run
        from deployer.report.terminal import TerminalReport

        assert self._playbook is not None
        environment = wiring.environment
        report = TerminalReport(self.session.sink, environment=environment.name, target=wiring.target.name, brief=True)
        workers = environment.limits.parallel_steps
        options = RunOptions(check=True, workers=workers, stop=self.session.stop, listeners=[report])
        error = run(self._playbook, options).error
        if error is not None:
            raise error

    def _obey_rules(self, wiring: Wiring) -> None:
        """The rules of now, over the plan of then."""
        from deployer.steps.policy import find_violations, refuse_violations

        bundle, environment = self.bundle, wiring.environment
        found = find_violations(
            wiring.loaded,
            environment,
            shown=bundle.shown,
            changes=bundle.changes,
        )
        refuse_violations(found, named=wiring.named)

    def _heed_freezes(self, wiring: Wiring) -> None:
        wish = self.wish
        refuse_frozen(wiring.loaded, wiring.environment, override=wish.override_freeze, reason=wish.reason)

    def _require_approvals(self, wiring: Wiring, check: Check) -> None:
        """As many people as the inventory of now asks for have approved this very bundle."""
        from deployer.playbooks.approving import place_of_number, verdict_of
        from deployer.steps.approvals import records_in, refuse_unapproved

        manifest, place = self.bundle.manifest, place_of_number(wiring, self.bundle.manifest)
        self.verdict = verdict_of(wiring, check, manifest, records_in(self.bundle), now=dt.datetime.now(dt.UTC))
        refuse_unapproved(self.verdict, manifest, plan=self.wish.plan, place=place)

    def note(self) -> RunNote:
        """What the ledger keeps of the plan, and of those whose approvals have let it pass."""
        from deployer.steps.ledger import RunNote

        accepted = self.verdict.accepted if self.verdict else ()
        return RunNote(
            plan_id=self.bundle.manifest.id,
            plan_digest=self.bundle.manifest.bundle_digest,
            approvals=tuple(each.approver for each in accepted),
        )

    @property
    def begun(self) -> bool:
        """Whether the last run of the environment was one of this plan: what it has moved is no surprise."""
        return bool(self.runs) and self._ours(self.runs[-1])

    @property
    def left(self) -> Mapping[str, Any]:
        """What the run of this plan that was cut off has left, if it was this one that said so: states and Worker."""
        closed = self.runs[-1].closed if self.begun else None
        return closed.body if closed is not None and not closed.body.get("closed_by") else {}

    def writer(self, stack: str) -> str:
        """Who wrote a state last, as far as the ledger knows."""
        for run in reversed(self.runs):
            states = (run.closed.body.get("terraform") or {}) if run.closed else {}
            if stack in states and not self._ours(run):
                entry = run.opened.body
                when = moment(run.opened.written)
                return f", by {entry.get('who')} at {when} (run {run.number}, `{entry.get('command')}`)"
        return ""

    def _ours(self, run: Run) -> bool:
        return _is_of(run, self.bundle.manifest)


def refuse_applied(manifest: Manifest, runs: Sequence[Run]) -> None:
    """Refuse a plan that one of these runs, those since it was made, has applied to the end."""
    from deployer.playbooks.apply import plan_again

    done = [run for run in runs if _is_of(run, manifest) and run.outcome == "ok"]
    if done:
        raise PlanApplied(
            f"the plan was applied already, {moment(done[-1].opened.written)} by {done[-1].opened.body.get('who')}",
            place=f"plan `{manifest.id}`, run {done[-1].number} of `{manifest.environment}`",
            hint=f"`{plan_again(manifest)}` shows whether there is anything left to do",
        )


def _is_of(run: Run, manifest: Manifest) -> bool:
    return bool(run.plan.get("digest") == manifest.bundle_digest)
