"""Multipart bodies, as the official client writes them. Knows nothing of what is in them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; without a content type it is a plain field."""

    name: str
    content: bytes
    content_type: str | None = None
    filename: str | None = None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def multipart(parts: list[Part]) -> tuple[bytes, str]:
    """The body and its content type."""
    boundary = secrets.token_hex(30)
    body = b""
    for part in parts:
        head = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
        if part.filename:
            head += f'; filename="{_quoted(part.filename)}"'
        if part.content_type is not None:
            head += f"\r\nContent-Type: {part.content_type}"
        body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + part.content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
