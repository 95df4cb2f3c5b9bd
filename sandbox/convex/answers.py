"""What the control plane answers: JSON, and refusals with the server's `{code, message}`. Knows no route."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Response


class Refusal(Exception):
    """An expected "no": HTTP status, machine-readable code, text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """The form that all of Convex's servers use."""
        return answer({"code": self.code, "message": str(self)}, self.status)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON response."""
    return Response(json.dumps(value, separators=(",", ":")), status, content_type="application/json")


def empty(status: int = 200) -> Response:
    """A response without a body."""
    return Response(b"", status)


def bad_request(code: str, message: str) -> Refusal:
    """400."""
    return Refusal(400, code, message)


def not_found(code: str, message: str) -> Refusal:
    """404."""
    return Refusal(404, code, message)
