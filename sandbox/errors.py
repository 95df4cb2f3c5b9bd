"""What the sandbox says when it cannot do what it was asked: a cause, a next command, an exit code; no traceback."""

from __future__ import annotations


class SandboxError(Exception):
    """Base of every expected failure. `hint` is the next command."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SandboxError):
    """The input was wrong: a flag, the seed, a fault."""

    exit_code = 2


class NotRunningError(SandboxError):
    """Nothing answers, or it could not be started."""

    exit_code = 9


class PortInUseError(NotRunningError):
    """A port that the sandbox must have belongs to somebody else."""
