"""What `inv policy` prints: the rules of an environment, or what a plan makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.subject import Subject, begin
from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.engine.change import Change
    from deployer.review.view import Finding

Shown = Mapping[str, Mapping[str, Any]]


def list_rules(session: Session, *, env: str, sandbox: bool) -> int:
    """Print the rules that hold for an environment, protection included."""
    from deployer.report.text import table_lines, wrapped
    from deployer.review.protection import REASON, RULE
    from deployer.steps.policy import place_of

    subject = begin(session, env=env, sandbox=sandbox)
    loaded, environment = subject.loaded, subject.environment
    rows: list[dict[str, Any]] = [
        {
            "rule": RULE,
            "severity": "error",
            "enabled": bool(environment.guards.never_destroy),
            "reason": REASON,
            "place": place_of(loaded, environment, "guards", "never_destroy"),
        },
        *(
            {
                "rule": name,
                "severity": rule.severity,
                "enabled": rule.enabled,
                "reason": rule.reason,
                "place": place_of(loaded, environment, "policy", name, "reason"),
            }
            for name, rule in environment.policy.items()
        ),
    ]
    if session.json:
        session.answer({"rules": rows})
        return 0
    cells = [(row["rule"], row["severity"] if row["enabled"] else "off", row["place"]) for row in rows]
    for row, line in zip(rows, table_lines(cells), strict=True):
        session.sink.data(line)
        for text in wrapped(str(row["reason"]), indent="  ", more=""):
            session.sink.data(text)
    return 0


def judge_plan(session: Session, *, env: str, plan: str, sandbox: bool) -> int:
    """Hold a bundle, or what Terraform would do now, against the rules; exit code 11 if one stops it."""
    from deployer.steps.policy import find_violations, refuse_violations, resources_of

    subject, shown, changes = _of_bundle(session, env, plan, sandbox=sandbox) if plan else _fresh(session, env, sandbox)
    environment = subject.environment
    findings = find_violations(subject.loaded, environment, shown=shown, changes=changes)
    rules = sum(rule.enabled for rule in environment.policy.values())
    resources = len(resources_of(shown))
    try:
        refuse_violations(findings, named=subject.named)
    except DeployError as error:
        _show(session, findings, rules=rules, resources=resources, error=error)
        raise
    _show(session, findings, rules=rules, resources=resources, error=None)
    return 0


def _of_bundle(session: Session, env: str, plan: str, *, sandbox: bool) -> tuple[Subject, Shown, Sequence[Change]]:
    from deployer.cli.bundles import open_for_here

    bundle = open_for_here(session, plan=plan, env=env, sandbox=sandbox)
    subject = begin(session, env=bundle.manifest.environment, sandbox=sandbox)
    return subject, bundle.shown, bundle.changes


def _fresh(session: Session, env: str, sandbox: bool) -> tuple[Subject, Shown, Sequence[Change]]:
    """What Terraform would do now: a deploy in check mode, without the steps of other tools."""
    from deployer.cli.signals import asking
    from deployer.cli.targets import connect
    from deployer.engine.run import RunOptions, run
    from deployer.playbooks.deploy import deploy
    from deployer.report.terminal import TerminalReport
    from deployer.steps.reviewing import PlanKept

    subject = begin(session, env=env, sandbox=sandbox)
    with subject.locked(session), asking(session.stop):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        kept = PlanKept()
        playbook = deploy(subject.wiring(session, target), kept)
        report = TerminalReport(session.sink, environment=subject.environment.name, target=subject.target, brief=True)
        options = RunOptions(
            check=True,
            workers=subject.environment.limits.parallel_steps,
            selection=playbook.select(tags=("terraform",), skip_tags=()),
            stop=session.stop,
            listeners=[report],
        )
        result = run(playbook, options)
    if result.error is not None:
        raise result.error
    shown: Shown = {name: kept.stacks[name].plan.shown for name in subject.environment.stacks if name in kept.stacks}
    return subject, shown, [change for step in result.results for change in step.changes]


def _show(
    session: Session, findings: Sequence[Finding], *, rules: int, resources: int, error: DeployError | None
) -> None:
    from deployer.report.plan_document import finding_document
    from deployer.report.plan_words import number
    from deployer.steps.policy import finding_lines

    if session.json:
        found = [finding_document(finding) for finding in findings]
        session.answer({"rules": rules, "resources": resources, "findings": found}, error=error)
        return
    sink = session.sink
    # What stops the plan is said by the error.
    for line in finding_lines(finding for finding in findings if finding.severity == "warning"):
        sink.data(line if line.startswith(" ") else f"warning: {line}")
    stopping = sum(finding.severity == "error" for finding in findings)
    looked = f"{number(rules, 'rule')} over {number(resources, 'Terraform resource')}"
    sink.data(f"{looked}: {number(stopping, 'error')}, {number(len(findings) - stopping, 'warning')}")
