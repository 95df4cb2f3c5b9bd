"""Calls `python -m sandbox VERB` and turns its refusals into our errors.

The sandbox is a program of its own: we know its verbs, its exit codes and the form of its messages, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployError, ServiceUnreachable, ToolFailed, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session

_ERRORS: dict[int, type[DeployError]] = {2: UsageError, 9: ServiceUnreachable}
_SECONDS = 120.0


def sandbox_home(session: Session) -> Path:
    """Where the sandbox keeps everything."""
    return Path(session.variables.get("SANDBOX_HOME") or session.root / ".sandbox")


def call_sandbox(session: Session, arguments: Sequence[str], *, stdin: str | None = None) -> str:
    """Run one verb and return what it printed on stdout."""
    from deployer.adapters.environ import inherited, python_program
    from deployer.adapters.process import Command, Processes

    verb, *rest = arguments
    home = sandbox_home(session)
    environment = inherited(session.variables)
    environment |= {name: session.variables[name] for name in ("XDG_CACHE_HOME",) if name in session.variables}
    processes = Processes(session.redactor, stop=session.stop.requested, hurried=session.stop.hurried)
    completed = processes.run(
        Command(
            argv=[python_program(), "-m", "sandbox", verb, "--home", str(home), *rest],
            title=f"sandbox {verb}",
            cwd=session.root,
            environment=environment,
            log=session.work("log", f"sandbox-{verb}.log"),
            timeout=_SECONDS,
            stdin=stdin.encode() if stdin is not None else None,
            success=frozenset(range(256)),
            log_stdout=False,
        )
    )
    if completed.returncode:
        raise _refusal(verb, completed.returncode, completed.last_lines, home=str(home))
    return completed.stdout


def _refusal(verb: str, code: int, lines: Sequence[str], *, home: str) -> DeployError:
    """Take cause and hint out of what it said: `error: ...` and `hint: ...`, or the usage message of its parser."""
    said = "\n".join(lines)
    message = re.search(r"^(?:python -m sandbox.*: )?error: (.+)$", said, re.MULTILINE)
    hint = re.search(r"^hint: (.+)$", said, re.MULTILINE)
    kind = _ERRORS.get(code, ToolFailed)
    if kind is UsageError:
        return kind(
            message.group(1) if message else f"`sandbox {verb}` does not understand these flags",
            hint=hint.group(1) if hint else f"`inv --help sandbox.{verb}` describes them",
        )
    return kind(
        message.group(1) if message else f"`sandbox {verb}` ended with exit code {code}",
        place=home,
        hint=hint.group(1) if hint else "`inv sandbox.down`, then `inv sandbox.up` starts it afresh",
        details=() if message else lines,
    )
