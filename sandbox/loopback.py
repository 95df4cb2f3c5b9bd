"""One HTTP request to an address of this machine, never through a proxy.

`urllib.request` obeys HTTP_PROXY and the settings of the system, and a proxy cannot reach our loopback. Knows HTTP, not
who is asked what.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def ask(
    method: str, url: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None, timeout: float
) -> Reply:
    """Send it and read the whole answer; whoever does not answer properly is an `OSError`."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=timeout)
    try:
        # The raw target: a path that is signed must arrive byte for byte.
        connection.request(method, url.partition(address.netloc)[2] or "/", body, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"{address.netloc} does not speak HTTP: {error!r}") from error
    finally:
        connection.close()
