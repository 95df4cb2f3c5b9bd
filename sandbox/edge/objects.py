"""Objects that Workers store: they live in the edge's runtime, and S3 must show the same ones.

The runtime has an S3 interface of its own below `/cdn-cgi/local/r2/s3`; requests are passed on to it, signed anew
because signatures cover the address. Knows that interface and which buckets are the runtime's, not who asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from sandbox import loopback
from sandbox.errors import NotRunningError
from sandbox.home import Home, read_json

_PREFIX = "/cdn-cgi/local/r2/s3"
_SECONDS = 20.0
_PATIENCE_SECONDS = 5.0
_KEPT_HEADERS = ("content-type", "content-encoding", "content-disposition", "content-language", "cache-control")
_MORE_HEADERS = ("content-md5", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range")


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
        query = urlencode({"bucket": bucket})
        return bool(self._ask(f"/__sandbox/occupied?{query}")["occupied"])

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> loopback.Reply:
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
                url = address + _PREFIX + path
                return loopback.ask(method, url, body, headers=self._sign(method, url, kept, body), timeout=_SECONDS)
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
            answer = loopback.ask("GET", self._address + path, timeout=_SECONDS)
        except OSError as error:
            raise NotRunningError(f"the edge does not answer: {error}", "logs/edge.log in its home") from None
        if answer.status != HTTPStatus.OK:
            raise NotRunningError(f"the edge refused: status {answer.status}", "logs/edge.log in its home")
        return json.loads(answer.body)


_SIGNING = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-decoded-content-length"})
