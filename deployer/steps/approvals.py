"""The approvals of a bundle: signing one, verifying those that are there, refusing a plan that has too few.

What counts is decided in `deployer/review/approval.py`; here records meet the tools that sign and verify.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.adapters.files import disk_errors
from deployer.adapters.signing import GpgKeyFile, GpgSigning, PublicKey, SshSigning, Verified
from deployer.errors import ApprovalMissing
from deployer.inventory.review import Approvals, Approver
from deployer.report.plan_words import safe
from deployer.review.approval import GITHUB, Checked, Record, Statement, Verdict, judge, read_record
from deployer.review.manifest import APPROVALS, Manifest
from deployer.review.risk import needed
from deployer.steps.bundle import Bundle
from deployer.steps.github_reviews import GitHubReviews
from deployer.words import Named, moment

_SUFFIX = ".json"

Check = Callable[[str, bytes], Checked]
"""`Signatures.check`, or one that remembers its answers: a signature is what it is, and GitHub was just asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that somebody signs with, and whose it is: None for one that the inventory does not list.

    `ssh` is where ssh-keygen finds it, None for an OpenPGP key; `name` is what the inventory would list.
    """

    name: str
    owner: str | None
    ssh: Path | PublicKey | None = None

    @property
    def method(self) -> str:
        """The record's word for it."""
        return "gpg" if self.ssh is None else "ssh"


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """Signs for a person and verifies for all. `root` is the folder in which the inventory lies."""

    ssh: SshSigning
    gpg: GpgSigning
    approvers: Mapping[str, Approver]
    root: Path
    # Who confirms reviews of runs.
    reviews: GitHubReviews

    def ssh_key(self, public: PublicKey, *, at: Path | None) -> Key:
        """The key at `at`, or one that an agent has, with its owner."""
        owners = (name for name, person in self.approvers.items() if public in map(PublicKey.of, person.ssh))
        return Key(name=public.line, owner=next(owners, None), ssh=at or public)

    def gpg_key(self, key: str) -> Key:
        """The secret key that `key` means to gpg, with its owner."""
        found = self.gpg.fingerprint(key)
        owners = (name for name, person in self.approvers.items() if person.gpg and person.gpg.fingerprint == found)
        return Key(name=found, owner=next(owners, None))

    def sign(self, statement: Statement, key: Key) -> Record:
        """The record of an approval."""
        if key.ssh is None:
            signature, fingerprint = self.gpg.sign(statement.text, fingerprint=key.name), key.name
        else:
            public = PublicKey.of(key.name)
            signature, fingerprint = self.ssh.sign(statement.text, key=key.ssh), public.fingerprint if public else ""
        return Record(method=key.method, statement=statement.text, signature=signature, key=fingerprint)

    def check(self, name: str, body: bytes) -> Checked:
        """Read a record and look at its signature; whatever is wrong with it is told, and is no error."""
        try:
            record, statement = read_record(body)
        except ValueError as error:
            return Checked(name=name, statement=None, signer=None, why=str(error))
        if record.method == GITHUB and record.review is not None:
            seen = self.reviews.confirm(record.review, self.approvers)
            return Checked(
                name=name,
                statement=statement,
                signer=seen.signer,
                why=seen.why,
                review=record.review,
                commit=seen.commit,
            )
        found = self._verify(record)
        return Checked(name=name, statement=statement, signer=found.signer, why=found.why)

    def _verify(self, record: Record) -> Verified:
        if record.method == "ssh":
            keys = {name: person.ssh for name, person in self.approvers.items() if person.ssh}
            return self.ssh.verify(record.statement, record.signature, allowed=keys)
        files = {
            name: GpgKeyFile(person.gpg.fingerprint, self.root / person.gpg.file)
            for name, person in self.approvers.items()
            if person.gpg is not None
        }
        return self.gpg.verify(record.statement, record.signature, allowed=files)


def records_in(bundle: Bundle) -> Mapping[str, bytes]:
    """The approvals that lie in a bundle's folder, by name."""
    folder = bundle.folder / APPROVALS
    with disk_errors(folder):
        files = sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.is_file() and not path.name.startswith("."))
        return {path.stem: path.read_bytes() for path in files}


def free_name(person: str, taken: Mapping[str, bytes]) -> str:
    """Under which name a new approval is kept: one that no longer counts stays where it is."""
    names = (person, *(f"{person}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken) + _SUFFIX


def verdict_over(
    manifest: Manifest,
    records: Mapping[str, bytes],
    *,
    check: Check,
    approvers: Mapping[str, Approver],
    asked: Approvals,
    now: dt.datetime,
) -> Verdict:
    """Who has approved this very bundle, and how many are missing; `asked` is what the inventory asks for."""
    return judge(
        [check(name, body) for name, body in records.items()],
        manifest,
        approvers=approvers,
        now=now,
        # Neither a rule of now nor one of then is undercut.
        needed=max(needed(manifest.risk, asked), manifest.needed),
        valid=dt.timedelta(minutes=asked.valid_minutes),
        reviewers=asked.github_environment,
    )


def refuse_unapproved(verdict: Verdict, manifest: Manifest, *, plan: str, place: str) -> None:
    """Refuse a plan that too few have approved; `plan` is what `--plan` takes, `place` where the number stands."""
    if not verdict.missing:
        return
    people = "1 more person has" if verdict.missing == 1 else f"{verdict.missing} more people have"
    named = Named(manifest.environment, manifest.target)
    raise ApprovalMissing(
        f"{people} to approve the plan: its risk is {manifest.risk}, which asks for {verdict.needed}",
        place=place,
        details=list(verdict_lines(verdict)),
        hint=f"let somebody else look at it, on their machine: `inv approve --plan {plan}{named.flags}`",
    )


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """A line for each approval: those that count, then the others with the reason."""
    for each in verdict.accepted:
        said = f": {safe(each.comment)}" if each.comment else ""
        yield f"approved by {each.approver}, {moment(each.created)}, until {moment(each.expires)}{said}"
    for name, why in verdict.refused:
        yield safe(f"not counted, {name}: {why}")
    if not verdict.accepted and not verdict.refused:
        yield "nobody has approved it"


def verdict_document(verdict: Verdict) -> dict[str, object]:
    """The same for other programs."""
    return {
        "needed": verdict.needed,
        "missing": verdict.missing,
        "accepted": [
            {
                "approver": each.approver,
                "created": each.created.isoformat(),
                "expires": each.expires.isoformat(),
                "comment": each.comment,
            }
            for each in verdict.accepted
        ],
        "refused": [{"name": name, "why": why} for name, why in verdict.refused],
    }
