"""The reader of positions sees what tomllib sees, and where."""

from __future__ import annotations

import textwrap
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.inventory.positions import KeyPath, parse_key, positions
from tests.support.inventory import text


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every key and element of parsed TOML."""
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    return {path} - {()} | {found for key, child in children for found in paths(child, (*path, key))}


NESTED = textwrap.dedent("""\
    # a comment = 1
    title = "a # no comment" # a comment

    [a.b]
    c.d = [1, 2, # inside
      { e = "x]}", 'f g' = [[], [3]] },
    ]
    "q.r" = '''
    [not.a.table]
    key = "value"
    '''
    when = 1979-05-27 07:32:00 # a date with a space

    [[list]]
    name = "one"
    [list.sub]
    x = \"\"\"ends with quotes \\\"\"\"\"\"
    [[list]]
    name = { "quoted" = { deep = true }, b.c = 1 }

    [ spaced . "out" ]
    y = +1_000
    """)


def test_every_kind_of_key_has_its_line_and_table() -> None:
    """Nested, inline, dotted, quoted, arrays of tables, multi-line strings."""
    found = positions(NESTED)

    assert set(found) == paths(tomllib.loads(NESTED))
    expected = {
        ("title",): (2, ""),
        ("a", "b", "c", "d"): (5, "[a.b]"),
        ("a", "b", "c", "d", 2, "f g"): (6, "[a.b]"),
        ("a", "b", "q.r"): (8, "[a.b]"),
        ("a", "b", "when"): (12, "[a.b]"),
        ("list", 0, "name"): (15, "[[list]]"),
        ("list", 0, "sub", "x"): (17, "[list.sub]"),
        ("list", 1, "name", "quoted", "deep"): (19, "[[list]]"),
        ("list", 1, "name", "b", "c"): (19, "[[list]]"),
        ("spaced", "out", "y"): (22, '[ spaced . "out" ]'),
    }
    assert {path: (found[path].line, found[path].table) for path in expected} == expected


def test_our_own_file_is_covered() -> None:
    """Every value of environments.toml has a position."""
    assert set(positions(text())) == paths(tomllib.loads(text()))


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True),
    st.text(alphabet="a.#[]{}=,\"'\\ é\t", min_size=0, max_size=4),
)
STRINGS = st.text(alphabet="ab \"'#[]{}=,\\\n.é", max_size=8)
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), STRINGS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def basic(value: str) -> str:
    """A basic string."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(letter, letter) for letter in value) + '"'


def written(draw: st.DrawFn, value: Any) -> str:
    """One of the ways in which TOML writes a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        ways = [basic(value)]
        if "'" not in value and "\n" not in value:
            ways.append(f"'{value}'")
        if "'''" not in value and not value.endswith("'"):
            ways.append(f"'''\n{value}'''")
        ways.append('"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""')
        return draw(st.sampled_from(ways))
    if isinstance(value, list):
        gap = draw(st.sampled_from(["", " ", "\n", " # ]},\n"]))
        return "[" + gap + f",{gap}".join(written(draw, item) + gap for item in value) + gap + "]"
    return "{ " + ", ".join(f"{written_key(draw, key)} = {written(draw, item)}" for key, item in value.items()) + " }"


def written_key(draw: st.DrawFn, key: str) -> str:
    """Bare, literal or basic."""
    ways = [basic(key)]
    if key and key.isascii() and key.replace("-", "a").replace("_", "a").isalnum():
        ways.append(key)
    if "'" not in key and "\t" not in key:
        ways.append(f"'{key}'")
    return draw(st.sampled_from(ways))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Some TOML text."""
    lines = [
        f"{written_key(draw, key)} = {written(draw, value)}"
        for key, value in draw(st.dictionaries(KEYS, VALUES, max_size=3)).items()
    ]
    for header, table in draw(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)).items():
        lines.append(f"[{written_key(draw, 't' + header)}.{written_key(draw, header)}]  # comment")
        lines += [f"{written_key(draw, key)}={written(draw, value)}" for key, value in table.items()]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# end"]))


@settings(max_examples=150, deadline=None)
@given(documents())
def test_the_reader_sees_the_same_keys_as_tomllib(document: str) -> None:
    """Whatever valid TOML it is given, no key is missed and none invented."""
    try:
        parsed = tomllib.loads(document)
    except tomllib.TOMLDecodeError:
        return  # e.g. a table that is also a key: not valid, never read

    assert set(positions(document)) == paths(parsed)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [("a", ("a",)), ("a.b-c", ("a", "b-c")), ('a."b.c" . d', ("a", "b.c", "d")), ("'x y'", ("x y",))],
)
def test_dotted_keys_are_split(given_text: str, expected: tuple[str, ...]) -> None:
    """The keys of --set are TOML's."""
    assert parse_key(given_text) == expected


@pytest.mark.parametrize("given_text", ["", "a.", ".a", "a b", "a=", 'a."b', "ä"])
def test_what_is_no_key_is_refused(given_text: str) -> None:
    """A ValueError, never an IndexError."""
    with pytest.raises(ValueError, match="no"):
        parse_key(given_text)
