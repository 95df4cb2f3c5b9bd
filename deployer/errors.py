"""Every way in which a run may fail, as one tree.

A class carries the process's exit code and a reason word for machines; an instance carries the cause, the place
and the next command. Only `cli/boundary.py` catches them. This module knows no tool, no task and no terminal.

    DeployError
    |- StepFailed 1        RunTimedOut 1          LocalDisk 1
    |- Unswept 1
    |- UsageError 2        ConfigError 2          TemplateError 2
    |- ToolMissing 3       ToolTooOld 3
    |- CredentialsMissing 4  CredentialsRefused 4  SecretMissing 4
    |  `- NotPermitted 4
    |- ToolFailed 5        ToolTimedOut 5
    |- PlanChanged 6        PlanUnusable 6         PlanApplied 6
    |- StateLocked 7       EnvironmentLocked 7
    |- Unverified 8
    |- ServiceUnreachable 9  ServiceFailed 9      RateLimited 9
    |- ChangesPending 10
    |- GuardRefused 11      PolicyViolated 11      Frozen 11
    |- ApprovalMissing 12
    |- Damaged 13
    |- EnvironmentClosed 14   EnvironmentReopened 14
    |- QuotaReached 15
    |- InternalError 70
    `- Interrupted 130
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Self

_FREE_SPACE: Final = "free some space, then run the same command again"
_DISK_HINTS: Final = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.ENAMETOOLONG: "choose a shorter name",
}


class DeployError(Exception):
    """A failure that we understand: `message` is the cause, `place` where, `hint` what to type next.

    `details` are further lines for a person (a tool's last output, the places that were searched). `points` are its
    parts, each with a place of its own, for those who show them where they stand.
    """

    exit_code: ClassVar[int] = 1
    reason: ClassVar[str] = "failed"
    meaning: ClassVar[str] = "a failure without a class of its own"

    def __init__(
        self,
        message: str,
        *,
        place: str | None = None,
        hint: str | None = None,
        details: Sequence[str] = (),
        points: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint
        self.details = tuple(details)
        self.points = tuple(points)

    def __str__(self) -> str:
        return f"{self.message} ({self.place})" if self.place else self.message


class StepFailed(DeployError):
    """A step could not do its work, and no better class fits."""

    exit_code = 1
    reason = "step-failed"
    meaning = "a step failed"


class RunTimedOut(DeployError):
    """The whole run took longer than `--timeout`."""

    exit_code = 1
    reason = "run-timed-out"
    meaning = "the run took longer than `--timeout` allows"


class LocalDisk(DeployError):
    """The work folder cannot be written: full disk, permissions, read-only file system."""

    exit_code = 1
    reason = "local-disk"
    meaning = "the work folder cannot be written (disk full, permissions)"

    @classmethod
    def of(cls, error: OSError, path: object, *, what: str = "a file cannot be written") -> Self:
        """What the system said, with the file that it named, else `path`; whoever meets an OSError says it so."""
        return cls(
            f"{what}: {error.strerror or error}",
            place=str(error.filename or path),
            hint=_DISK_HINTS.get(error.errno or 0, "mend the permissions, then run the same command again"),
        )

    @classmethod
    def met_by(cls, title: str, *, log: object, details: Sequence[str]) -> Self:
        """A program that failed since it could not write; `title` is what people call it."""
        return cls(f"the disk is full, {title} could not write", place=str(log), hint=_FREE_SPACE, details=details)


class Unswept(DeployError):
    """A sweep could not remove, or could not even look at, everything; `details` list each thing and why."""

    exit_code = 1
    reason = "unswept"
    meaning = "a sweep could not remove everything, or a provider did not say what it has"


class UsageError(DeployError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2
    reason = "usage"
    meaning = "unknown task, flag, environment or tag, or flags that exclude each other"


class ConfigError(DeployError):
    """The inventory, or what it points at, is wrong."""

    exit_code = 2
    reason = "configuration"
    meaning = "the inventory is wrong"


class TemplateError(DeployError):
    """A template cannot be rendered."""

    exit_code = 2
    reason = "template"
    meaning = "a template uses an undefined name or has a syntax error"


class ToolMissing(DeployError):
    """A program that we need is nowhere; `details` list every place that was tried."""

    exit_code = 3
    reason = "tool-missing"
    meaning = "a program that the run needs was not found"


class ToolTooOld(DeployError):
    """A program was found, and its version does not do."""

    exit_code = 3
    reason = "tool-too-old"
    meaning = "a program is older than the run needs"


class CredentialsMissing(DeployError):
    """Credentials are not there; one error lists all missing names."""

    exit_code = 4
    reason = "credentials-missing"
    meaning = "credentials are not set"


class CredentialsRefused(DeployError):
    """A service answered 401 or 403."""

    exit_code = 4
    reason = "credentials-refused"
    meaning = "a service refused the credentials"


class NotPermitted(CredentialsRefused):
    """A token is good and may not do this; whoever only reports may go on without."""

    exit_code = 4
    reason = "not-permitted"
    meaning = "a token lacks a permission, as the one of a fork's pull request lacks writing"


class SecretMissing(DeployError):
    """A required secret has no value where the inventory says it is kept."""

    exit_code = 4
    reason = "secret-missing"
    meaning = "a required secret has no value"


class ToolFailed(DeployError):
    """A program ran and failed; `details` hold its last lines, `place` its log."""

    exit_code = 5
    reason = "tool-failed"
    meaning = "a program that the run calls failed"


class ToolTimedOut(DeployError):
    """A program did not end within its limit."""

    exit_code = 5
    reason = "tool-timed-out"
    meaning = "a program that the run calls did not end in time"


class PlanChanged(DeployError):
    """What would be applied is no longer what was reviewed."""

    exit_code = 6
    reason = "plan-changed"
    meaning = "the world changed after the plan that would be applied was made"


class PlanUnusable(DeployError):
    """A plan bundle cannot be used at all: incomplete, edited, of another repository, of a newer schema."""

    exit_code = 6
    reason = "plan-unusable"
    meaning = "the plan bundle is incomplete, was edited, or is none of ours"


class PlanApplied(DeployError):
    """A plan bundle is applied once."""

    exit_code = 6
    reason = "plan-applied"
    meaning = "the plan bundle was applied already"


class StateLocked(DeployError):
    """Somebody else holds Terraform's state lock."""

    exit_code = 7
    reason = "state-locked"
    meaning = "somebody else holds the Terraform state lock"


class EnvironmentLocked(DeployError):
    """Another run, here or elsewhere, is working on the same environment."""

    exit_code = 7
    reason = "environment-locked"
    meaning = "another run works on the same environment"


class Unverified(DeployError):
    """Everything was applied, but the live service does not prove it."""

    exit_code = 8
    reason = "unverified"
    meaning = "the live service does not show what was deployed"


class ServiceUnreachable(DeployError):
    """A service does not answer: refused, dropped, timed out, unknown host."""

    exit_code = 9
    reason = "service-unreachable"
    meaning = "a service does not answer"


class ServiceFailed(DeployError):
    """A service answered with an error that repeating did not cure."""

    exit_code = 9
    reason = "service-failed"
    meaning = "a service keeps answering with an error"


class RateLimited(DeployError):
    """A service told us to slow down for longer than we are ready to wait."""

    exit_code = 9
    reason = "rate-limited"
    meaning = "a service refuses because of its rate limit"


class ChangesPending(DeployError):
    """`inv plan`, or `--check --detailed-exitcode`, found something to change."""

    exit_code = 10
    reason = "changes-pending"
    meaning = "there is something to change (`inv plan`, or `--check --detailed-exitcode`)"


class GuardRefused(DeployError):
    """A guard rail of the environment forbids this."""

    exit_code = 11
    reason = "guard-refused"
    meaning = "a guard rail of the environment forbids it"


class PolicyViolated(DeployError):
    """A plan breaks a rule of the inventory's policy; `details` list each with its id, reason and place."""

    exit_code = 11
    reason = "policy-violated"
    meaning = "a plan breaks a rule of the policy"


class Frozen(DeployError):
    """A freeze window of the inventory is open."""

    exit_code = 11
    reason = "frozen"
    meaning = "a freeze window forbids changes now"


class ApprovalMissing(DeployError):
    """Fewer people have approved this very plan than the inventory asks for."""

    exit_code = 12
    reason = "approval-missing"
    meaning = "the plan has not been approved by as many people as the inventory asks for"


class Damaged(DeployError):
    """A state, a copy of one, or the ledger is not what it should be; nothing is done on top of it."""

    exit_code = 13
    reason = "damaged"
    meaning = "a state, a copy of a state or the ledger is damaged or contradicts itself"


class EnvironmentClosed(DeployError):
    """The ephemeral environment was closed, so nothing of it may be made; a run that was at it takes itself back."""

    exit_code = 14
    reason = "environment-closed"
    meaning = "the ephemeral environment was closed, so it is not made, or was taken back"


class EnvironmentReopened(DeployError):
    """The ephemeral environment was opened again while it was being removed; what is left stays for the next `up`."""

    exit_code = 14
    reason = "environment-reopened"
    meaning = "the ephemeral environment was opened again while it was being removed"


class QuotaReached(DeployError):
    """A provider has no room for another environment; `details` list which ones could go."""

    exit_code = 15
    reason = "quota-reached"
    meaning = "a quota of the inventory has no room for another ephemeral environment"


class InternalError(DeployError):
    """Our own mistake; the only failure that comes with a traceback, in a file."""

    exit_code = 70
    reason = "internal"
    meaning = "a mistake in the deployer itself; the message names the log"


class Interrupted(DeployError):
    """Ctrl-C or a termination signal."""

    exit_code = 130
    reason = "interrupted"
    meaning = "interrupted by Ctrl-C or a termination signal"


def error_classes() -> Sequence[type[DeployError]]:
    """All classes that are loaded, in the order of their exit codes (for the documentation and its test)."""

    def below(kind: type[DeployError]) -> Iterator[type[DeployError]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return sorted(below(DeployError), key=lambda kind: (kind.exit_code, kind.reason))
