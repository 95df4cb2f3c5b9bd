"""Data sources, the general way: one object by its id, the one that a filter finds, or all pages of a list.

Knows nothing of the protocol and of single data sources.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from . import rawjson
from .decode import decode
from .diagnostics import Refused
from .equality import keep_writing
from .facts import Attribute, Schema
from .http import Client, Request
from .operations import path_of
from .table.datasources import DATA_SOURCES, Source
from .values import Dynamic, is_set

Value = dict[str, Any]
MOST = 1000  # items, where the configuration does not say


def read(schema: Schema, config: Value, client: Client) -> Value:
    """Look it up."""
    source = DATA_SOURCES.get(schema.name)
    if source is None:
        raise Refused(
            "Data source not in the embedded provider",
            f"{schema.name} is known, but the embedded provider cannot read it; the official provider can.",
        )
    value = dict(config)
    if source.items:
        return _read_list(schema, source, value, client)
    if is_set(value.get("filter")) and source.find:
        _find(schema, source, value, client)
    value = _read_one(schema, source, value, client)
    return keep_writing(schema.attributes, value, config)


def _read_one(schema: Schema, source: Source, value: Value, client: Client) -> Value:
    query = _query(schema.attributes, value)
    document = _document(client, path_of(source.read, value) + _suffix(query))
    node = document.get("result") if isinstance(document, dict) else None
    if source.whole:
        node = {schema.attributes[source.whole].wire: document}
    new = decode(schema.attributes, node, value, computed=True)
    if source.id_from:
        new["id"] = new[source.id_from]
    return new


def _find(schema: Schema, source: Source, value: Value, client: Client) -> None:
    """Fill in the id of the only object that the filter matches."""
    filters = schema.attributes["filter"].attributes
    document = _document(client, path_of(source.find or "", value) + _suffix(_query(filters, value["filter"])))
    found = document.get("result") if isinstance(document, dict) else None
    hits = found if isinstance(found, list) else []
    if len(hits) != 1:
        raise Refused("failed to find exactly one result", f"{len(hits)} found")
    value[source.found_to] = hits[0].get(source.found_from)


def _read_list(schema: Schema, source: Source, value: Value, client: Client) -> Value:
    most = value.get("max_items")
    limit = int(most) if is_set(most) and most > 0 else MOST
    query = _query(schema.attributes, value)
    path = path_of(source.read, value)
    found: list[Any] = []
    step: list[tuple[str, str]] | None = []
    page = 1
    while step is not None:
        document = _document(client, path + _suffix(sorted([*query, *step])))
        nodes = document.get("result") if isinstance(document, dict) else None
        nodes = nodes if isinstance(nodes, list) else []
        found += nodes
        page += 1
        step = None if not nodes or len(found) >= limit else _next(source, document, page)
    items = schema.attributes[source.items or "result"]
    blank = dict.fromkeys(items.attributes)
    value[items.name] = [decode(items.attributes, node, blank, computed=True) for node in found[:limit]]
    return value


def _next(source: Source, document: Any, page: int) -> list[tuple[str, str]] | None:
    """What the request for the next page adds to the query; None after the last page."""
    if source.paging == "page":
        return [("page", str(page))]
    if source.paging == "cursor":
        info = document.get("result_info") or {}
        cursor = info.get("cursor") or (info.get("cursors") or {}).get("after")
        return [("cursor", str(cursor))] if cursor else None
    return None


def _document(client: Client, path: str) -> Any:
    response = client.send(Request("GET", path))
    try:
        return rawjson.load(response.body)
    except ValueError:
        return None


def _query(attributes: dict[str, Attribute], value: Value, lead: str = "") -> list[tuple[str, str]]:
    """The query of a request: every set attribute that travels there."""
    pairs: list[tuple[str, str]] = []
    for name, attribute in attributes.items():
        item = value.get(name)
        if not is_set(item) or (attribute.place != "query" and not lead):
            continue
        key = lead + attribute.wire
        if attribute.nesting == "single":
            pairs += _query(attribute.attributes, item, key + ".")
        elif isinstance(item, list):
            pairs += [(key, _text(each)) for each in item]
        else:
            pairs.append((key, _text(item)))
    return sorted(pairs)


def _text(value: Any) -> str:
    if isinstance(value, Dynamic):
        return _text(value.value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _suffix(pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return ""
    return "?" + "&".join(f"{quote(key, safe='.')}={quote(text, safe='').replace('%20', '+')}" for key, text in pairs)
