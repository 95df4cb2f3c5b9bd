"""The one place where errors become text and exit codes.

Every task body passes through `command`. A DeployError is one message with cause, place and next command; anything else
is our own mistake, whose traceback goes to a file and whose exit code is 70. Nothing else in the package exits, but for
`parsing` before there is a task.
"""

from __future__ import annotations

import errno
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoke.exceptions import Exit
from invoke.tasks import Task

from deployer.cli.session import Session
from deployer.cli.signals import ignore, interrupting
from deployer.errors import DeployError, InternalError, Interrupted, LocalDisk

if TYPE_CHECKING:
    from invoke.parser.argument import Argument

JSON_HELP = "print one JSON document on stdout"
SANDBOX_ONLY = "DEPLOYER_SANDBOX"
"""Variable with which every task that knows `--sandbox` has it."""
# What a disk, or the name of a file that somebody gave, does to whoever happens to meet it.
_OF_THE_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG})
COLOR_HELP = "colours on a terminal; --no-color or NO_COLOR turns them off"


def command(
    name: str,
    *,
    help: Mapping[str, str] | None = None,  # noqa: A002 -- Invoke's word
    lists: Sequence[str] = (),
    positional: Sequence[str] = (),
) -> Callable[[Callable[..., int]], Task[Any]]:
    """Make a task of a function that takes a Session and flags.

    `lists` are flags that may be repeated, `positional` those that need no name.
    """

    def decorate(body: Callable[..., int]) -> Task[Any]:
        @functools.wraps(body)
        def run(context: Any, **flags: Any) -> None:
            session = Session(
                root=Path(context.config.root),
                command=name,
                json=bool(flags.get("json", False)),
                color=bool(flags.get("color", True)),
            )
            if "sandbox" in flags:
                flags["sandbox"] = flags["sandbox"] or _sandbox_only(session)
            code = guarded(session, lambda: body(session, **flags))
            if code:
                raise Exit(code=code)

        texts = dict(help or {})
        code = body.__code__
        flags = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        for flag, text in (("json", JSON_HELP), ("color", COLOR_HELP)):
            if flag in flags:
                texts.setdefault(flag, text)
        return _Task(
            run, name=name.rpartition(".")[2], help=texts, positional=positional, iterable=lists, auto_shortflags=False
        )

    return decorate


class _Task(Task[Any]):
    """A task that can be asked for its flags more than once: Invoke empties the help texts while it reads them."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the flags and keep their texts."""
        texts = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = texts


def _sandbox_only(session: Session) -> bool:
    """Whether this process may act on the sandbox only, whatever the command line says: so does a rehearsal.

    It works in this one direction: nothing but a command line chooses the real clouds.
    """
    if not session.variables.get(SANDBOX_ONLY):
        return False
    session.sink.talk(f"note: {SANDBOX_ONLY} is set, so this acts on the sandbox")
    return True


def guarded(session: Session, body: Callable[[], int]) -> int:
    """Run `body` and return its exit code, or print what went wrong and return the error's."""
    try:
        with interrupting():
            return body()
    except DeployError as error:
        return _report(session, error)
    except KeyboardInterrupt:
        ignore()
        return _report(session, Interrupted("interrupted", hint="run the same command again; it goes on from here"))
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`).
        sys.stdout = None
        return 0
    except Exception as error:  # noqa: BLE001 -- the boundary: whatever it is, no traceback for the user
        return _report(session, _our_mistake(error))


def _our_mistake(error: Exception) -> DeployError:
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return LocalDisk.of(error, ".")
    internal = InternalError(f"unexpected {type(error).__name__}: {error}")
    internal.__cause__ = error
    return internal


def _report(session: Session, error: DeployError) -> int:
    from deployer.report.document import failure_document
    from deployer.report.text import error_lines

    if isinstance(error, InternalError):
        _log_mistake(session, error)
    sink = session.sink
    sink.status("")
    for number, line in enumerate(error_lines(error, width=sink.width)):
        sink.talk(sink.paint(line, "red", "bold") if number == 0 else line)
    _annotate(session, error)
    if session.json and not session.printed:
        session.document(
            failure_document(error, command=session.command, environment=session.environment, target=session.target)
        )
    return error.exit_code


def _annotate(session: Session, error: DeployError) -> None:
    """Show the error where it stands in the sources, if a job of GitHub Actions runs us."""
    from deployer.adapters.actions import Actions, annotation

    if Actions(variables=session.variables).running:
        text = error.message + (f"; {error.hint}" if error.hint else "")
        for message, place in error.points or ((text, error.place or ""),):
            session.sink.talk(annotation(message, place=place or None, title=f"inv {session.command}"))


def _log_mistake(session: Session, error: InternalError) -> None:
    """Write what a bug report needs, secrets masked, and point the message at it."""
    import platform
    import time
    import traceback

    from deployer.adapters.files import write_private

    path = session.work("log", f"mistake-{time.strftime('%Y%m%d-%H%M%S')}.md")
    text = "\n".join([
        "# Unexpected error", "",
        f"- command: inv {session.command} (environment {session.environment}, target {session.target})",
        f"- Python {platform.python_version()} on {platform.system()} {platform.machine()}", "",
        "```", "".join(traceback.format_exception(error.__cause__ or error)).rstrip(), "```", "",
    ])  # fmt: skip
    try:
        write_private(path, session.redactor.text(text))
    except LocalDisk:
        error.details = (*error.details, *session.redactor.text(text).splitlines())
        return
    error.place = error.place or str(path)
    error.hint = error.hint or f"this is a mistake in the deployer; please report it with {path}"
