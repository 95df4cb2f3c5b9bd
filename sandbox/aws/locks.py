"""R2's bucket locks, as its S3 interface feels them: what a rule covers can be neither overwritten nor deleted.

The rules are set through the Cloudflare API and apply to objects that are there already. Whether R2 looks at the lock
or at a condition such as `If-None-Match` first is not known; here the lock comes first, which is the harder case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, unescape

CODE = "ObjectLockedByBucketPolicy"
MESSAGE = "The object is locked by the bucket's lock rules."
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)


def is_locked(rules: Iterable[Mapping[str, Any]], key: str, written: datetime | None, now: datetime) -> bool:
    """Whether a rule keeps the object as it is."""
    if written is None:
        return False
    held = (rule for rule in rules if rule["enabled"] and key.startswith(rule.get("prefix") or ""))
    return any(_holds(rule["condition"], written, now) for rule in held)


def _holds(condition: Mapping[str, Any], written: datetime, now: datetime) -> bool:
    if condition["type"] == "Age":
        return now < written + timedelta(seconds=float(condition["maxAgeSeconds"]))
    if condition["type"] == "Date":
        until = datetime.fromisoformat(condition["date"])
        return now < (until if until.tzinfo else until.replace(tzinfo=UTC))
    return True


def overwrites(level: str, method: str, sub: str, query: Mapping[str, str]) -> bool:
    """Whether this request replaces or removes the one object that its path names."""
    if level != "object":
        return False
    if method == "DELETE":
        return not sub
    # An upload in parts becomes the object when it is completed.
    return (method == "PUT" and not sub) or (method == "POST" and "uploadId" in query)


def named_in(deletion: bytes) -> list[str]:
    """The keys in a request to delete many."""
    return [unescape(key) for key in _KEY.findall(deletion.decode())]


def answer_to(deletion: bytes, deleted: Iterable[str], locked: Iterable[str]) -> bytes:
    """What R2 says when some of them stay: a success with errors in it."""
    told = () if b"<Quiet>true</Quiet>" in deletion else deleted
    parts = [f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in told]
    parts += [
        f"<Error><Key>{escape(key)}</Key><Code>{CODE}</Code><Message>{escape(MESSAGE)}</Message></Error>"
        for key in locked
    ]
    return f'<?xml version="1.0" encoding="UTF-8"?><DeleteResult>{"".join(parts)}</DeleteResult>'.encode()
