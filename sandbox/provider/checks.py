"""The kinds of checks that the schema facts name, and the words that Terraform's users know them by.

A check that looks at another attribute names it by a path: `./x` is inside the attribute, `../x` beside it, `../../x`
beside what it is in, `/x.y` from the top. Knows values and nothing of resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import files
from .diagnostics import Diagnostics, Path
from .facts import Attribute
from .values import UNKNOWN, Dynamic, is_set

COMBINATION = "Invalid Attribute Combination"
_VALUE, _MATCH, _LENGTH = "Invalid Attribute Value", "Invalid Attribute Value Match", "Invalid Attribute Value Length"


@dataclass(frozen=True, slots=True)
class Checked:
    """An attribute under a check."""

    attribute: Attribute
    value: Any
    path: Path
    config: dict[str, Any]
    found: Diagnostics

    @property
    def where(self) -> str:
        """The path as messages write it."""
        return dotted(self.path)


def dotted(path: Path) -> str:
    """A path in words: rules[0].action."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


# -------------------------------------------------------------------------------------------------- other attributes


def resolve(start: Path, target: str) -> Path:
    """The place that a path of a check means, seen from the attribute that it belongs to."""
    if target.startswith("/"):
        return tuple(target[1:].split("."))
    place = list(start)
    for step in target.split("/"):
        if step == "..":
            place.pop()
        elif step != ".":
            place.append(step)
    return tuple(place)


def look(config: Any, path: Path) -> Any:
    """The value at a place, null where there is none."""
    value = config
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def expression(target: str) -> str:
    """A path of a check as messages quote it."""
    if target.startswith("/"):
        return target[1:]
    return ".".join("<" if step == ".." else step for step in target.split("/") if step != ".")


def _others(at: Checked, targets: list[str]) -> Iterator[tuple[Path, Any]]:
    for target in targets:
        place = resolve(at.path, target)
        yield place, look(at.config, place)


def _conflicts(at: Checked, targets: list[str]) -> None:
    for place, value in _others(at, targets) if is_set(at.value) else ():
        if is_set(value):
            text = f'Attribute "{dotted(place)}" cannot be specified when "{at.where}" is specified'
            at.found.error(COMBINATION, text, at.path)


def _requires(at: Checked, targets: list[str]) -> None:
    for place, value in _others(at, targets) if is_set(at.value) else ():
        if value is None:
            text = f'Attribute "{dotted(place)}" must be specified when "{at.where}" is specified'
            at.found.error(COMBINATION, text, at.path)


def _count(at: Checked, targets: list[str]) -> int | None:
    """How many of these and the attribute itself are set; None while one is unknown."""
    values = [at.value, *(value for _, value in _others(at, targets))]
    return None if UNKNOWN in values else sum(value is not None for value in values)


def _exactly_one(at: Checked, targets: list[str]) -> None:
    count = _count(at, targets)
    names = "[" + ",".join(expression(target) for target in targets) + "]"
    if count == 0:
        text = f"No attribute specified when one (and only one) of {names} is required"
        at.found.error(COMBINATION, text, at.path)
    elif count is not None and count > 1:
        text = f"{count} attributes specified when one (and only one) of {names} is required"
        at.found.error(COMBINATION, text, at.path)


def _at_least_one(at: Checked, targets: list[str]) -> None:
    if _count(at, targets) == 0:
        names = "[" + ",".join([*(expression(target) for target in targets), at.where]) + "]"
        at.found.error(COMBINATION, f"At least one attribute out of {names} must be specified", at.path)


def _quoted(values: list[Any]) -> str:
    return ", ".join("<null>" if value is None else f'"{value}"' for value in values)


def _only_if(at: Checked, arguments: list[Any]) -> None:
    target, *wanted = arguments
    value = look(at.config, resolve(at.path, target))
    if is_set(at.value) and value is not UNKNOWN and value not in wanted:
        rule = f"is {_quoted(wanted)}" if len(wanted) == 1 else f"is one of: {_quoted(wanted)}"
        at.found.error(COMBINATION, f'"{at.where}" can only be set if "{expression(target)}" {rule}', at.path)


