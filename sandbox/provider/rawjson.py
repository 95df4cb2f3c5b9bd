"""Parse JSON and keep the text of every object and array, for attributes that hold JSON text as the API wrote it.

Knows nothing of attributes.
"""

from __future__ import annotations

import json
from json import decoder, scanner
from typing import Any

from .values import dump_json, number


class RawObject(dict[str, Any]):
    """An object that remembers its text."""

    raw: str = ""


class RawArray(list[Any]):
    """An array that remembers its text."""

    raw: str = ""


class _Decoder(json.JSONDecoder):
    """The standard decoder in its Python form, whose parts can be wrapped."""

    def __init__(self) -> None:
        super().__init__(parse_float=number)
        plain_object, plain_array = decoder.JSONObject, decoder.JSONArray  # type: ignore[attr-defined]  # not in the stubs

        def parse_object(at: tuple[str, int], *rest: Any) -> tuple[RawObject, int]:
            found, end = plain_object(at, *rest)
            wrapped = RawObject(found)
            wrapped.raw = at[0][at[1] - 1 : end]
            return wrapped, end

        def parse_array(at: tuple[str, int], *rest: Any) -> tuple[RawArray, int]:
            found, end = plain_array(at, *rest)
            wrapped = RawArray(found)
            wrapped.raw = at[0][at[1] - 1 : end]
            return wrapped, end

        self.parse_object, self.parse_array = parse_object, parse_array
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]  # not in the stubs


def load(text: str | bytes) -> Any:
    """Parse JSON; objects and arrays carry their text."""
    return _Decoder().decode(text.decode("utf-8") if isinstance(text, bytes) else text)


def text_of(node: Any) -> str:
    """The JSON text of a parsed value, as it was written where that is known."""
    raw = getattr(node, "raw", "")
    return raw or dump_json(node)
