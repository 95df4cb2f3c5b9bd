"""Approvals on disk, signed and verified by the real tools."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.github import GitHub
from deployer.adapters.signing import PublicKey
from deployer.errors import ApprovalMissing
from deployer.inventory.review import Approvals, Approver, GpgKey
from deployer.review.approval import Verdict, statement_for
from deployer.review.manifest import APPROVALS, Manifest, Planner
from deployer.review.risk import Risk
from deployer.steps.approvals import (
    Key,
    Signatures,
    free_name,
    records_in,
    refuse_unapproved,
    verdict_document,
    verdict_lines,
    verdict_over,
)
from deployer.steps.bundle import Bundle
from deployer.steps.github_reviews import GitHubReviews
from tests.support.plans import NOON, plan_view
from tests.support.signing import GpgHome, gpg_home, gpg_signing, public, ssh_key, ssh_signing

NOW = NOON + dt.timedelta(hours=1)
ASKED = Approvals(additive=1, update=1, destroy=2, valid_minutes=60)
NOBODY = Planner(who="ci@runner")


def manifest(**changed: Any) -> Manifest:
    """A bundle that destroys something, made by nobody who approves."""
    return plan_view(planner=NOBODY, **changed).manifest.model_copy(update={"risk": Risk.DESTROY})


@dataclass
class Office:
    """Some people with keys, and an inventory that lists them."""

    work: Path
    approvers: dict[str, Approver] = field(default_factory=dict)
    keys: dict[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    hub: GitHub | None = None

    def hire(self, name: str) -> None:
        """Somebody with a new SSH key."""
        self.keys[name] = ssh_key(self.work / "keys", name)
        self.approvers[name] = Approver(ssh=(public(self.keys[name]),))

    @property
    def signatures(self) -> Signatures:
        """What signs and verifies with this inventory."""
        return Signatures(
            ssh=ssh_signing(self.work),
            gpg=gpg_signing(self.work, **self.environment),
            approvers=self.approvers,
            root=self.work,
            reviews=GitHubReviews(hub=lambda: self.hub, why_not=lambda: "GitHub is not asked"),
        )

    def key(self, name: str) -> Key:
        """A person's key."""
        found = PublicKey.of(public(self.keys[name]))
        assert found is not None
        return self.signatures.ssh_key(found, at=self.keys[name])

    def record(self, name: str, plan: Manifest, *, as_: str = "", now: dt.datetime = NOW, comment: str = "") -> bytes:
        """The approval of a plan that a person has signed."""
        valid = dt.timedelta(minutes=ASKED.valid_minutes)
        statement = statement_for(plan, approver=as_ or name, now=now, valid=valid, comment=comment)
        return self.signatures.sign(statement, self.key(name)).text.encode()

    def verdict(self, records: Mapping[str, bytes], plan: Manifest, *, now: dt.datetime = NOW) -> Verdict:
        """What they are worth."""
        return verdict_over(plan, records, check=self.signatures.check, approvers=self.approvers, asked=ASKED, now=now)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Three people."""
    made = Office(tmp_path)
    for name in ("mira", "tom", "eve"):
        made.hire(name)
    return made


def test_two_people_let_a_dangerous_plan_pass(office: Office) -> None:
    """One does not, nor the same one twice under two names."""
    plan = manifest()
    mira, tom = office.record("mira", plan, comment="read it all"), office.record("tom", plan)

    assert office.verdict({"mira": mira, "tom": tom}, plan).missing == 0
    assert office.verdict({"mira": mira}, plan).missing == 1
    twice = office.verdict({"mira": mira, "mira-2": mira}, plan)
    assert (twice.missing, twice.refused[0][0]) == (1, "mira-2")


def test_an_approval_of_another_plan_is_worth_nothing(office: Office) -> None:
    """Whatever differs; also one digit of a digest."""
    plan = manifest()
    other = plan.model_copy(update={"files": {"plan.json": "0" * 64}})

    assert office.verdict({"mira": office.record("mira", other)}, plan).refused == (
        ("mira", "it is for a bundle with another digest: the plan is not the one that was approved"),
    )


def test_a_text_that_was_changed_after_signing_is_worth_nothing(office: Office) -> None:
    """The approval of one plan, edited to be one of another."""
    plan, other = manifest(), manifest(id="20260311T130000Z-00000000")
    record = json.loads(office.record("mira", other))
    record["statement"] = statement_for(plan, approver="mira", now=NOW, valid=dt.timedelta(hours=1)).text

    assert office.verdict({"mira": json.dumps(record).encode()}, plan).refused == (
        ("mira", "its text was changed after it was signed"),
    )


def test_nobody_signs_for_somebody_else(office: Office) -> None:
    """Neither a listed person nor one who left."""
    plan = manifest()
    assert office.verdict({"mira": office.record("eve", plan, as_="mira")}, plan).refused == (
        ("mira", "it says `mira`, and the key that signed it is `eve`'s"),
    )
    record = office.record("eve", plan)
    del office.approvers["eve"]
    assert office.verdict({"eve": record}, plan).refused == (
        ("eve", "the key that signed it is none of those that the inventory lists"),
    )


def test_an_approval_ends(office: Office) -> None:
    """After as many minutes as the inventory says."""
    plan = manifest()
    record = {"mira": office.record("mira", plan)}

    assert office.verdict(record, plan, now=NOW + dt.timedelta(minutes=59)).accepted
    assert office.verdict(record, plan, now=NOW + dt.timedelta(minutes=60)).refused == (
        ("mira", "it expired at 2026-03-11 14:00 UTC"),
    )


def test_what_is_no_approval_is_told_and_stops_nobody(office: Office) -> None:
    """A file that was cut off beside a good one."""
    plan = manifest()
    good = office.record("mira", plan)
    found = office.verdict({"mira": good, "tom": good[:50], "zoe": b"\xff"}, plan)

    assert [each.approver for each in found.accepted] == ["mira"]
    assert [name for name, _ in found.refused] == ["tom", "zoe"]


@pytest.fixture(scope="module")
def ring() -> Iterator[GpgHome]:
    """Give a key ring of a person."""
    with gpg_home() as home:
        yield home


def test_openpgp_and_ssh_stand_side_by_side(office: Office, ring: GpgHome) -> None:
    """A person with either, or both; counted once."""
    plan, fingerprint = manifest(), ring.key("ada")
    ring.export(fingerprint, office.work / "keys" / "ada.asc")
    office.environment = ring.environment
    office.approvers["ada"] = Approver(gpg=GpgKey(fingerprint=fingerprint, file="keys/ada.asc"))
    key = office.signatures.gpg_key("ada@example.org")
    statement = statement_for(plan, approver="ada", now=NOW, valid=dt.timedelta(hours=1))
    record = office.signatures.sign(statement, key).text.encode()

    assert (key.owner, key.method, json.loads(record)["key"]) == ("ada", "gpg", fingerprint)
    found = office.verdict({"ada": record, "mira": office.record("mira", plan)}, plan)
    assert [each.approver for each in found.accepted] == ["ada", "mira"]


def test_a_key_knows_its_owner(office: Office) -> None:
    """Whatever comment it has; one that is not listed has none."""
    assert office.key("tom").owner == "tom"
    office.approvers["tom"] = Approver(ssh=(public(office.keys["tom"]).rpartition(" ")[0].split(" of")[0] + " other",))
    assert office.key("tom").owner == "tom"
    del office.approvers["tom"]
    assert office.key("tom").owner is None


def test_approvals_lie_beside_the_bundle(tmp_path: Path) -> None:
    """Whatever else lies there is none; a bundle without a folder for them has none."""
    bundle = Bundle(folder=tmp_path, manifest=manifest(), steps=(), files={})
    assert records_in(bundle) == {}
    folder = tmp_path / APPROVALS
    folder.mkdir()
    for name in ("mira.json", ".tom.json.1.part", "notes.txt", "tom.json"):
        (folder / name).write_text(name)
    (folder / "folder.json").mkdir()
    assert records_in(bundle) == {"mira": b"mira.json", "tom": b"tom.json"}


def test_a_new_approval_replaces_none() -> None:
    """One that has expired is history."""
    assert free_name("mira", {}) == "mira.json"
    assert free_name("mira", {"mira": b"", "tom": b""}) == "mira-2.json"
    assert free_name("mira", {"mira": b"", "mira-2": b""}) == "mira-3.json"


def test_a_plan_with_too_few_is_refused_with_all_reasons(office: Office) -> None:
    """Who has approved, who has not and why, what to do, where the number stands."""
    plan = manifest()
    records = {"mira": office.record("mira", plan, comment="fine"), "tom": office.record("tom", manifest(id="x"))}
    verdict = office.verdict(records, plan)
    with pytest.raises(ApprovalMissing) as caught:
        refuse_unapproved(verdict, plan, plan="plan/", place="environments.toml:9")

    assert str(caught.value) == (
        "1 more person has to approve the plan: its risk is destroy, which asks for 2 (environments.toml:9)"
    )
    assert caught.value.details == tuple(verdict_lines(verdict))
    assert caught.value.details[0] == "approved by mira, 2026-03-11 13:00 UTC, until 2026-03-11 14:00 UTC: fine"
    assert caught.value.details[1].startswith("not counted, tom: it is for plan `x`")
    assert "`inv approve --plan plan/`" in str(caught.value.hint)
    none = replace(verdict, accepted=(), refused=())
    assert list(verdict_lines(none)) == ["nobody has approved it"]
    with pytest.raises(ApprovalMissing, match="2 more people have"):
        refuse_unapproved(none, plan.model_copy(update={"target": "sandbox"}), plan="plan/", place="")
    refuse_unapproved(replace(none, needed=0), plan, plan="plan/", place="")


def test_what_a_stranger_wrote_moves_no_cursor(office: Office) -> None:
    """A comment is anybody's text, and so is the name of a file."""
    plan = manifest()
    record = office.record("mira", plan, comment="fine\x1b[2J\nnobody")
    lines = list(verdict_lines(office.verdict({"mira": record, "a\x1b[31m": b""}, plan)))

    assert all(line.isprintable() for line in lines)
    assert lines[0].endswith(": fine\\x1b[2J\\nnobody")


def test_the_document_of_a_verdict(office: Office) -> None:
    """The same for programs."""
    plan = manifest()
    assert verdict_document(office.verdict({"mira": office.record("mira", plan, comment="c"), "x": b"{}"}, plan)) == {
        "needed": 2,
        "missing": 1,
        "accepted": [
            {
                "approver": "mira",
                "created": "2026-03-11T13:00:00+00:00",
                "expires": "2026-03-11T14:00:00+00:00",
                "comment": "c",
            }
        ],
        "refused": [{"name": "x", "why": "it cannot be read: method: Field required"}],
    }
