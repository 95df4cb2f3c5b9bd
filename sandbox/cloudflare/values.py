"""Identifiers and times in Cloudflare's forms."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from hashlib import sha256


def hex_id() -> str:
    """32 hexadecimal digits, as most objects have."""
    return uuid.uuid4().hex


def uuid_id() -> str:
    """A UUID with hyphens, as versions, deployments and databases have."""
    return str(uuid.uuid4())


def derived_id(*parts: str) -> str:
    """An identifier that is the same whenever the same world is seeded."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def secret_value() -> str:
    """The value of a new token: 40 characters of the alphabet that clients check for."""
    return secrets.token_urlsafe(30)


def digest(text: str) -> str:
    """How values that are only ever compared are kept."""
    return sha256(text.encode()).hexdigest()


def now() -> str:
    """RFC 3339 with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(time: str) -> str:
    """The same instant without its fraction, as some products write it."""
    return time[:19] + "Z"


def milliseconds(time: str) -> str:
    """The same instant as R2 writes it."""
    return time[:23] + "Z"
