"""Which approvals count, and why the others do not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from deployer.inventory.review import Approvals, Approver
from deployer.review.approval import Checked, Record, Review, Statement, Verdict, judge, read_record, statement_for
from deployer.review.manifest import CiRun, Manifest, Planner
from deployer.review.risk import Risk, needed
from tests.support.plans import COMMIT, NOON, plan_view

KEY = "ssh-ed25519 AAAA"
APPROVERS = {
    "mira": Approver(ssh=(KEY,), emails=("mira@example.org",)),
    "tom": Approver(ssh=(KEY,), accounts=("tom-on-github", "tom@laptop")),
    "ada": Approver(ssh=(KEY,)),
}
DAY = dt.timedelta(days=1)
NOW = NOON + dt.timedelta(hours=1)
NOBODY = Planner(who="ci@runner")
REVIEW = Review(repository="acme/shop", run="5", environment="production", login="mira-on-github")
RUN = CiRun(repository="Acme/Shop", run="5", attempt="1")


def manifest(**changed: Any) -> Manifest:
    """A bundle that was made at noon and holds for a day."""
    return plan_view(**{"planner": NOBODY, **changed}).manifest


def approved(
    by: str, *, for_: Manifest | None = None, signer: str | None = "", name: str = "", **changed: Any
) -> Checked:
    """An approval with a good signature of the person it names, but for what is changed."""
    statement = statement_for(for_ or manifest(), approver=by, now=NOW, valid=DAY).model_copy(update=changed)
    return Checked(name=name or by, statement=statement, signer=by if signer == "" else signer)


def verdict(*checked: Checked, needed: int = 1, now: dt.datetime = NOW, **changed: Any) -> Verdict:
    """The verdict over a bundle."""
    return judge(checked, manifest(**changed), approvers=APPROVERS, now=now, needed=needed, valid=DAY)


def names(found: Verdict) -> list[str]:
    """Whose approvals count."""
    return [each.approver for each in found.accepted]


@pytest.mark.parametrize(("risk", "count"), [(Risk.NONE, 0), (Risk.ADDITIVE, 1), (Risk.UPDATE, 2), (Risk.DESTROY, 3)])
def test_how_many_are_needed_depends_on_the_risk(risk: Risk, count: int) -> None:
    """A plan without changes needs nobody."""
    assert needed(risk, Approvals(additive=1, update=2, destroy=3)) == count


def test_people_are_counted() -> None:
    """Two are enough where two are needed, and no one too many is asked for."""
    found = verdict(approved("mira"), approved("tom"), needed=2)

    assert (names(found), found.refused, found.missing) == (["mira", "tom"], (), 0)
    assert verdict(approved("mira"), needed=2).missing == 1
    assert verdict(needed=2).missing == 2
    assert verdict(approved("mira"), approved("tom"), approved("ada"), needed=1).missing == 0


def test_the_same_person_twice_is_one() -> None:
    """The first one counts, whatever the files are called."""
    later = approved("mira", name="mira-again", created=NOW + dt.timedelta(minutes=1))
    found = verdict(later, approved("mira"), needed=2)

    assert names(found) == ["mira"]
    assert found.refused == (("mira-again", "this person has approved already, and people are counted"),)
    assert found.missing == 1


REFUSED: list[tuple[Checked, str]] = [
    (approved("mira", bundle="0" * 64), "it is for a bundle with another digest"),
    (approved("mira", for_=manifest(dirty=True)), "it is for a bundle with another digest"),
    (approved("mira", plan="other"), "it is for plan `other`, and this is `20260311T120000Z-4f0c2d1e`"),
    (approved("mira", environment="dev"), "it is for environment `dev`, and this is `production`"),
    (approved("mira", target="sandbox"), "it is for target `sandbox`, and this is `cloudflare`"),
    (approved("mira", project="other"), "it is for project `other`, and this is `vibechecc`"),
    (approved("mira", signer="tom"), "it says `mira`, and the key that signed it is `tom`'s"),
    (approved("eve"), "`eve` is none of the inventory's approvers"),
    (approved("mira", signer=None), "its signature is not valid"),
    (Checked(name="mira", statement=None, signer=None, why="it is not JSON"), "it is not JSON"),
    (approved("mira", expires=NOW), "it expired at 2026-03-11 13:00 UTC"),
    (approved("mira", created=NOW - DAY), "it expired at 2026-03-11 13:00 UTC"),
    (approved("mira", expires=NOW + 10 * DAY, created=NOW - DAY), "it expired at 2026-03-11 13:00 UTC"),
    (
        approved("mira", created=NOW + dt.timedelta(minutes=5, seconds=1)),
        "it was made at 2026-03-11 13:05 UTC, which is yet to come: a clock is wrong",
    ),
]


@pytest.mark.parametrize(("checked", "why"), REFUSED, ids=[why[:40] for _, why in REFUSED])
def test_what_does_not_count_is_refused_with_its_reason(checked: Checked, why: str) -> None:
    """And does not keep a good one from counting."""
    found = verdict(checked, approved("tom"), needed=2)

    assert names(found) == ["tom"]
    assert [name for name, _ in found.refused] == [checked.name]
    assert why in found.refused[0][1]
    assert found.missing == 1


def test_clocks_may_differ_a_little() -> None:
    """Five minutes, and no more."""
    assert names(verdict(approved("mira", created=NOW + dt.timedelta(minutes=5)))) == ["mira"]


def test_none_outlives_the_bundle() -> None:
    """Whatever it says of itself."""
    endless = approved("mira", expires=NOW + 10 * DAY)
    end = NOON + DAY

    assert names(verdict(endless, now=end - dt.timedelta(seconds=1))) == ["mira"]
    assert verdict(endless, now=end).refused == (("mira", "it expired at 2026-03-12 12:00 UTC"),)
    assert verdict(endless).accepted[0].expires == end


@pytest.mark.parametrize(
    ("person", "planner"),
    [
        ("mira", Planner(who="ci@runner", email="Mira@example.org")),
        ("mira", Planner(who="mira@anywhere")),
        ("ada", Planner(who="ci@runner", email="Ada@elsewhere.example")),
        ("tom", Planner(who="ci@runner", account="Tom-on-GitHub")),
        ("tom", Planner(who="tom@laptop")),
    ],
)
def test_who_planned_does_not_count_for_themselves(person: str, planner: Planner) -> None:
    """Known by any of their names, where two are needed; where one is, it does."""
    plan = manifest(planner=planner)
    another = "tom" if person == "ada" else "ada"
    own, other = approved(person, for_=plan), approved(another, for_=plan)

    two = verdict(own, other, needed=2, planner=planner)
    assert names(two) == [another]
    assert two.refused == ((person, f"`{person}` made the plan, and where 2 are needed that one does not count"),)
    assert names(verdict(own, needed=1, planner=planner)) == [person]


def test_planning_as_somebody_else_does_not_hide_the_others() -> None:
    """Only the planner's own approval is left out."""
    plan = manifest(planner=Planner(who="root@host", email="ci@example.org"))
    found = verdict(approved("mira", for_=plan), approved("tom", for_=plan), needed=2, planner=plan.planner)

    assert found.missing == 0


