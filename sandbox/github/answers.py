"""GitHub's answers: JSON, pages with `Link` headers, and refusals in its form. Knows no resource."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

DOCUMENTATION = "https://docs.github.com/rest"
_MOST = 100


def compact(value: Any) -> bytes:
    """JSON as GitHub writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A success with its document."""
    return Answer(compact(value), status, headers or {})


def nothing() -> Answer:
    """204: done, and nothing to say."""
    return Answer(b"", 204)


@dataclass(frozen=True)
class Page:
    """Which part of a list was asked for."""

    url: str
    query: Mapping[str, str]

    def cut(self, items: Sequence[Any]) -> tuple[list[Any], dict[str, str]]:
        """The items of this page, and the `Link` header to its neighbours, if there are any."""
        size = min(_positive(self.query.get("per_page"), 30), _MOST)
        number = _positive(self.query.get("page"), 1)
        last = max(1, -(-len(items) // size))
        links = []
        if number > 1:
            links.append(self._link(min(number - 1, last), "prev"))
        if number < last:
            links += [self._link(number + 1, "next"), self._link(last, "last")]
        if number > 1:
            links.append(self._link(1, "first"))
        headers = {"Link": ", ".join(links)} if links else {}
        return list(items[(number - 1) * size : number * size]), headers

    def _link(self, number: int, relation: str) -> str:
        query = urlencode({**self.query, "page": number})
        return f'<{self.url}?{query}>; rel="{relation}"'


def _positive(text: str | None, default: int) -> int:
    """What is no number is taken for the default, as GitHub does."""
    return int(text) if text and text.isdigit() and int(text) > 0 else default


class Refusal(Exception):
    """GitHub says no. `unknown` means that the stand-in does not know what was asked for."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any] | str] | None = None,
        headers: Mapping[str, str] | None = None,
        unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}
        self.unknown = unknown

    def answer(self) -> Answer:
        """The refusal as a document."""
        return Answer(refusal_body(self.status, self.message, errors=self.errors), self.status, self.headers)


def refusal_body(status: int, message: str, *, errors: Sequence[Mapping[str, Any] | str] | None = None) -> bytes:
    """The JSON text of a refusal."""
    body: dict[str, Any] = {"message": message}
    if errors is not None:
        body["errors"] = list(errors)
    return compact({**body, "documentation_url": DOCUMENTATION, "status": str(status)})


def not_found() -> Refusal:
    """404 for a thing that is not there, or that the caller may not see."""
    return Refusal(404, "Not Found")


def invalid(resource: str, name: str, *, code: str = "invalid", message: str | None = None) -> Refusal:
    """422: a field of a resource is wrong. `code`: missing, missing_field, invalid, already_exists, unprocessable."""
    error = {"resource": resource, "field": name, "code": code}
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])


def too_long(resource: str, name: str, most: int) -> Refusal:
    """422: a text has more characters than the field takes."""
    return invalid(resource, name, code="custom", message=f"{name} is too long (maximum is {most} characters)")


def missing(name: str) -> Refusal:
    """422: the body lacks a field that the route needs."""
    return Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')


def malformed(name: str, wish: str) -> Refusal:
    """422: the body does not have the form that the route takes."""
    return Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {wish}.")