def _needed_if(at: Checked, arguments: list[Any]) -> None:
    target, *wanted = arguments
    value = look(at.config, resolve(at.path, target))
    if at.value is None and is_set(value) and value in wanted:
        text = f'"{at.where}" has to be set if "{expression(target)}" is one of: {_quoted(wanted)}'
        at.found.error(COMBINATION, text, at.path)


# ---------------------------------------------------------------------------------------------------------- own value


def _one_of(at: Checked, allowed: list[Any]) -> None:
    if at.value.lower() not in [each.lower() for each in allowed]:
        _refuse_choice(at, " ".join(f'"{each}"' for each in allowed), f'"{at.value}"')


def _one_of_exactly(at: Checked, allowed: list[Any]) -> None:
    if at.value not in allowed:
        _refuse_choice(at, " ".join(f'"{each}"' for each in allowed), f'"{at.value}"')


def _one_of_numbers(at: Checked, allowed: list[Any]) -> None:
    if at.value not in allowed:
        _refuse_choice(at, " ".join(f'"{each}"' for each in allowed), _number(at, at.value))


def _refuse_choice(at: Checked, allowed: str, got: str) -> None:
    at.found.error(_MATCH, f"Attribute {at.where} value must be one of: [{allowed}], got: {got}", at.path)


def _number(at: Checked, value: float | Decimal) -> str:
    return str(int(value)) if at.attribute.integer else f"{value:f}" if isinstance(value, Decimal) else f"{value:.6f}"


def _outside(at: Checked, bad: bool, rule: str) -> None:
    if bad:
        at.found.error(_VALUE, f"Attribute {at.where} value must be {rule}, got: {_number(at, at.value)}", at.path)


def _between(at: Checked, bounds: list[Any]) -> None:
    low, high = bounds
    _outside(at, not low <= at.value <= high, f"between {_number(at, low)} and {_number(at, high)}")


def _at_least(at: Checked, bounds: list[Any]) -> None:
    _outside(at, at.value < bounds[0], f"at least {_number(at, bounds[0])}")


def _at_most(at: Checked, bounds: list[Any]) -> None:
    _outside(at, at.value > bounds[0], f"at most {_number(at, bounds[0])}")


def _length(at: Checked, bad: bool, rule: str) -> None:
    if bad:
        text = f"Attribute {at.where} string length must be {rule}, got: {len(at.value.encode())}"
        at.found.error(_LENGTH, text, at.path)


def _length_at_least(at: Checked, bounds: list[Any]) -> None:
    _length(at, len(at.value.encode()) < bounds[0], f"at least {bounds[0]}")


def _length_between(at: Checked, bounds: list[Any]) -> None:
    low, high = bounds
    _length(at, not low <= len(at.value.encode()) <= high, f"between {low} and {high}")


def _size(at: Checked, bad: bool, rule: str) -> None:
    if bad:
        kind = at.attribute.nesting or at.attribute.type[0]
        text = f"Attribute {at.where} {kind} must contain {rule} elements, got: {len(at.value)}"
        at.found.error(_VALUE, text, at.path)


def _size_at_least(at: Checked, bounds: list[Any]) -> None:
    _size(at, len(at.value) < bounds[0], f"at least {bounds[0]}")


def _size_at_most(at: Checked, bounds: list[Any]) -> None:
    _size(at, len(at.value) > bounds[0], f"at most {bounds[0]}")


def _matches(at: Checked, arguments: list[Any]) -> None:
    pattern, message = arguments
    if not re.search(pattern, at.value):
        rule = message or f"value must match regular expression '{pattern}'"
        at.found.error(_MATCH, f"Attribute {at.where} {rule}, got: {at.value}", at.path)