# --- what is kept -------------------------------------------------------------------------------------------------


def record(**changed: Any) -> dict[str, Any]:
    """A record as it is read from its file."""
    statement = statement_for(manifest(), approver="mira", now=NOW, valid=DAY, comment="looked at it twice")
    made = Record(method="ssh", statement=statement.text, signature="s", key="SHA256:x")
    return {**json.loads(made.text), **changed}


def test_a_record_is_read_as_it_was_written() -> None:
    """Nothing is lost, and the statement's text is exactly the one that was signed."""
    read, statement = read_record(json.dumps(record()).encode())

    assert read.statement == statement.text
    assert statement == statement_for(manifest(), approver="mira", now=NOW, valid=DAY, comment="looked at it twice")
    assert statement.bundle == manifest().bundle_digest
    assert read_record(read.text.encode()) == (read, statement)


def _statement(**changed: Any) -> str:
    return json.dumps({**json.loads(record()["statement"]), **changed}, indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it cannot be read: Invalid JSON"),
        (b"\xff\xfe", "it cannot be read"),
        (b"[]", "it cannot be read"),
        (json.dumps(record())[:200].encode(), "it cannot be read"),
        (json.dumps(record(schema=2)).encode(), "a form that is not known here"),
        (json.dumps(record(method="github")).encode(), "it names a run on GitHub and is no review of one"),
        (json.dumps(record(review=REVIEW.model_dump())).encode(), "or the other way round"),
        (json.dumps(record(method="github", review={"run": "5"})).encode(), "it cannot be read: review"),
        (json.dumps(record(method="fax")).encode(), "its method `fax` is none of ssh, gpg, github"),
        (json.dumps(record(statement="yes")).encode(), "it cannot be read"),
        (json.dumps(record(statement=_statement(schema=2))).encode(), "a form that is not known here"),
        (json.dumps(record(statement=_statement(purpose="release"))).encode(), "it cannot be read: purpose"),
        (
            json.dumps(record(statement=_statement(created="2026-03-11T13:00:00"))).encode(),
            "it cannot be read: created",
        ),
        (json.dumps(record(statement=_statement() + "\n")).encode(), "not in the form we write"),
        (json.dumps({key: value for key, value in record().items() if key != "signature"}).encode(), "signature"),
    ],
)
def test_what_is_no_record_is_said(body: bytes, why: str) -> None:
    """Cut off, of another kind, of a newer form, of a way that is not read here."""
    with pytest.raises(ValueError, match="it") as caught:
        read_record(body)
    assert why in str(caught.value)


