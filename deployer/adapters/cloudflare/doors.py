"""Whose a thing is that a request would change: by the name in its path, else by what Cloudflare calls it.

Many things are addressed by an id, which says nothing; so it is asked what bears that id before it is changed. A path
that is not known here names nothing, and whoever guards names refuses it.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Door:
    """A kind of path. `field` is where an answer has the thing's name; None if the path itself has it."""

    pattern: re.Pattern[str]
    what: str
    field: str | None = None


def _door(path: str, what: str, field: str | None = None) -> Door:
    return Door(re.compile(f"(?P<thing>{path}/(?P<name>[^/?]+))(?:[/?].*)?"), what, field)


DOORS: Final = (
    # The id of a Worker is accepted where its name is: an id bears no name and is refused.
    _door(r"/accounts/[^/]+/workers/(?:services|scripts|workers)", "Worker"),
    _door(r"/accounts/[^/]+/r2/buckets", "R2 bucket"),
    _door(r"/accounts/[^/]+/workers/domains", "custom domain", "hostname"),
    _door(r"/accounts/[^/]+/storage/kv/namespaces", "KV namespace", "title"),
    _door(r"/accounts/[^/]+/alerting/v3/policies", "notification policy", "name"),
    _door(r"/zones/[^/]+/dns_records", "DNS record", "name"),
    _door(r"/zones/[^/]+/workers/routes", "route", "pattern"),
)


def named_by(path: str, get: Callable[[str], Any]) -> tuple[str, str | None] | None:
    """What kind of thing a path leads to, and its name: None if nobody knows. None at all: it is not there (any more).

    `get` gives the result of a GET, None for what does not exist.
    """
    for door in DOORS:
        found = door.pattern.fullmatch(path)
        if found is None:
            continue
        if door.field is None:
            return door.what, urllib.parse.unquote(found["name"])
        thing = get(found["thing"])
        if thing is None:
            return None
        name = thing.get(door.field) if isinstance(thing, dict) else None
        return door.what, name if isinstance(name, str) else None
    return "thing", None
