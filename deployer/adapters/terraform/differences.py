"""What differs between a resource now and a resource planned, line by line: `~ path: old -> new`.

Before and after are walked together, so that what stays the same costs next to nothing. Items of a list are compared
with the items that they were: one more at its beginning is one addition, not a change of all that follow. Sensitive
values are compared and never shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

UNKNOWN: Final = "(known after apply)"
SENSITIVE: Final = "(sensitive)"
# Above this product of lengths, lists are compared item by item: the work of finding moved ones grows with it.
_COMPARABLE: Final = 1_000_000
# Attributes by which an item of a list is the same one after it was changed.
_NAMES: Final = ("ref", "id", "key", "name", "hostname", "description")


_show: Final = json.JSONEncoder(ensure_ascii=False).encode
_compare: Final = json.JSONEncoder(sort_keys=True).encode
_Found = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class _Node:
    """A value at a path, with what Terraform says of it: what is sensitive in it, what only the apply will tell."""

    value: Any
    hidden: Any = None
    unknown: Any = None

    def part(self, key: Any) -> _Node:
        """What lies under a key or an index."""
        return _Node(_at(self.value, key), _at(self.hidden, key), _at(self.unknown, key))

    @property
    def keys(self) -> list[str]:
        """The keys, if it is a mapping with something in it."""
        return [] if self.hidden is True else _keys(self.value, self.unknown)

    @property
    def items(self) -> list[_Node]:
        """The items, if it is a list in which more than plain values stand."""
        length = 0 if self.hidden is True else _length(self.value, self.hidden, self.unknown)
        return [self.part(index) for index in range(length)]

    @property
    def bare(self) -> bool:
        """Whether there is nothing in it, so that parts may come or go without a word about the whole."""
        return self.hidden is not True and self.value in (None, {}, [])

    def same(self, other: _Node) -> bool:
        """Whether nothing changes from this to the other one."""
        return self.hidden == other.hidden and _equal(self.value, other.value) and not _any(other.unknown)


_NOTHING: Final = _Node(None)


def attribute_lines(change: Mapping[str, Any], *, forces: Sequence[str]) -> Iterator[str]:
    """The lines of one resource's change, as `terraform show -json` describes it."""
    old = _Node(change.get("before"), change.get("before_sensitive"))
    new = _Node(change.get("after"), change.get("after_sensitive"), change.get("after_unknown"))
    if change["actions"] in (["delete"], ["forget"]):
        new = _NOTHING
    forced = frozenset(forces)
    for sign, path, text in _changed(old, new, ""):
        yield f"{sign} {path}: {text}{'  # forces replacement' if path in forced else ''}"


def _changed(old: _Node, new: _Node, path: str) -> _Found:
    if old.value is None:
        for place, text in _leaves(new.value, new.hidden, new.unknown, path):
            yield "+", place, text
    elif new.unknown is True and (old.keys or old.items):
        # The parts of now say nothing about what becomes of the whole.
        yield from _changed(_NOTHING, new, path)
    elif new.unknown is not True and new.value is None and not new.unknown:
        for place, text in _leaves(old.value, old.hidden, None, path):
            yield "-", place, text
    elif not old.same(new):
        yield from _altered(old, new, path)


def _altered(old: _Node, new: _Node, path: str) -> _Found:
    """What differs between two things that are both there."""
    keys, items = (old.keys, new.keys), (old.items, new.items)
    if any(keys) and (keys[0] or old.bare) and (keys[1] or new.bare):
        for key in sorted({*keys[0], *keys[1]}):
            yield from _changed(old.part(key), new.part(key), f"{path}.{key}" if path else key)
    elif any(items) and (items[0] or old.bare) and (items[1] or new.bare):
        yield from _items(*items, path)
    elif any(keys) or any(items):
        # One kind of thing becomes another.
        yield from _changed(old, _NOTHING, path)
        yield from _changed(_NOTHING, new, path)
    else:
        before, after = (_text(each.value, each.hidden, each.unknown) for each in (old, new))
        if before != after or (after == SENSITIVE and not _equal(old.value, new.value)):
            yield "~", path, f"{before} -> {after}"


