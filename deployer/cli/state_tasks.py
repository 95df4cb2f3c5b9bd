"""Tasks about locks: state.unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from invoke.tasks import Task

TASKS: Final[tuple[Task[Any], ...]] = ()
