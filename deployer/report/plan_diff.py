"""The lines of a change's difference, as a person would want them.

Steps write every difference in full (`Change.detail`). Here it becomes readable: where a value changed is shown, and
what stayed the same in it is left out; texts are compared by lines, lists and JSON by their parts. It knows neither
colours nor Markdown.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from deployer.engine.change import Action, Change

_NOTE: Final = "  # forces replacement"
_UNKNOWN: Final = "(known after apply)"
# What stands in a difference in place of a value.
_STAND_INS: Final = (_UNKNOWN, "(sensitive)")
_DECODER: Final = json.JSONDecoder()
# Around what changed in a long text, this much of what stayed is shown.
_AROUND: Final = 12
# Above this product of line counts a text is not compared line by line: the work grows with it.
_COMPARABLE: Final = 250_000
_SEPARATOR: Final = " -> "
_MISSING: Final = " [{} more] "


class Line(NamedTuple):
    """One line: `+` added, `-` removed, `~` changed, a space for all else."""

    sign: str
    text: str


class _StandIn(str):
    """What is shown for a value that is not known or not to be seen."""

    __slots__ = ()


class _Attribute(NamedTuple):
    sign: str
    path: str
    value: str
    forced: bool


def change_detail(change: Change, *, room: int, whole: bool) -> list[Line]:
    """The lines of a change, those that force a replacement first, none wider than `room` if it can be helped.

    Without `whole`, long values are shortened, and what only the apply will tell is counted. What is deleted or
    forgotten has no lines then: all of it goes.
    """
    if not change.detail or (change.action in (Action.DELETE, Action.FORGET) and not whole):
        return []
    first: list[Line] = []
    then: list[Line] = []
    unknown = 0
    # From its head on, a unified diff has the rest of the lines.
    unified = named = False
    for line, following in itertools.pairwise([*change.detail.split("\n"), ""]):
        head = named or line.startswith("@@ ")
        named = line.startswith("--- ") and following.startswith("+++ ")
        head = head or named
        unified = unified or head
        attribute = None if unified else _attribute(line)
        if attribute is None:
            # The address says what the head says.
            if not head:
                then.append(_raw(line, room=room, whole=whole))
            elif whole:
                then.append(Line(" ", line))
            continue
        forced = attribute.forced or attribute.path in change.forces
        if not (whole or forced) and attribute.value.endswith(_UNKNOWN):
            unknown += 1
            continue
        (first if forced else then).extend(_readable(attribute, room=room, whole=whole))
    if unknown:
        then.append(Line(" ", f"{unknown} more known after apply"))
    return first + then


def capped(lines: Sequence[Line], *, most: int) -> list[Line]:
    """Not more than `most` lines; the rest is counted."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], Line(" ", f"... {len(lines) - most + 1} more lines")]


def shortened(text: str, *, room: int) -> str:
    """`text` without its middle, if it is longer than `room`; says how much is missing."""
    if len(text) <= room:
        return text
    missing, kept = 0, room
    # The mark takes room as well, and so more is missing; a digit more changes that again.
    while len(text) - kept > missing:
        missing = len(text) - kept
        kept = max(room - len(_MISSING.format(missing)), 0)
    return f"{text[: kept - kept // 2]}{_MISSING.format(missing)}{text[len(text) - kept // 2 :]}"


def _attribute(line: str) -> _Attribute | None:
    """The parts of a line such as `~ path: old -> new  # forces replacement`."""
    if line[:2] not in ("+ ", "- ", "~ "):
        return None
    forced = line.endswith(_NOTE)
    path, colon, value = line[2 : -len(_NOTE) if forced else None].partition(": ")
    return _Attribute(line[0], path, value, forced) if colon else None


def _raw(line: str, *, room: int, whole: bool) -> Line:
    """A line of a unified diff."""
    sign, text = (line[0], line[1:]) if line[:1] in ("+", "-", " ", "~") else (" ", line)
    return Line(sign, text if whole else shortened(text, room=room))


def _readable(attribute: _Attribute, *, room: int, whole: bool) -> Iterator[Line]:
    lines: Iterable[Line]
    if attribute.sign == "~":
        lines = _changed(attribute.path, attribute.value, room=room, whole=whole)
    else:
        lines = _there(attribute, room=room, whole=whole)
    for number, line in enumerate(lines):
        yield Line(line.sign, line.text + _NOTE) if attribute.forced and number == 0 else line


def _there(attribute: _Attribute, *, room: int, whole: bool) -> Iterator[Line]:
    """A value that appears or goes; a text of several lines is shown as such."""
    sign, path, value, _ = attribute
    if len(path) + len(value) + 2 > room and value.startswith('"') and "\\n" in value:
        decoded = _decoded(value)
        if isinstance(decoded, str):
            yield Line(sign, f"{path}:")
            texts = decoded.split("\n")
            for text in texts if whole else [shortened(text, room=room - 2) for text in texts]:
                yield Line(sign, f"  {text}")
            return
    yield Line(sign, f"{path}: {value if whole else shortened(value, room=max(room - len(path) - 2, 24))}")


