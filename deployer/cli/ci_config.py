"""What a change means for the configuration, without asking any service: all that a fork's pull request is shown.

Compared are the effective values of every environment, as the two commits' inventories have them. They hold references
to secrets and never a value, so there is nothing in them that a stranger must not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.cli.ci_runs import actions_of, changed_paths, repository
from deployer.errors import DeployError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.cli.session import Session
    from deployer.inventory.load import LoadedInventory

Row = tuple[str, str, str, str]
_HEADER: Final = ("environment", "key", "before", "after")


def show_config(session: Session, *, base: str) -> int:
    """Print and summarise what differs between the base's inventory and this one."""
    from deployer.playbooks.affected import affected, names

    actions = actions_of(session)
    event = actions.event()
    loaded = session.inventory()
    commit = base or (event.base if event else None) or "origin/main"
    rows = compare(_inventory_at(session, commit), loaded)
    paths = changed_paths(session, event, base=base)
    found = affected(loaded, paths if paths is not None else (loaded.file,))
    actions.summary(_markdown(rows, names(found)))
    if session.json:
        session.answer({"affected": names(found), "changes": [_entry(row) for row in rows]})
        return 0
    session.sink.data(f"affects: {', '.join(names(found)) or 'no environment'}")
    if rows:
        session.table(_HEADER, rows)
    else:
        session.sink.data("the configuration of every environment stays as it is")
    return 0


def compare(before: LoadedInventory | None, after: LoadedInventory) -> list[Row]:
    """Every effective value that differs: environment, key, before, after; of a template one sample stands for all."""
    rows: list[Row] = []
    entries = dict.fromkeys((*(before.entries if before else ()), *after.entries))
    for entry in entries:
        old = _values(before, entry) if before and entry in before.entries else {}
        new = _values(after, entry) if entry in after.entries else {}
        if not old or not new:
            rows.append((entry, "(the environment)", "is there" if old else "none", "is there" if new else "none"))
            continue
        rows += [
            (entry, key, old.get(key, "none"), new.get(key, "none"))
            for key in dict.fromkeys((*old, *new))
            if old.get(key) != new.get(key)
        ]
    return rows


def _values(loaded: LoadedInventory, entry: str) -> Mapping[str, str]:
    import json

    from deployer.inventory.cascade import leaves
    from deployer.inventory.origin import dotted

    dumped: dict[str, Any] = loaded.sample(entry).environment.model_dump(mode="json")
    return {dotted(path): json.dumps(value, ensure_ascii=False, sort_keys=True) for path, value in leaves(dumped)}


def _inventory_at(session: Session, commit: str) -> LoadedInventory | None:
    """The inventory of another commit; None if that has none, or none that can be read."""
    from deployer.inventory.load import FILE_NAME, parse

    text = repository(session).text_at(commit, FILE_NAME)
    if text is None:
        raise UsageError(
            f"git knows no {FILE_NAME} in `{commit}`",
            hint="fetch the commit that this is compared with, or name another: `inv ci.config --base HEAD~1`",
        )
    try:
        return parse(text, root=session.root)
    except DeployError as error:
        session.sink.talk(f"note: the inventory of {commit[:12]} cannot be read by this deployer: {error.message}")
        return None


def _entry(row: Row) -> Mapping[str, str]:
    return dict(zip(_HEADER, row, strict=True))


def _markdown(rows: Sequence[Row], affected: Sequence[str]) -> str:
    from deployer.report.markdown import code, table

    lines = ["### The configuration after this change", ""]
    lines += [f"Can affect: {', '.join(code(name) for name in affected) or 'no environment'}.", ""]
    if not rows:
        return "\n".join([*lines, "Every effective value stays as it is."])
    return "\n".join([*lines, table(_HEADER, rows)])
