"""Cloudflare's envelopes: what a success, a list and a refusal look like on the wire.

Clients compare some texts byte for byte, so JSON is compact and keeps the order of keys. Knows no resource.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The Terraform provider repeats these for minutes unless it is told not to.
_REPEATED_BY_CLIENTS = (408, 409, 429)


def compact(value: Any) -> bytes:
    """JSON as Cloudflare writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(result: Any, *, status: int = 200, info: Mapping[str, Any] | None = None) -> Answer:
    """A success with its result."""
    envelope: dict[str, Any] = {"result": result, "success": True, "errors": [], "messages": []}
    if info is not None:
        envelope["result_info"] = info
    return Answer(compact(envelope), status)


def nothing() -> Answer:
    """204: done, and nothing to say."""
    return Answer(b"", 204)


def page(items: Sequence[Any], query: Mapping[str, str], *, per_page: int = 20, most: int = 1000) -> Answer:
    """One page of a list; empty after the last one, because the provider asks until it sees an empty page."""
    size = min(_positive(query.get("per_page"), per_page), most)
    number = _positive(query.get("page"), 1)
    shown = items[(number - 1) * size : number * size]
    info = {
        "page": number,
        "per_page": size,
        "count": len(shown),
        "total_count": len(items),
        "total_pages": -(-len(items) // size),
    }
    return ok(list(shown), info=info)


def _positive(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise Refusal(400, 1001, f"`{text}` is not a page number or size.")
    return int(text)


class Refusal(Exception):
    """The API says no. `unknown` means that the stand-in does not know what was asked for."""

    def __init__(
        self, status: int, code: int, message: str, *, pointer: str | None = None, unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.pointer = pointer
        self.unknown = unknown

    def answer(self) -> Answer:
        """The error envelope."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        final = self.status >= 500 or self.status in _REPEATED_BY_CLIENTS
        return Answer(error_body(error), self.status, headers={"x-should-retry": "false"} if final else {})


def error_body(error: Mapping[str, Any]) -> bytes:
    """The JSON text of a refusal."""
    return compact({"result": None, "success": False, "errors": [error], "messages": []})


def not_covered(method: str, path: str) -> Refusal:
    """The sandbox has no such route; the real API says 7003 for an unknown one as well."""
    reason = f"perhaps your object identifier is invalid? (the sandbox does not cover {method} here)"
    message = f"Could not route to {path}, {reason}"
    return Refusal(400, 7003, message, unknown=True)
