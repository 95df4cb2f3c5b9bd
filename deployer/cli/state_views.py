"""What the tasks that only look at states print: copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.subject import open_run

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.state_copies import Copy


def show_copies(session: Session, *, env: str, stack: str, sandbox: bool) -> int:
    """Print a table of the copies, newest first."""
    from deployer.playbooks.states import copies_of, known_stacks, look_at_states, require_stack

    wiring = open_run(session, env=env, sandbox=sandbox)
    look_at_states(wiring)
    stacks = [require_stack(wiring, stack)] if stack else known_stacks(wiring)
    found = [(each, copy, current) for each in stacks for copy, current in copies_of(wiring, each)]
    found.sort(key=lambda row: (row[1].modified, row[1].serial), reverse=True)
    if session.json:
        session.document({**_head(session, wiring), "copies": [_copy_document(*row) for row in found]})
        return 0
    if not found:
        session.sink.talk("no copies; each apply makes some")
        return 0
    rows = [
        (
            each,
            f"{copy.modified:%Y-%m-%d %H:%M}",
            copy.name.removesuffix(".enc").removesuffix(".tfstate"),
            _size(copy.size),
            _words(copy, current=current),
        )
        for each, copy, current in found
    ]
    table(session, ("stack", "written (UTC)", "lineage-serial-digest", "size", ""), rows)
    return 0


def _copy_document(stack: str, copy: Copy, current: bool) -> dict[str, Any]:
    return {
        "stack": stack,
        "name": copy.name,
        "key": copy.key,
        "written": copy.modified.isoformat(),
        "serial": copy.serial if copy.readable else None,
        "lineage": copy.lineage if copy.readable else None,
        "size": copy.size,
        "encrypted": copy.key_id is not None,
        "replaced": copy.replaced,
        "current": current,
    }


def _words(copy: Copy, *, current: bool) -> str:
    words = {
        "current": current,
        "replaced": copy.replaced and copy.readable,
        "unreadable": not copy.readable,
        "encrypted": copy.key_id is not None,
    }
    return ", ".join(word for word, holds in words.items() if holds)


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _head(session: Session, wiring: Wiring) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": session.command,
        "environment": wiring.environment.name,
        "target": session.target,
    }


def table(session: Session, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they need to be."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        text = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        session.sink.data(session.sink.paint(text, "bold") if number == 0 else text)
