"""Objects that Workers store: they live in the edge's runtime, and S3 must show the same ones.

The runtime has an S3 interface of its own below `/cdn-cgi/local/r2/s3`; requests are passed on to it, signed anew
because signatures cover the address. Knows that interface and which buckets are the runtime's, not who asks.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import NotRunningError
from sandbox.home import Home, read_json

_PREFIX = "/cdn-cgi/local/r2/s3"
_SECONDS = 20.0
_PATIENCE_SECONDS = 5.0
_KEPT_HEADERS = ("content-type", "content-encoding", "content-disposition", "content-language", "cache-control")
_MORE_HEADERS = ("content-md5", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range")


@dataclass(frozen=True)
class ObjectAnswer:
    """What the runtime's S3 interface said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class EdgeObjects:
    """The buckets that Workers bind, or have bound."""

    def __init__(self, home: Home, address: str, keys: Callable[[], tuple[str, str]]) -> None:
        self._file = home.folder("edge") / "buckets.json"
        self._address = address
        self._keys = keys
        self._runtime: str | None = None

    def holds(self, bucket: str) -> bool:
        """True when the objects of that bucket live here."""
        return bucket in (read_json(self._file) or [])

    def occupied(self, bucket: str) -> bool:
        """True when there is at least one object."""
        if not self.holds(bucket):
            return False
        query = urllib.parse.urlencode({"bucket": bucket})
        return bool(self._ask(f"/__sandbox/occupied?{query}")["occupied"])

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ObjectAnswer:
        """One S3 request; `path` is the raw path with query, header names are lower case."""
        kept = {
            name: value
            for name, value in headers.items()
            if name in _KEPT_HEADERS + _MORE_HEADERS or (name.startswith("x-amz-") and name not in _SIGNING)
        }
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            address = self._runtime or self._find_runtime()
            try:
                return _send(
                    address, method, _PREFIX + path, self._sign(method, address + _PREFIX + path, kept, body), body
                )
            except OSError:
                # The runtime restarts when what it serves changes, and may come back on another port.
                self._runtime = None
                if time.monotonic() > end:
                    raise NotRunningError("the edge's runtime does not answer", "logs/edge.log in its home") from None
                time.sleep(0.05)

    def _sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        S3SigV4Auth(Credentials(*self._keys()), "s3", "auto").add_auth(request)
        return dict(request.headers.items())

    def _find_runtime(self) -> str:
        self._runtime = str(self._ask("/__sandbox/runtime")["address"]).rstrip("/")
        return self._runtime

    def _ask(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self._address + path, timeout=_SECONDS) as answer:  # noqa: S310 - loopback http
                return json.loads(answer.read())
        except OSError as error:
            raise NotRunningError(f"the edge does not answer: {error}", "logs/edge.log in its home") from None


_SIGNING = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-decoded-content-length"})


def _send(address: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ObjectAnswer:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=_SECONDS)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return ObjectAnswer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