def test_a_statement_says_what_it_is_for() -> None:
    """So that a signature for one thing is none for another."""
    statement = json.loads(record()["statement"])
    said: Sequence[str] = ("purpose", "project", "environment", "target", "plan", "bundle", "approver", "expires")

    assert {name: bool(statement[name]) for name in said} == dict.fromkeys(said, True)
    assert Statement.model_validate(statement).expires == NOON + DAY


# --- reviews on GitHub --------------------------------------------------------------------------------------------


def reviewed(by: str = "mira", *, review: Review = REVIEW, commit: str | None = COMMIT, **plan: Any) -> Checked:
    """A review of the run that has made the bundle, which GitHub has confirmed."""
    signed = approved(by, for_=manifest(**{"run": RUN, **plan}))
    return replace(signed, review=review, commit=commit)


def reviews(*checked: Checked, reviewers: str | None = "production", needed: int = 1, **changed: Any) -> Verdict:
    """The verdict where these reviewers count."""
    plan = manifest(**{"run": RUN, **changed})
    return judge(checked, plan, approvers=APPROVERS, now=NOW, needed=needed, valid=DAY, reviewers=reviewers)


def test_a_review_of_the_run_that_made_the_bundle_counts() -> None:
    """Alone where one is needed; with a signature of somebody else where two are."""
    assert names(reviews(reviewed())) == ["mira"]
    assert reviews(reviewed(), needed=2).missing == 1
    signed = approved("tom", for_=manifest(run=RUN))
    assert names(reviews(reviewed(), signed, needed=2)) == ["mira", "tom"]


def test_a_review_and_a_signature_of_one_person_are_one() -> None:
    """People are counted."""
    signed = approved("mira", for_=manifest(run=RUN), name="mira-2")
    assert reviews(reviewed(), signed, needed=2).missing == 1


@pytest.mark.parametrize(
    ("checked", "changed", "why"),
    [
        (reviewed(), {"reviewers": None}, "the inventory names no environment on GitHub"),
        (reviewed(), {"reviewers": "live"}, "given at GitHub's environment `production`, and what counts is `live`"),
        (reviewed(review=REVIEW.model_copy(update={"run": "6"})), {}, "it is for run 6 of acme/shop"),
        (reviewed(review=REVIEW.model_copy(update={"repository": "a/b"})), {}, "it is for run 5 of a/b"),
        (reviewed(run=None), {"run": None}, "the plan was made in no run"),
        (reviewed(commit="b" * 40), {}, "its run is for commit bbbbbbbbbbbb, and the plan for 4f0c2d1e9a7b"),
        (reviewed(commit=None), {}, "its run is for commit unknown"),
    ],
)
def test_a_review_of_anything_else_does_not(checked: Checked, changed: dict[str, Any], why: str) -> None:
    """Another run, another repository, another environment, another commit, an inventory that asks nobody there."""
    found = reviews(checked, **changed)
    assert found.accepted == ()
    assert why in found.refused[0][1]


def test_a_plan_of_a_later_attempt_has_no_reviews() -> None:
    """GitHub does not say for which attempt a review was: it may be of the plan before."""
    again = CiRun(repository="acme/shop", run="5", attempt="2")
    found = reviews(reviewed(run=again), run=again)
    assert "was made in attempt 2 of run 5, and a review may be of an earlier one" in found.refused[0][1]


def test_whoever_started_the_run_is_its_planner() -> None:
    """Known by the login that reviews, too."""
    planner = Planner(who="runner@host", account="Mira-On-GitHub")
    approvers = {**APPROVERS, "mira": Approver(github="mira-on-github")}
    for needed_, accepted in ((1, ["mira"]), (2, [])):
        plan = manifest(run=RUN, planner=planner)
        checked = reviewed(planner=planner)
        found = judge([checked], plan, approvers=approvers, now=NOW, needed=needed_, valid=DAY, reviewers="production")
        assert names(found) == accepted


def test_a_bundle_without_a_run_is_written_as_before() -> None:
    """Older bundles are no edited ones."""
    assert '"repository"' not in manifest().text
    assert '"repository"' in manifest(run=RUN).text
    assert "run" not in manifest().made_seals(lambda text: text)
    assert "run" in manifest(run=RUN).made_seals(lambda text: text)
