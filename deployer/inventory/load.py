"""Reads environments.toml once and answers every question about it.

The only module of the inventory that touches the disk. `load` checks the whole file, all environments included, so that
a mistake in one is not found on the day it is deployed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from deployer.errors import ConfigError, UsageError
from deployer.inventory import checks, names
from deployer.inventory.base import Model
from deployer.inventory.cascade import Layered, Source, Table, fill, leaves
from deployer.inventory.ci import Ci
from deployer.inventory.model import App, Environment, Inventory, Project
from deployer.inventory.origin import Origin, dotted
from deployer.inventory.positions import KeyPath, Position, parse_key, positions
from deployer.inventory.problems import config_error
from deployer.inventory.suggest import unknown

FILE_NAME: Final = "environments.toml"
_TABLES: Final = ("project", "app", "ci", "defaults", "kinds", "environments")
_GUARDED: Final = (
    ("guards", "protected"),
    ("guards", "reviewed_only"),
    ("guards", "never_destroy"),
    ("approvals",),
    ("policy",),
    ("freezes",),
    ("plan",),
    ("project", "approvers"),
    ("project", "quotas"),
    ("lease",),
    ("host",),
    ("kind",),
)
"""What `--set` must not touch: guard rails that hold for everybody, who decides over a plan, and which environment it
is: by its kind and its host rules know what belongs to it and what is another's."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Effective:
    """One environment and where each of its values came from."""

    environment: Environment
    origins: Mapping[KeyPath, Origin]


@dataclass(frozen=True, slots=True)
class LoadedInventory:
    """The checked file. `root` is the folder it lies in; relative paths of the inventory start there."""

    root: Path
    file: str
    inventory: Inventory
    origins: Mapping[KeyPath, Origin]
    """Origins of [project] and [app], their keys with that first part."""
    entries: tuple[str, ...]
    """Environments as written in the file, templates included."""
    aliases: Mapping[str, str]
    _raw: Table
    _positions: Mapping[KeyPath, Position]
    _settings: tuple[tuple[tuple[str, ...], str], ...]
    _made: dict[object, Effective] = field(default_factory=dict, init=False, repr=False, compare=False)
    _kinds: dict[str, Layered] = field(default_factory=dict, init=False, repr=False, compare=False)

    def sample_name(self) -> str:
        """Return the name of some environment that exists without a number, for questions about all of them."""
        return next((entry for entry in self.entries if names.NUMBER not in entry), self.entries[0])

    def environment(self, name: str) -> Environment:
        """Return the environment that `name` (or its alias) means."""
        return self.effective(name).environment

    def effective(self, name: str) -> Effective:
        """Like `environment`, with the origin of every value."""
        return self._effective(names.resolve(name, self.entries, self.aliases), self._settings)

    def sample(self, entry: str) -> Effective:
        """Return an entry for checking and listing; a template gets the largest number, without `--set`."""
        filled = entry.replace(names.NUMBER, str(names.LARGEST_NUMBER))
        number = names.LARGEST_NUMBER if names.NUMBER in entry else None
        return self._effective(names.Resolved(entry, filled, number), ())

    def _effective(self, resolved: names.Resolved, settings: Sequence[tuple[tuple[str, ...], str]]) -> Effective:
        key = (resolved, tuple(settings))
        if key not in self._made:
            self._made[key] = self._make(resolved, settings)
        return self._made[key]

    def _make(self, resolved: names.Resolved, settings: Sequence[tuple[tuple[str, ...], str]]) -> Effective:
        own = self._raw["environments"][resolved.entry]
        place = self._place("environments", resolved.entry)
        kind = own.get("kind")
        kinds = self._raw.get("kinds", {})
        if not isinstance(kind, str) or kind not in kinds:
            message, hint = unknown("kind", str(kind), kinds) if kind is not None else ("`kind` is required", "")
            where = self._place("environments", resolved.entry, "kind") if kind is not None else place
            raise ConfigError(f"environments.{dotted((resolved.entry,))}: {message}", place=where, hint=hint or None)
        layered = self._below(kind).copy()
        source = Source("environment", ("environments", resolved.entry), own)
        layered.add(source, file=self.file, positions=self._positions)
        for path, text in settings:
            if path[0] not in ("project", "app"):
                layered.set(path, _parse_setting(layered.values, path, text), Origin("--set"))
        for given in ("name", "number"):
            if given in layered.values:
                raise ConfigError(
                    f"`{given}` is not set by hand; it follows from the table's name",
                    place=layered.origins[(given,)].place,
                )
        words = self._words(resolved)
        host = layered.values.get("host")
        if isinstance(host, str):
            layered.values["host"] = words["host"] = fill(host, words, path=("host",), origins=layered.origins)
        else:
            words["host"] = "?"  # the model says what is wrong with it
        values = fill(layered.values, words, origins=layered.origins)
        values["name"] = resolved.name
        if resolved.number is not None:
            values["number"] = resolved.number
        environment = _validated(Environment, values, layered.origins, place=place)
        checks.check_environment(environment, self.inventory.project, layered.origins, place=place)
        given_by_file: set[KeyPath] = {("name",), ("kind",)}
        if resolved.number is not None:
            given_by_file.add(("number",))
        origins = dict(layered.origins)
        known = {path[:length] for path in origins for length in range(1, len(path) + 1)}
        name_origin = Origin("environment", self.file, *self._at("environments", resolved.entry))
        built_in = Origin("built-in")
        for leaf, _ in leaves(environment.model_dump()):
            if leaf not in known:
                origins[leaf] = name_origin if leaf in given_by_file else built_in
        return Effective(environment, origins)

    def _below(self, kind: str) -> Layered:
        """What all environments of a kind have in common, laid once."""
        if kind not in self._kinds:
            layered = Layered()
            for source in (
                Source("defaults", ("defaults",), self._raw.get("defaults", {})),
                Source("kind", ("kinds", kind), self._raw["kinds"][kind]),
            ):
                layered.add(source, file=self.file, positions=self._positions)
            self._kinds[kind] = layered
        return self._kinds[kind]

    def _words(self, resolved: names.Resolved) -> dict[str, str]:
        project = self.inventory.project
        words = {"project": project.name, "zone": project.zone, "environment": resolved.name}
        if resolved.number is not None:
            words["number"] = str(resolved.number)
        return words

    def _at(self, *path: str) -> tuple[int, str]:
        position = self._positions.get(path)
        return (position.line, position.table) if position else (0, "")

    def _place(self, *path: str) -> str:
        return f"{self.file}:{self._at(*path)[0]}"


