"""Approvals: what is signed, what is kept of it, and which of them count.

Somebody approves one bundle, byte for byte, for one environment on one target, until a moment. Signatures are verified
elsewhere (`deployer/adapters/signing`); here it is known what a verified one is worth. Counted are people, not keys.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from deployer.inventory.review import Approver
from deployer.review.manifest import Manifest, Planner, canonical
from deployer.words import moment

SCHEMA: Final = 1
PURPOSE: Final = "approval of a plan"
# Clocks of two machines may differ by this much.
SKEW: Final = dt.timedelta(minutes=5)
# By which a record is what it says: a signature, or GitHub, who is asked again whenever it is to count.
GITHUB: Final = "github"
METHODS: Final = ("ssh", "gpg", GITHUB)


class _Part(BaseModel):
    """What both have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(_Part):
    """What is signed. Its text is canonical, and the record holds exactly that text."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    purpose: Literal["approval of a plan"] = PURPOSE
    project: str
    environment: str
    target: Literal["cloudflare", "sandbox"]
    plan: str = Field(description="Id of the bundle")
    bundle: str = Field(description="Digest of the bundle's manifest, and so of every file in it")
    approver: str = Field(description="Name in the inventory's table of approvers")
    comment: str = ""
    created: AwareDatetime
    expires: AwareDatetime

    @property
    def text(self) -> str:
        """The canonical text."""
        return canonical(self.model_dump(mode="json", by_alias=True))


P = TypeVar("P", bound=_Part)


class Review(_Part):
    """A review of a GitHub run. A note of where to look: what counts is what GitHub says when it is looked at."""

    repository: str = Field(description="owner/name")
    run: str = Field(description="Id of the run that waited for the review")
    environment: str = Field(description="The repository's environment at which it waited")
    login: str = Field(description="Who let it pass")


class Record(_Part):
    """An approval as it is kept: the text that was signed, and by what."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    method: str = Field(description="ssh, gpg, or github for a reviewer of a GitHub environment")
    statement: str = Field(description="The text that was signed, whole")
    signature: str = Field(description="What the tool made of it; empty for GitHub's")
    key: str = Field(description="Fingerprint of the key that signed, for people: what counts is the signature")
    review: Review | None = Field(default=None, description="Where GitHub is asked; left out for signatures")

    @property
    def text(self) -> str:
        """The text of the file."""
        values = self.model_dump(mode="json", by_alias=True)
        if self.review is None:
            del values["review"]
        return canonical(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An approval whose signature was looked at.

    `signer` is the approver whose listed key has made it, None if none of them has, and `why` then says how it failed.
    """

    name: str
    statement: Statement | None
    signer: str | None
    why: str = ""
    # Of a review on GitHub: which one it is, and the commit that its run is for.
    review: Review | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An approval that counts."""

    approver: str
    created: dt.datetime
    expires: dt.datetime
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who has approved, whose approval does not count and why, and how many are still missing."""

    needed: int
    accepted: tuple[Accepted, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def missing(self) -> int:
        """How many different people still have to approve."""
        return max(0, self.needed - len(self.accepted))


def statement_for(
    manifest: Manifest, *, approver: str, now: dt.datetime, valid: dt.timedelta, comment: str = ""
) -> Statement:
    """What somebody who approves this bundle has to sign; it holds no longer than the bundle."""
    created = now.astimezone(dt.UTC).replace(microsecond=0)
    return Statement(
        project=manifest.project.name,
        environment=manifest.environment,
        target=manifest.target,
        plan=manifest.id,
        bundle=manifest.bundle_digest,
        approver=approver,
        comment=comment,
        created=created,
        expires=min(created + valid, manifest.expires),
    )


def read_record(body: bytes) -> tuple[Record, Statement]:
    """A record and its statement; ValueError says in a few words why they are none."""
    record = _parsed(Record, body)
    if record.method not in METHODS:
        raise ValueError(f"its method `{record.method}` is none of {', '.join(METHODS)}")
    if (record.method == GITHUB) != (record.review is not None):
        raise ValueError("it names a run on GitHub and is no review of one, or the other way round")
    statement = _parsed(Statement, record.statement.encode())
    if statement.text != record.statement:
        raise ValueError("its statement is not in the form we write")
    return record, statement


def _parsed(kind: type[P], body: bytes) -> P:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        what = f"{where}: {problem['msg']}" if where else problem["msg"]
        newer = where == "schema" and problem["type"] == "literal_error"
        said = "it is in a form that is not known here" if newer else f"it cannot be read: {what}"
        raise ValueError(said) from None


def is_planner(name: str, approver: Approver, planner: Planner) -> bool:
    """Whether this person made the plan, under any of the names that are known."""
    logins = (approver.github,) if approver.github else ()
    known = {each.lower() for each in (name, *approver.emails, *approver.accounts, *logins)}
    addresses = [each for each in (planner.who, planner.email) if each]
    planning = (*addresses, *(each.partition("@")[0] for each in addresses), planner.account)
    return any(each.lower() in known for each in planning if each)


def judge(
    checked: Sequence[Checked],
    manifest: Manifest,
    *,
    approvers: Mapping[str, Approver],
    now: dt.datetime,
    needed: int,
    valid: dt.timedelta,
    reviewers: str | None = None,
) -> Verdict:
    """Which approvals count for this bundle, now; `valid` is how long the inventory lets one count.

    `reviewers` is the environment on GitHub whose reviewers' word counts, None if nobody's there does.
    """
    accepted: dict[str, Accepted] = {}
    refused: list[tuple[str, str]] = []
    for each in sorted(checked, key=_order):
        statement, why = each.statement, _why_not(each, manifest, approvers, now=now, needed=needed, valid=valid)
        if why is None and each.review is not None:
            why = _why_not_of(each.review, manifest, commit=each.commit, reviewers=reviewers)
        if why is None and statement is not None and statement.approver in accepted:
            why = "this person has approved already, and people are counted"
        if why is None and statement is not None:
            accepted[statement.approver] = Accepted(
                approver=statement.approver,
                created=statement.created,
                expires=_end(statement, manifest, valid),
                comment=statement.comment,
            )
        else:
            refused.append((each.name, why or "it cannot be read"))
    return Verdict(needed=needed, accepted=tuple(accepted.values()), refused=tuple(refused))


def _order(each: Checked) -> tuple[float, str]:
    return (each.statement.created.timestamp() if each.statement else 0.0, each.name)


def _end(statement: Statement, manifest: Manifest, valid: dt.timedelta) -> dt.datetime:
    return min(statement.expires, statement.created + valid, manifest.expires)


def _why_not(
    each: Checked,
    manifest: Manifest,
    approvers: Mapping[str, Approver],
    *,
    now: dt.datetime,
    needed: int,
    valid: dt.timedelta,
) -> str | None:
    """Why an approval does not count, whoever else has approved."""
    statement = each.statement
    if statement is None or each.signer is None:
        return each.why or "its signature is not valid"
    if each.signer != statement.approver:
        by = "the key that signed it" if each.review is None else "the review"
        return f"it says `{statement.approver}`, and {by} is `{each.signer}`'s"
    approver = approvers.get(statement.approver)
    if approver is None:
        return f"`{statement.approver}` is none of the inventory's approvers"
    for what, wanted, said in (
        ("project", manifest.project.name, statement.project),
        ("environment", manifest.environment, statement.environment),
        ("target", manifest.target, statement.target),
        ("plan", manifest.id, statement.plan),
    ):
        if wanted != said:
            return f"it is for {what} `{said}`, and this is `{wanted}`"
    if statement.bundle != manifest.bundle_digest:
        return "it is for a bundle with another digest: the plan is not the one that was approved"
    if statement.created > now + SKEW:
        return f"it was made at {moment(statement.created)}, which is yet to come: a clock is wrong"
    end = _end(statement, manifest, valid)
    if now >= end:
        return f"it expired at {moment(end)}"
    if needed > 1 and is_planner(statement.approver, approver, manifest.planner):
        return f"`{statement.approver}` made the plan, and where {needed} are needed that one does not count"
    return None


def _why_not_of(review: Review, manifest: Manifest, *, commit: str | None, reviewers: str | None) -> str | None:
    """Why a review that GitHub confirms is none of this bundle."""
    made = manifest.run
    if reviewers is None:
        return "the inventory names no environment on GitHub whose reviewers may approve (approvals.github_environment)"
    if review.environment != reviewers:
        return f"it was given at GitHub's environment `{review.environment}`, and what counts is `{reviewers}`"
    if made is None or (made.repository.lower(), made.run) != (review.repository.lower(), review.run):
        where = f"run {made.run} of {made.repository}" if made else "no run"
        return f"it is for run {review.run} of {review.repository}, and the plan was made in {where}"
    if made.attempt != "1":
        # GitHub keeps the reviews of all attempts, and does not say of which one each is.
        return f"the plan was made in attempt {made.attempt} of run {made.run}, and a review may be of an earlier one"
    if manifest.commit is None or commit != manifest.commit:
        return (
            f"its run is for commit {(commit or 'unknown')[:12]}, and the plan for {(manifest.commit or 'none')[:12]}"
        )
    return None
