"""Bodies of the tasks that show something and change nothing in the world.

config, envs, schema, render, outputs, open, doctor; each prints a table for people or one JSON document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.runs import find_environment
from deployer.errors import ConfigError, ToolMissing, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.cli.session import Session


def show_config(session: Session, *, env: str, key: str, settings: Sequence[str]) -> int:
    """Print effective values with their origins."""
    from deployer.inventory.cascade import leaves
    from deployer.inventory.origin import Origin, closest, dotted

    loaded = session.inventory(settings)
    find_environment(session, loaded, env, sandbox=False)
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
        session.document(
            {
                "schema": 1,
                "environment": effective.environment.name,
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
        session.document({"schema": 1, "environments": rows})
        return 0
    header = ("environment", "kind", "host", "stacks", "guards")
    table = [header] + [
        (
            row["name"] + (f" ({', '.join(row['aliases'])})" if row["aliases"] else ""),
            row["kind"],
            row["host"],
            ",".join(row["stacks"]),
            "protected" if row["protected"] else "",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    for line in table:
        session.sink.data("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def write_schema(session: Session, *, check: bool) -> int:
    """Write environments.schema.json, or compare it."""
    from deployer.inventory.schema import FILE_NAME, schema_text

    path = session.root / FILE_NAME
    present = path.read_text(encoding="utf-8") if path.exists() else None
    if present == schema_text():
        session.sink.talk(f"{FILE_NAME} is up to date")
        return 0
    if check:
        raise ConfigError(f"{FILE_NAME} is not what the models say", place=str(path), hint="`inv schema` writes it")
    path.write_text(schema_text(), encoding="utf-8")
    session.sink.talk(f"wrote {FILE_NAME}")
    return 0


def show_rendered(
    session: Session, *, env: str, sandbox: bool, write: bool, diff: bool, settings: Sequence[str]
) -> int:
    """Show, write or compare the rendered files."""
    from deployer.cli.targets import offline
    from deployer.engine.change import text_diff
    from deployer.engine.workfolder import WorkFolder
    from deployer.playbooks.render import render
    from deployer.playbooks.wiring import wire

    loaded = session.inventory(settings)
    environment = find_environment(session, loaded, env, sandbox=sandbox)
    folder = WorkFolder.of(session.root, target=str(session.target), environment=environment.name)
    wiring = wire(
        loaded=loaded,
        environment=environment,
        target=_sandbox_target_or(session, offline(session, loaded), sandbox=sandbox),
        folder=folder.path,
        stop=session.stop,
        redactor=session.redactor,
    )
    files = [(each.path, each.text) for each in render(wiring)]
    written = {path: _read(folder.path / path) for path, _ in files}
    differing = [path for path, text in files if written[path] != text]
    if session.json:
        session.document(
            {
                "schema": 1,
                "environment": environment.name,
                "target": session.target,
                "files": [{"path": str(path), "text": text, "differs": path in differing} for path, text in files],
            }
        )
    for path, text in files:
        if write and path in differing:
            _write(folder.make() / path, text)
            session.sink.talk(f"wrote {(folder.path / path).relative_to(session.root)}")
        elif diff and path in differing and not session.json:
            session.sink.data(text_diff(written[path], text, name=str(path)))
        elif not write and not diff and not session.json:
            session.sink.data(session.sink.paint(f"# {path}", "bold") + "\n" + text.rstrip("\n") + "\n")
    if (diff or write) and not differing:
        session.sink.talk(f"all {len(files)} files are as they were")
    return 0


def _sandbox_target_or(session: Session, other: Any, *, sandbox: bool) -> Any:
    """The sandbox's addresses if it runs; rendering does not start it."""
    from deployer.adapters.target import sandbox_target
    from deployer.cli.targets import sandbox_home

    connection = sandbox_home(session) / "connection.json"
    return sandbox_target(connection, session.variables) if sandbox and connection.exists() else other


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    import os

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def show_outputs(session: Session, *, env: str, sandbox: bool, settings: Sequence[str]) -> int:
    """Print the outputs of all stacks."""
    from deployer.cli.targets import connect
    from deployer.engine.workfolder import WorkFolder
    from deployer.playbooks.outputs import outputs
    from deployer.playbooks.wiring import wire

    loaded = session.inventory(settings)
    environment = find_environment(session, loaded, env, sandbox=sandbox)
    folder = WorkFolder.of(session.root, target=str(session.target), environment=environment.name)
    target = connect(session, loaded, environment, sandbox=sandbox)
    found = outputs(
        wire(
            loaded=loaded,
            environment=environment,
            target=target,
            folder=folder.make(),
            stop=session.stop,
            redactor=session.redactor,
        )
    )
    url = target.public_url(environment.host)
    if session.json:
        session.document(
            {
                "schema": 1,
                "environment": environment.name,
                "target": session.target,
                "url": url,
                "outputs": found,
            }
        )
        return 0
    session.sink.data(f"url = {url}")
    for stack, values in found.items():
        if not values:
            session.sink.talk(f"stack `{stack}` has no outputs; it may not be deployed yet")
        for name, value in values.items():
            session.sink.data(f"{stack}.{name} = {json.dumps(value, ensure_ascii=False)}")
    return 0


def open_site(session: Session, *, env: str, sandbox: bool, start_browser: bool) -> int:
    """Print the address of an environment and show it in the browser."""
    from deployer.cli.targets import connect

    loaded = session.inventory()
    environment = find_environment(session, loaded, env, sandbox=sandbox)
    url = connect(session, loaded, environment, sandbox=sandbox).public_url(environment.host)
    if session.json:
        session.document({"schema": 1, "environment": environment.name, "target": session.target, "url": url})
    else:
        session.sink.data(url)
    if start_browser and not session.json:
        import webbrowser

        if not webbrowser.open(url):
            session.sink.talk("no browser could be started here; open the address yourself")
    return 0


def examine(session: Session, *, env: str, sandbox: bool) -> int:
    """Print what doctor found; exit 3 if something needs mending."""
    from deployer.cli.targets import connect
    from deployer.engine.workfolder import WorkFolder
    from deployer.playbooks.doctor import examine as findings_of
    from deployer.playbooks.wiring import wire

    loaded = session.inventory()
    environment = find_environment(session, loaded, env or loaded.sample_name(), sandbox=sandbox)
    folder = WorkFolder.of(session.root, target=str(session.target), environment=environment.name)
    findings = findings_of(
        wire(
            loaded=loaded,
            environment=environment,
            target=connect(session, loaded, environment, sandbox=sandbox),
            folder=folder.make(),
            stop=session.stop,
            redactor=session.redactor,
        )
    )
    wrong = [finding for finding in findings if not finding.ok]
    if session.json:
        session.document(
            {
                "schema": 1,
                "environment": environment.name,
                "target": session.target,
                "ok": not wrong,
                "findings": [
                    {"subject": each.subject, "ok": each.ok, "text": each.text, "hint": each.hint} for each in findings
                ],
            }
        )
    else:
        width = max(len(each.subject) for each in findings)
        for each in findings:
            word = session.sink.paint("ok   ", "green") if each.ok else session.sink.paint("wrong", "red", "bold")
            session.sink.data(f"{word}  {each.subject:<{width}}  {each.text}")
            if each.hint and not each.ok:
                session.sink.data(f"       {'':<{width}}  mend: {each.hint}")
    if wrong:
        session.sink.talk(f"{len(wrong)} of {len(findings)} need mending")
        return ToolMissing.exit_code
    return 0
