"""Turns what pydantic found wrong into one ConfigError with key, file and line.

The first problem is the message, the others are its details, so that a file is mended in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deployer.errors import ConfigError
from deployer.inventory.base import SecretRef
from deployer.inventory.model import FORMS
from deployer.inventory.origin import Origin, closest, dotted
from deployer.inventory.positions import KeyPath
from deployer.inventory.suggest import unknown

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}

_REFERENCE_HINT = (
    'write where the secret is kept: { aws = "secret id", key = "json key" } or { env = "NAME" }; '
    "a value that was committed must be replaced"
)


def config_error(
    error: ValidationError, model: type[BaseModel], origins: Mapping[KeyPath, Origin], *, place: str, prefix: str = ""
) -> ConfigError:
    """Describe `error`; `place` is said for problems that no origin fits, `prefix` leads key paths (`project`)."""
    found: dict[str, tuple[str, str | None, str]] = {}
    for problem in error.errors(include_url=False, include_context=True):
        path = _key_path(model, problem["loc"])
        message, hint = _describe(problem, model, path)
        key = dotted((prefix, *path) if prefix else path)
        origin = closest(origins, path) if path and problem["type"] != "missing" else None
        found.setdefault(key, (f"{key}: {message}" if key else message, hint, origin.place if origin else place))
    (message, hint, where), *others = found.values()
    return ConfigError(
        message,
        place=where,
        hint=hint or "`inv config --env NAME` shows where each value comes from",
        details=[f"also {text} ({spot})" for text, _, spot in others],
    )


def _describe(problem: Any, model: type[BaseModel], path: KeyPath) -> tuple[str, str | None]:
    kind, given = problem["type"], problem["input"]
    shown = _shown(given)
    if SecretRef in (_model_at(model, path), _model_at(model, path[:-1])) and isinstance(given, str | int | float):
        # Whoever writes something else than a reference here has most likely written the secret itself.
        shown = "a value that is not shown"
    hint = _REFERENCE_HINT if shown != _shown(given) else None
    if kind == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        message, hint = unknown("key", str(path[-1]), owner.model_fields if owner else ())
        return message, hint
    if kind == "missing":
        return "this key is required and nothing sets it", None
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {shown}", hint
    if kind == "literal_error":
        return f"{shown} is none of {problem['ctx']['expected']}", hint
    if kind == "string_pattern_mismatch":
        pattern = problem["ctx"]["pattern"]
        return f"{shown} is not {FORMS.get(pattern, f'of the form {pattern}')}", hint
    if kind == "string_too_long":
        longest = problem["ctx"]["max_length"]
        return f"{shown} has {len(given)} characters, at most {longest} are allowed", hint
    if kind == "string_too_short":
        return f"{shown} is shorter than {problem['ctx']['min_length']} characters", hint
    text = str(problem["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:], None


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"the text `{value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number `{value}`"
    if isinstance(value, list | tuple):
        return "a list"
    return "a table" if isinstance(value, Mapping) else f"`{value}`"


def _key_path(model: type[BaseModel], location: tuple[int | str, ...]) -> KeyPath:
    """Drop what pydantic adds to a location for itself (union members, `[key]`)."""
    path: list[int | str] = []
    for part in location:
        if part == "[key]":
            continue
        if path and part in ("str", "int") and _model_at(model, tuple(path)) is None:
            continue
        path.append(part)
    return tuple(path)


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """Return the model that describes the table at `path`."""
    current: type[BaseModel] | None = model
    annotation: Any = model
    for part in path:
        if current is not None and isinstance(part, str):
            field = current.model_fields.get(part)
            annotation = field.annotation if field else None
        else:
            arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
            annotation = arguments[-1] if arguments else None
        current = _model_in(annotation)
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel) and type(None) in get_args(annotation):
            return argument
    return None
