"""Whose approvals let a bundle be applied: looked at before the apply and in it, signed by the real tool."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from deployer.adapters.process import Command, Completed, Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.signing import PublicKey
from deployer.adapters.target import cloudflare_target
from deployer.cli.apply_runs import ApplyWish, BundleRun
from deployer.cli.session import Session
from deployer.engine.stop import Stop
from deployer.errors import ApprovalMissing
from deployer.inventory.load import parse
from deployer.playbooks.approving import signatures_of
from deployer.playbooks.wiring import Wiring
from deployer.review.approval import statement_for
from deployer.review.manifest import APPROVALS
from deployer.review.risk import Risk
from deployer.steps.bundle import Bundle
from deployer.steps.reviewed import PlanVerified
from tests.support.inventory import ROOT, replaced
from tests.support.plans import plan_view
from tests.support.signing import public, ssh_key

PEOPLE = ("ana", "bo")


def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the programs that are started from here on."""
    titles: list[str] = []
    start = Processes.run

    def noted(self: Processes, command: Command) -> Completed:
        titles.append(command.title)
        return start(self, command)

    monkeypatch.setattr(Processes, "run", noted)
    return titles


def wiring(tmp_path: Path) -> Wiring:
    """Production, where two people approve what destroys something."""
    tables = [f'[project.approvers.{name}]\nssh = ["{public(ssh_key(tmp_path, name))}"]\n' for name in PEOPLE]
    loaded = parse(replaced(("[app]", "\n".join([*tables, "[app]"]))), root=ROOT)
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return Wiring(
        loaded=loaded,
        environment=loaded.environment("production"),
        target=cloudflare_target(variables, account_id=loaded.inventory.project.account_id),
        folder=tmp_path / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def approved(tmp_path: Path, made: Wiring) -> Bundle:
    """A bundle that both have approved just now."""
    now = dt.datetime.now(dt.UTC)
    view = plan_view(created=now, expires=now + dt.timedelta(days=1), stacks={})
    bundle = Bundle(
        folder=tmp_path / "plan", manifest=view.manifest.model_copy(update={"risk": Risk.DESTROY}), steps=(), files={}
    )
    (bundle.folder / APPROVALS).mkdir(parents=True)
    for name in PEOPLE:
        statement = statement_for(bundle.manifest, approver=name, now=now, valid=dt.timedelta(hours=1))
        key = PublicKey.of(public(tmp_path / name))
        assert key is not None
        signatures = signatures_of(made)
        record = signatures.sign(statement, signatures.ssh_key(key, at=tmp_path / name))
        (bundle.folder / APPROVALS / f"{name}.json").write_text(record.text)
    return bundle


def test_a_signature_is_verified_once_and_again_when_its_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is told of those who counted last; what was changed after the look before the apply does not pass."""
    made = wiring(tmp_path)
    bundle = approved(tmp_path, made)
    session = Session(root=tmp_path, command="apply")
    run = BundleRun(session=session, wish=ApplyWish(plan="plan", env="", sandbox=False), bundle=bundle)
    (verifies,) = (step for step in run.playbook(made).steps if isinstance(step, PlanVerified))
    require = verifies.permits[-1]
    assert run.note().approvals == ()

    programs = started(monkeypatch)
    require()
    assert run.note().approvals == PEOPLE
    verified = len(programs)
    assert programs.count("ssh-keygen -Y verify") == len(PEOPLE)
    require()
    assert len(programs) == verified

    path = bundle.folder / APPROVALS / "bo.json"
    path.write_text(path.read_text().replace('\\"approver\\": \\"bo\\"', '\\"approver\\": \\"cy\\"'))
    with pytest.raises(ApprovalMissing, match="1 more person has to approve"):
        require()
    assert len(programs) > verified
    assert run.note().approvals == PEOPLE[:1]