def _equals(at: Checked, arguments: list[Any]) -> None:
    if at.value is not arguments[0]:
        wanted, got = str(arguments[0]).lower(), str(at.value).lower()
        at.found.error(_VALUE, f"Attribute {at.where} value must be {wanted}, got: {got}", at.path)


def _each(at: Checked, arguments: list[Any]) -> None:
    entries = at.value.items() if isinstance(at.value, dict) else enumerate(at.value)
    for key, value in entries:
        if is_set(value):
            run(arguments[0], Checked(at.attribute, value, (*at.path, key), at.config, at.found))


def _keys(at: Checked, arguments: list[Any]) -> None:
    for key in at.value:
        run(arguments[0], Checked(at.attribute, key, (*at.path, key), at.config, at.found))


def _any(at: Checked, arguments: list[Any]) -> None:
    for check in arguments:
        trial = Diagnostics()
        run(check, Checked(at.attribute, at.value, at.path, at.config, trial))
        if not trial.failed:
            return
    at.found.found += trial.found


def _types(at: Checked, _arguments: list[Any]) -> None:
    if isinstance(at.value, Dynamic) and at.value.type not in ("number", "string", "dynamic"):
        at.found.error(
            "Value is not one of the allowed types",
            "The following types are allowed: basetypes.Float64Type, basetypes.StringType.",
            at.path,
        )


def _run_worker_first(at: Checked, _arguments: list[Any]) -> None:
    kind = at.value.type if isinstance(at.value, Dynamic) else "bool"
    inner = kind[1] if isinstance(kind, list) else []
    if kind not in ("bool", ["list", "string"]) and not (
        kind[0] == "tuple" and all(each == "string" for each in inner)
    ):
        at.found.error("Invalid type for run_worker_first", "Expected boolean or list/tuple of strings", at.path)


def _content_sha256(at: Checked, _arguments: list[Any]) -> None:
    content, file = at.config.get("content"), at.config.get("content_file")
    if is_set(content):
        got, source = files.digest(content.encode()), "content"
    elif is_set(file):
        source = f"content_file ({file})"
        try:
            got = files.digest(files.read(file))
        except OSError as error:
            text = f"Failed to calculate SHA-256 hash of file '{file}': failed to open file: {error.strerror}"
            at.found.error("Hash Calculation Error", text, at.path)
            return
    else:
        return
    if got != at.value:
        text = f"The provided SHA-256 hash '{at.value}' does not match the actual hash '{got}' of {source}"
        at.found.error("SHA-256 Hash Mismatch", text, at.path)


_OF_OTHERS: dict[str, Callable[[Checked, list[Any]], None]] = {
    "conflicts": _conflicts,
    "requires": _requires,
    "exactly_one": _exactly_one,
    "at_least_one": _at_least_one,
    "only_if": _only_if,
    "needed_if": _needed_if,
}
_OF_VALUE: dict[str, Callable[[Checked, list[Any]], None]] = {
    "one_of": _one_of,
    "one_of_exactly": _one_of_exactly,
    "one_of_numbers": _one_of_numbers,
    "between": _between,
    "at_least": _at_least,
    "at_most": _at_most,
    "length_at_least": _length_at_least,
    "length_between": _length_between,
    "size_at_least": _size_at_least,
    "size_at_most": _size_at_most,
    "matches": _matches,
    "equals": _equals,
    "each": _each,
    "keys": _keys,
    "any": _any,
    "types": _types,
    "run_worker_first": _run_worker_first,
    "content_sha256": _content_sha256,
}


def run(check: list[Any], at: Checked) -> None:
    """Run one check; kinds that are not known here are left to the API."""
    kind, *arguments = check
    if kind in _OF_OTHERS:
        _OF_OTHERS[kind](at, arguments)
    elif kind in _OF_VALUE and is_set(at.value):
        _OF_VALUE[kind](at, arguments)


__all__ = ["COMBINATION", "Checked", "dotted", "look", "resolve", "run"]