def _leaves(value: Any, hidden: Any, unknown: Any, path: str) -> Iterator[tuple[str, str]]:
    """What there is, where there is nothing to compare it with. Null is the same as not there."""
    if value is None and not unknown:
        return
    if unknown is not True and hidden is not True:
        if keys := _keys(value, unknown):
            for key in keys:
                place = f"{path}.{key}" if path else key
                yield from _leaves(_at(value, key), _at(hidden, key), _at(unknown, key), place)
            return
        if length := _length(value, hidden, unknown):
            for index in range(length):
                yield from _leaves(_at(value, index), _at(hidden, index), _at(unknown, index), f"{path}[{index}]")
            return
    if value is not None or unknown is True:
        yield path, _text(value, hidden, unknown)


def _text(value: Any, hidden: Any, unknown: Any) -> str:
    """One value as it is shown."""
    if unknown is True:
        return UNKNOWN
    return SENSITIVE if _any(hidden) else _show(value)


def _keys(value: Any, unknown: Any) -> list[str]:
    """The keys of a mapping, in order; what it will have is one of them."""
    more = unknown if type(unknown) is dict else {}
    if type(value) is dict:
        return sorted({*value, *more}) if more else sorted(value)
    return sorted(more) if value is None else []


def _length(value: Any, hidden: Any, unknown: Any) -> int:
    """The length of a list in which more than plain values stand; else 0."""
    if type(value) is not list and not (value is None and type(unknown) is list):
        return 0
    known, more = value or [], unknown if type(unknown) is list else []
    marked = (type(hidden) is list and any(hidden)) or any(more)
    composed = marked or any(type(item) is dict or type(item) is list for item in known)
    return max(len(known), len(more)) if composed else 0


def _items(old: list[_Node], new: list[_Node], path: str) -> _Found:
    for start, end, to_start, to_end in _runs(old, new):
        pairs = min(end - start, to_end - to_start)
        for index in range(pairs):
            yield from _changed(old[start + index], new[to_start + index], f"{path}[{to_start + index}]")
        for index in range(start + pairs, end):
            yield from _changed(old[index], _NOTHING, f"{path}[{index}]")
        for index in range(to_start + pairs, to_end):
            yield from _changed(_NOTHING, new[index], f"{path}[{index}]")


def _runs(old: list[_Node], new: list[_Node]) -> Iterator[tuple[int, int, int, int]]:
    """Where the lists differ: from and to in the old one, from and to in the new one."""
    shorter = min(len(old), len(new))
    start = _shared(old, new, range(shorter))
    end = _shared(old, new, range(-1, start - shorter - 1, -1))
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    if not before or not after or len(before) * len(after) > _COMPARABLE:
        yield start, len(old) - end, start, len(new) - end
        return
    for run in _alignment([_key(item) for item in before], [_key(item) for item in after], start, start):
        i, i_end, j, j_end = run
        if i_end - i == j_end - j:
            yield run
            continue
        # Which is which is told by what an item is called.
        names = [_name(item) for item in old[i:i_end]], [_name(item) for item in new[j:j_end]]
        yield from _alignment(*names, i, j, pairs=True)


def _alignment(
    old: Sequence[str], new: Sequence[str], at: int, to: int, *, pairs: bool = False
) -> Iterator[tuple[int, int, int, int]]:
    """Where two lists differ, as positions counted from `at` and `to`; with `pairs` also what is equal in them."""
    import difflib

    for tag, i, i_end, j, j_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if pairs or tag != "equal":
            yield at + i, at + i_end, to + j, to + j_end


def _name(item: _Node) -> str:
    """What an item is called among its like; empty if it has no name."""
    if item.hidden is not True and type(item.value) is dict:
        for key in _NAMES:
            if type(item.value.get(key)) is str:
                return f"{key}={item.value[key]}"
    return ""


def _shared(old: list[_Node], new: list[_Node], indices: Iterable[int]) -> int:
    """How many items are the same before the first that is not."""
    count = 0
    for index in indices:
        if not old[index].same(new[index]):
            break
        count += 1
    return count


def _key(item: _Node) -> str:
    """The same for items between which nothing changes."""
    return _compare([item.value, item.hidden]) + (str(id(item)) if _any(item.unknown) else "")


def _at(value: Any, key: Any) -> Any:
    if type(value) is dict:
        return value.get(key)
    if type(value) is list and type(key) is int:
        return value[key] if key < len(value) else None
    return None


def _equal(one: Any, other: Any) -> bool:
    # Python takes true and 1 for the same.
    return bool(one == other) and _compare(one) == _compare(other)


def _any(marks: Any) -> bool:
    """Whether anything is marked, as unknown or as sensitive."""
    if type(marks) is dict:
        return any(map(_any, marks.values()))
    if type(marks) is list:
        return any(map(_any, marks))
    return marks is True