def _changed(path: str, value: str, *, room: int, whole: bool) -> Iterator[Line]:
    """A value that becomes another."""
    if len(path) + len(value) + 2 <= room:
        yield Line("~", f"{path}: {value}")
        return
    pair = _old_and_new(value)
    if pair is None:
        yield Line("~", f"{path}: {value if whole else shortened(value, room=max(room - len(path) - 2, 24))}")
        return
    old, new = pair
    if type(old) is str and type(new) is str:
        parts = _nested(old), _nested(new)
        if parts[0] is not None and parts[1] is not None:
            yield Line("~", f"{path} (JSON):")
            yield from _by_part(parts[0], parts[1], room=room, whole=whole)
            return
        if "\n" in old or "\n" in new:
            yield Line("~", f"{path}:")
            yield from _by_line(old.split("\n"), new.split("\n"), room=room, whole=whole)
            return
    yield Line("~", f"{path}:")
    if isinstance(old, list) and isinstance(new, list):
        yield from _by_item(old, new, room=room, whole=whole)
    elif whole:
        yield Line("-", f"  {_text(old)}")
        yield Line("+", f"  {_text(new)}")
    else:
        before, after = _focused(_text(old), _text(new))
        yield from (
            Line("-", f"  {shortened(before, room=room - 2)}"),
            Line("+", f"  {shortened(after, room=room - 2)}"),
        )


def _old_and_new(value: str) -> tuple[Any, Any] | None:
    """Both sides of `old -> new`; an arrow inside a text is part of it."""
    try:
        old, end = _value_at(value, 0)
        if not value.startswith(_SEPARATOR, end):
            return None
        new, end = _value_at(value, end + len(_SEPARATOR))
    except (ValueError, RecursionError):
        return None
    return (old, new) if end == len(value) else None


def _value_at(text: str, start: int) -> tuple[Any, int]:
    for stand_in in _STAND_INS:
        if text.startswith(stand_in, start):
            return _StandIn(stand_in), start + len(stand_in)
    return _DECODER.raw_decode(text, start)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, _StandIn) else json.dumps(value, ensure_ascii=False)


def _nested(text: str) -> dict[str, str] | None:
    """A text that is itself JSON, as its leaves by path."""
    if text[:1] not in ("{", "["):
        return None
    value = _decoded(text)
    if not isinstance(value, dict | list) or not value:
        return None
    try:
        return dict(_leaves(value, ""))
    except RecursionError:
        return None


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _by_part(old: dict[str, str], new: dict[str, str], *, room: int, whole: bool) -> Iterator[Line]:
    def fitted(text: str) -> str:
        return text if whole else shortened(text, room=room - 2)

    same = 0
    for path in dict.fromkeys((*old, *new)):
        before, after = old.get(path), new.get(path)
        if before == after:
            same += 1
        elif before is None:
            yield Line("+", f"  {fitted(f'{path}: {after}')}")
        elif after is None:
            yield Line("-", f"  {fitted(f'{path}: {before}')}")
        else:
            yield Line("~", f"  {fitted(f'{path}: {before}{_SEPARATOR}{after}')}")
    yield from _unchanged(same)


def _by_item(old: list[Any], new: list[Any], *, room: int, whole: bool) -> Iterator[Line]:
    """What a list lost and gained; where it has the same items, their order changed."""
    before, after = [_text(item) for item in old], [_text(item) for item in new]
    lost, gained = Counter(before) - Counter(after), Counter(after) - Counter(before)
    for sign, items, changed in (("-", before, lost), ("+", after, gained)):
        for item in items:
            if changed[item] > 0:
                changed[item] -= 1
                yield Line(sign, f"  {item if whole else shortened(item, room=room - 2)}")
    same = len(before) - (Counter(before) - Counter(after)).total()
    if len(before) == len(after) == same:
        yield Line(" ", f"  the same {same} in another order")
    else:
        yield from _unchanged(same)


def _by_line(old: Sequence[str], new: Sequence[str], *, room: int, whole: bool) -> Iterator[Line]:
    from difflib import SequenceMatcher

    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    same = start + end
    # Whole lines are compared: looking for likeness within them takes more than quadratic time.
    blocks = [("replace", 0, len(before), 0, len(after))]
    if len(before) * len(after) <= _COMPARABLE:
        blocks = list(SequenceMatcher(None, before, after, autojunk=False).get_opcodes())
    for word, first, last, start_after, end_after in blocks:
        if word == "equal":
            same += last - first
            continue
        for sign, lines in (("-", before[first:last]), ("+", after[start_after:end_after])):
            for line in lines:
                yield Line(sign, f"  {line if whole else shortened(line, room=room - 2)}")
    yield from _unchanged(same, what="line")


def _unchanged(count: int, *, what: str = "") -> Iterator[Line]:
    if count:
        words = f"{count} {what}{'' if count == 1 else 's'}" if what else str(count)
        yield Line(" ", f"  {words} unchanged")


def _focused(old: str, new: str) -> tuple[str, str]:
    """Both texts with less of what they share at their beginnings and ends."""
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    head, tail = max(start - _AROUND, 0), max(end - _AROUND, 0)
    # A mark that is longer than what it stands for helps nobody.
    head, tail = (count if count > len(f"[{count} same] ") else 0 for count in (head, tail))

    def focused(text: str) -> str:
        before, after = (f"[{head} same] " if head else ""), (f" [{tail} same]" if tail else "")
        return f"{before}{text[head : len(text) - tail]}{after}"

    return focused(old), focused(new)


def _shared(one: Collection[str] | str, other: Collection[str] | str) -> int:
    """How many items both begin with."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count
