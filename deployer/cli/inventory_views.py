"""What config, envs and schema print; nothing but the inventory is read.

Each prints a table for people or one JSON document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.subject import begin
from deployer.errors import ConfigError, LocalDisk, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.cli.session import Session


def show_config(session: Session, *, env: str, key: str, settings: Sequence[str]) -> int:
    """Print effective values with their origins."""
    from deployer.inventory.cascade import leaves
    from deployer.inventory.origin import Origin, closest, dotted

    loaded = begin(session, env=env, sandbox=False, settings=settings).loaded
    effective = loaded.effective(env)
    rows: list[tuple[str, Any, Origin]] = []
    shared = {"project": loaded.inventory.project.model_dump(), "app": loaded.inventory.app.model_dump()}
    for values, origins in ((shared, loaded.origins), (effective.environment.model_dump(), effective.origins)):
        for path, value in leaves(values):
            rows.append((dotted(path), value, closest(origins, path) or Origin("built-in")))
    wanted = [row for row in rows if not key or row[0] == key or row[0].startswith(key + ".")]
    if not wanted:
        from deployer.inventory.suggest import nearest

        names = [row[0].split(".") for row in rows]
        meant = nearest(key, {".".join(name[:depth]) for name in names for depth in range(1, len(name) + 1)})
        raise UsageError(f"no key begins with `{key}`", hint=f"did you mean `{meant}`?" if meant else None)
    if session.json:
        session.answer(
            {
                "values": {
                    name: {
                        "value": _plain(value),
                        "layer": origin.layer,
                        **({"file": origin.file, "line": origin.line, "table": origin.table} if origin.file else {}),
                    }
                    for name, value, origin in wanted
                },
            }
        )
        return 0
    width = min(44, max(len(name) for name, _, _ in wanted))
    for name, value, origin in wanted:
        session.sink.data(f"{name:<{width}} = {_toml(_plain(value))}  {session.sink.paint(f'# {origin}', 'dim')}")
    return 0


def _plain(value: Any) -> Any:
    """A value as the file would write it: references without their empty parts."""
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if item is not None and (key, item) != ("required", True)}
    return list(value) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(_plain(item)) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def show_environments(session: Session) -> int:
    """Print a table of the environments."""
    loaded = session.inventory()
    environments = [(entry, loaded.sample(entry).environment) for entry in loaded.entries]
    rows: list[dict[str, Any]] = []
    for entry, environment in environments:
        sample = str(environment.number) if environment.number is not None else None
        host = environment.host.replace(sample, "{number}") if sample else environment.host
        rows.append(
            {
                "name": entry,
                "kind": environment.kind,
                "aliases": list(environment.aliases),
                "host": host,
                "stacks": list(environment.stacks),
                "protected": environment.guards.protected,
            }
        )
    if session.json:
        session.answer({"environments": rows})
        return 0
    cells = [
        (
            row["name"] + (f" ({', '.join(row['aliases'])})" if row["aliases"] else ""),
            row["kind"],
            row["host"],
            ",".join(row["stacks"]),
            "protected" if row["protected"] else "",
        )
        for row in rows
    ]
    session.table(("environment", "kind", "host", "stacks", "guards"), cells)
    return 0


def write_schema(session: Session, *, check: bool) -> int:
    """Write the JSON Schemas of the repository, or compare them."""
    from deployer.inventory.schema import FILE_NAME, schema_text
    from deployer.review.schema import schema_texts

    stale = [
        (session.root / name, text)
        for name, text in {FILE_NAME: schema_text(), **schema_texts()}.items()
        if _present(session.root / name) != text
    ]
    if not stale:
        session.sink.talk("the schemas are up to date")
    for path, text in stale:
        name = path.relative_to(session.root).as_posix()
        if check:
            raise ConfigError(f"{name} is not what the models say", place=str(path), hint="`inv schema` writes it")
        try:
            # No private files: they are part of the checkout.
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LocalDisk.of(error, path) from None
        session.sink.talk(f"wrote {name}")
    return 0


def _present(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    except OSError as error:
        raise LocalDisk.of(error, path, what="the schema cannot be read") from None
