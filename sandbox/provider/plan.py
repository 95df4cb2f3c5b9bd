"""What Terraform is told will happen: defaults, values that only the apply will know, and what forces a replacement.

The order is the plugin framework's: defaults where the configuration says nothing; if then anything differs from the
state, every computed attribute without a configured value or default becomes unknown; then the attributes' own rules
run from the outside in. Knows nothing of requests and of single types.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from .diagnostics import Diagnostics, Path
from .facts import Attribute
from .modifiers import MODIFIERS, Place
from .values import UNKNOWN, Dynamic, equal


@dataclass(slots=True)
class Plan:
    """A plan in the making."""

    config: dict[str, Any]
    state: dict[str, Any] | None  # None: the resource is created
    value: dict[str, Any]
    replace: list[Path] = field(default_factory=list)
    private: dict[str, str] = field(default_factory=dict)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    @property
    def changed(self) -> bool:
        """Whether the planned value differs from the state."""
        return self.state is None or not equal(self.value, self.state)


def make(attributes: dict[str, Attribute], plan: Plan) -> None:
    """Turn Terraform's proposal, which `plan.value` holds at first, into the plan."""
    plan.value = with_defaults(attributes, plan.value, plan.config)
    if plan.changed:
        plan.value = mark_unknown(attributes, plan.value, plan.config)
    plan.value = _modify(attributes, plan, plan.value, plan.config, plan.state, ())
    plan.replace = sorted({_up_to_set(attributes, path) for path in plan.replace}, key=str)


def _up_to_set(attributes: dict[str, Attribute], path: Path) -> Path:
    """A path cut short at the first set, whose elements have no place to point at."""
    for n, step in enumerate(path):
        if isinstance(step, int) or step not in attributes:  # an element of a list or map
            continue
        attribute = attributes[step]
        if attribute.nesting == "set":
            return path[: n + 1]
        attributes = attribute.attributes or attributes
    return path


# --------------------------------------------------------------------------------------------------------- defaults


def _is_null(config: Any) -> bool:
    return config is None or (isinstance(config, Dynamic) and config.value is None)


def with_defaults(attributes: dict[str, Attribute], value: dict[str, Any], config: Any) -> dict[str, Any]:
    """Fill in defaults wherever the configuration is null, inside out."""
    known = config if isinstance(config, dict) else {}
    out = {}
    for name, attribute in attributes.items():
        item, configured = value.get(name), known.get(name)
        if attribute.nesting:
            item = _each(attribute, item, configured, with_defaults)
        out[name] = deepcopy(attribute.default) if attribute.has_default and _is_null(configured) else item
    return out


def mark_unknown(attributes: dict[str, Attribute], value: dict[str, Any], config: Any) -> dict[str, Any]:
    """Make every computed attribute unknown that neither the configuration nor a default sets, inside out."""
    known = config if isinstance(config, dict) else {}
    out = {}
    for name, attribute in attributes.items():
        item, configured = value.get(name), known.get(name)
        if attribute.nesting:
            item = _each(attribute, item, configured, mark_unknown)
        open_ = attribute.computed and configured is None and not attribute.has_default
        out[name] = UNKNOWN if open_ else item
    return out


def _each(attribute: Attribute, value: Any, config: Any, change: Any) -> Any:
    """Apply a change to every object of a nested attribute."""
    if value is None or value is UNKNOWN:
        return value
    if attribute.nesting == "single":
        return change(attribute.attributes, value, config)
    if attribute.nesting == "map":
        entries = config if isinstance(config, dict) else {}
        return {key: change(attribute.attributes, item, entries.get(key)) for key, item in value.items()}
    items = config if isinstance(config, list) else []
    if attribute.nesting == "set":  # an element of a set is found by its value alone
        return [
            change(attribute.attributes, item, next((one for one in items if equal(one, item)), None)) for item in value
        ]
    return [change(attribute.attributes, item, items[n] if n < len(items) else None) for n, item in enumerate(value)]


# -------------------------------------------------------------------------------------------------------- modifiers


def _modify(
    attributes: dict[str, Attribute], plan: Plan, value: dict[str, Any], config: Any, state: Any, path: Path
) -> dict[str, Any]:
    configs = config if isinstance(config, dict) else {}
    states = state if isinstance(state, dict) else {}
    out = dict(value)
    for name, attribute in attributes.items():
        here = (*path, name)
        configured, before = configs.get(name), states.get(name)
        item = value.get(name)
        item = _keep(attribute, plan, item, configured, before)
        for modifier in attribute.modifiers:
            place = Place(attribute, item, configured, before, value, plan.state is None, here, modifier, plan)
            item = MODIFIERS[modifier.partition(":")[0]](place)
        if replaces(attribute, plan, item, configured, before):
            plan.replace.append(here)
        if attribute.nesting and item is not None and item is not UNKNOWN:
            item = _modify_nested(attribute, plan, item, configured, before, here)
        out[name] = item
    return out


def _keep(attribute: Attribute, plan: Plan, item: Any, configured: Any, before: Any) -> Any:
    if plan.state is None or item is not UNKNOWN or configured is UNKNOWN:
        return item
    if attribute.keep == "state" or (attribute.keep == "non_null" and before is not None):
        return before
    return item


def replaces(attribute: Attribute, plan: Plan, item: Any, configured: Any, before: Any) -> bool:
    """Whether the change of this attribute replaces the resource."""
    if attribute.replace is None or plan.state is None or equal(item, before):
        return False
    return attribute.replace == "always" or not _is_null(configured)


def _modify_nested(attribute: Attribute, plan: Plan, item: Any, config: Any, state: Any, path: Path) -> Any:
    inner = attribute.attributes
    if attribute.nesting == "single":
        return _modify(inner, plan, item, config, state, path)
    if attribute.nesting == "map":
        configs = config if isinstance(config, dict) else {}
        states = state if isinstance(state, dict) else {}
        return {
            key: _modify(inner, plan, each, configs.get(key), states.get(key), (*path, key))
            for key, each in item.items()
        }
    return [_modify(inner, plan, each, _at(config, n), _at(state, n), (*path, n)) for n, each in enumerate(item)]


def _at(value: Any, n: int) -> Any:
    return value[n] if isinstance(value, list) and n < len(value) else None


def walk(attributes: dict[str, Attribute], value: Any, path: Path = ()) -> Iterator[tuple[Attribute, Any, Path]]:
    """Every attribute of a value with its place, from the outside in."""
    for name, attribute in attributes.items():
        item, here = value.get(name), (*path, name)
        yield attribute, item, here
        if not attribute.nesting or item is None or item is UNKNOWN:
            continue
        if attribute.nesting == "single":
            yield from walk(attribute.attributes, item, here)
        elif attribute.nesting == "map":
            for key, each in item.items():
                yield from walk(attribute.attributes, each, (*here, key))
        else:
            for n, each in enumerate(item):
                if each is not None and each is not UNKNOWN:
                    yield from walk(attribute.attributes, each, (*here, n))