def load(root: Path, settings: Sequence[str] = ()) -> LoadedInventory:
    """Read the inventory in the folder `root`; `settings` are the values of `--set` (`worker.logs.enabled=false`)."""
    path = root / FILE_NAME
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {FILE_NAME}", place=str(root), hint="run from a checkout that has one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {FILE_NAME}: {error}", place=str(path)) from None
    return parse(text, root=root, settings=settings)


def parse(text: str, *, root: Path, settings: Sequence[str] = (), file: str = FILE_NAME) -> LoadedInventory:
    """Like `load`, for a text that is already read."""
    raw = _toml(text, file)
    where = positions(text.replace("\r\n", "\n"))
    for table in raw:
        if table not in _TABLES:
            message, hint = unknown("table", table, _TABLES)
            raise ConfigError(message, place=f"{file}:{where[(table,)].line}", hint=hint)
    for table in ("project", "app", "environments"):
        if not raw.get(table):
            raise ConfigError(f"table [{table}] is missing", place=file)
    _check_tables(raw, where, file)
    parsed_settings = tuple(_split_setting(setting) for setting in settings)
    for path, _ in parsed_settings:
        _refuse_guarded(path)
    layered = Layered()
    layered.add(Source("project", (), {"project": raw["project"]}), file=file, positions=where)
    layered.add(Source("app", (), {"app": raw["app"]}), file=file, positions=where)
    for path, setting in parsed_settings:
        if path[0] in ("project", "app"):
            layered.set(path, _parse_setting(layered.values, path, setting), Origin("--set"))
    layered.add(Source("ci", (), {"ci": raw.get("ci", {})}), file=file, positions=where)
    words = {"project": str(layered.values["project"].get("name")), "zone": str(layered.values["project"].get("zone"))}
    shared = fill(layered.values, words, origins=layered.origins)
    inventory = Inventory(
        project=_validated(Project, shared["project"], layered.origins, place=file, prefix="project"),
        app=_validated(App, shared["app"], layered.origins, place=file, prefix="app"),
        ci=_validated(Ci, shared["ci"], layered.origins, place=file, prefix="ci"),
    )
    checks.check_project(inventory.project, layered.origins)
    entries = tuple(raw["environments"])
    for entry in entries:
        names.check_entry(entry, place=f"{file}:{where[('environments', entry)].line}")
    loaded = LoadedInventory(
        root=root,
        file=file,
        inventory=inventory,
        origins=layered.origins,
        entries=entries,
        aliases=_aliases(raw["environments"], where, file),
        _raw=raw,
        _positions=where,
        _settings=parsed_settings,
    )
    samples = [loaded.sample(entry) for entry in entries]
    for sample in samples:
        checks.check_review(sample)
    checks.check_together(samples, entries)
    return loaded


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        if match:
            line, column = int(match.group(1)), int(match.group(2))
        else:
            lines = text.rstrip("\n").split("\n")
            line, column = len(lines), len(lines[-1]) + 1
        message = re.sub(r" \(at [^)]*\)$", "", str(error))
        shown = (text.split("\n")[line - 1 : line] or [""])[0].rstrip()
        raise ConfigError(
            f"this is not TOML: {message[:1].lower()}{message[1:]}",
            place=f"{file}:{line}:{column}",
            details=[shown, " " * (column - 1) + "^"] if shown else [],
            hint="mend the line and run the command again",
        ) from None


def _check_tables(raw: Table, where: Mapping[KeyPath, Position], file: str) -> None:
    """What must be a table is one, so that the cascade may rely on it."""
    for name in _TABLES:
        parts = [(name, raw.get(name, {}))]
        if name in ("kinds", "environments") and isinstance(raw.get(name), dict):
            parts += [(f"{name}.{key}", value) for key, value in raw[name].items()]
        for dotted_name, value in parts:
            if not isinstance(value, dict):
                at: KeyPath = tuple(dotted_name.split(".", 1))
                raise ConfigError(f"`{dotted_name}` must be a table", place=f"{file}:{where[at].line}")


def _aliases(environments: Table, where: Mapping[KeyPath, Position], file: str) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for entry, table in environments.items():
        given = table.get("aliases", [])
        if not isinstance(given, list):
            continue  # the model says what is wrong
        for alias in given:
            place = f"{file}:{where[('environments', entry, 'aliases')].line}"
            if alias in environments or alias in aliases:
                other = aliases.get(alias, alias)
                raise ConfigError(f"alias `{alias}` of `{entry}` is also a name of `{other}`", place=place)
            if given and names.NUMBER in entry:
                raise ConfigError(f"the template `{entry}` cannot have aliases", place=place)
            if isinstance(alias, str):
                aliases[alias] = entry
    return aliases


def _split_setting(setting: str) -> tuple[tuple[str, ...], str]:
    key, equals, value = setting.partition("=")
    try:
        # Without an equals sign the key is empty, which is no key.
        return parse_key(key.strip() if equals else ""), value.strip()
    except ValueError:
        raise UsageError(
            f"`--set {setting}` is not of the form key=value", hint="e.g. --set worker.logs.enabled=false"
        ) from None


def _refuse_guarded(path: tuple[str, ...]) -> None:
    """Refuse a setting that would take away what holds people back."""
    for guarded in _GUARDED:
        length = min(len(path), len(guarded))
        if path[:length] == guarded[:length]:
            raise UsageError(
                f"`{dotted(path)}` cannot be set on the command line: it decides what a run may do",
                hint=f"change it in {FILE_NAME}, where that is reviewed",
            )


def _parse_setting(values: Table, path: tuple[str, ...], text: str) -> Any:
    """Read the value as TOML, or as plain text where the present value is a text or it is no TOML."""
    present: Any = values
    for part in path:
        present = present.get(part) if isinstance(present, Mapping) else None
    is_text = isinstance(present, str) or (present is None and path[-2:-1] in (("variables",), ("kv",), ("r2",)))
    if is_text and not text.startswith(('"', "'")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _validated(model: type[M], values: Table, origins: Mapping[KeyPath, Origin], *, place: str, prefix: str = "") -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        here = {path[1:]: origin for path, origin in origins.items() if path[0] == prefix} if prefix else origins
        raise config_error(error, model, here, place=place, prefix=prefix) from None
