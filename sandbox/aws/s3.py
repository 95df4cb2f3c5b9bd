"""R2's S3 interface: moto's S3 behind R2's limits.

R2 has no versioning, no ACLs, no policies and no server-side encryption headers, and says so with 501; requests beyond
what is listed in `_COVERED` are refused the same way and logged as unknown. Writers are serialised, because moto checks
`If-None-Match` and writes in two steps; Terraform's lock file rests on that being one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from sandbox.aws import access, backends, locks
from sandbox.aws.buckets import MotoBuckets
from sandbox.errors import SandboxError
from sandbox.faults import Fault
from sandbox.requestlog import mark, reads_only
from sandbox.seed import Reference
from sandbox.service import BucketExistsError, BucketNotEmptyError, Context, NoSuchBucketError, Service
from sandbox.vault import Vault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCESS_KEY = Reference(env="R2_ACCESS_KEY_ID")
SECRET_KEY = Reference(env="R2_SECRET_ACCESS_KEY")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")

# moto would parse such a body instead of storing it; curl and fetch send the type unasked.
_FORM = "application/x-www-form-urlencoded"

# (level, method, sub-resource): what R2 has and clients of the sandbox use.
_COVERED = {
    ("service", "GET", ""),
    ("bucket", "PUT", ""),
    ("bucket", "HEAD", ""),
    ("bucket", "GET", ""),
    ("bucket", "DELETE", ""),
    ("bucket", "GET", "location"),
    ("bucket", "GET", "uploads"),
    ("bucket", "POST", "delete"),
    ("object", "GET", ""),
    ("object", "HEAD", ""),
    ("object", "PUT", ""),
    ("object", "DELETE", ""),
    ("object", "POST", "uploads"),
    ("object", "PUT", "uploadId"),
    ("object", "POST", "uploadId"),
    ("object", "GET", "uploadId"),
    ("object", "DELETE", "uploadId"),
}
# Query names that only shape an answer or sign the request; every other one names a sub-resource.
_PARAMETERS = re.compile(
    r"(?i)list-type|prefix|delimiter|marker|max-keys|continuation-token|start-after|encoding-type|fetch-owner|partNumber"
    r"|key-marker|upload-id-marker|max-uploads|max-parts|part-number-marker|x-id|response-.*|x-amz-.*"
)


class _Refusal(Exception):
    """An answer in S3's error form."""

    def __init__(self, status: int, code: str, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.unknown = status, code, message, unknown


class S3Service(Service):
    """Port `s3`."""

    name = "s3"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        if not isinstance(context.buckets, MotoBuckets):
            raise SandboxError("the S3 stand-in needs moto's buckets")
        self._buckets = context.buckets
        self._moto: Any = backends.application("s3")
        self.app = self._answer
        keys(context.vault)

    def reset(self) -> None:
        """No buckets."""
        self._buckets.clear()

    def environment(self) -> Mapping[str, str]:
        """The endpoint; R2's keys are in the vault."""
        return {"AWS_ENDPOINT_URL_S3": self.context.url(self.name)}

    def coverage(self) -> Iterable[str]:
        """Requests by level and sub-resource."""
        paths = {"service": "/", "bucket": "/{bucket}", "object": "/{bucket}/{key}"}
        return [f"{method} {paths[level]}{'?' + sub if sub else ''}" for level, method, sub in sorted(_COVERED)]

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """S3's XML error."""
        return "application/xml", _error(
            str(fault.code or "InternalError"), fault.message or "injected by sandbox fault"
        )

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._route(environ, start_response)
        except _Refusal as refusal:
            mark(environ, unknown=refusal.unknown)
            status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
            start_response(status, [("Content-Type", "application/xml")])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [_error(refusal.code, refusal.message)]

    def _route(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        self._authenticate(environ, query)
        _, bucket, key = (unquote(environ["PATH_INFO"]) + "//").split("/", 2)
        level = "object" if key.strip("/") else "bucket" if bucket else "service"
        sub = next((name for name in query if not _PARAMETERS.fullmatch(name)), "")
        if (level, method, sub) not in _COVERED:
            raise _Refusal(501, "NotImplemented", f"{method} {sub or level} is not implemented by R2", unknown=True)
        if encryption := environ.get("HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION"):
            text = f"Header 'x-amz-server-side-encryption' with value '{encryption}' not implemented"
            raise _Refusal(501, "NotImplemented", text)
        if level == "bucket" and not sub and method in ("PUT", "DELETE"):
            self._change_bucket(method, bucket)
            start_response("200 OK" if method == "PUT" else "204 No Content", [("Location", f"/{bucket}")])
            return []
        if not self._rules(bucket):
            return self._carry_out(environ, start_response, bucket)
        with self._buckets.lock:
            # The key as split above bears two slashes more.
            if locks.overwrites(level, method, sub, query) and self._is_locked(bucket, key[:-2]):
                raise _Refusal(403, locks.CODE, locks.MESSAGE)
            if (level, method, sub) == ("bucket", "POST", "delete"):
                return self._delete_many(environ, start_response, bucket)
            return self._carry_out(environ, start_response, bucket)

    def _carry_out(self, environ: WSGIEnvironment, start_response: StartResponse, bucket: str) -> Iterable[bytes]:
        if bucket and self._buckets.held_elsewhere(bucket):
            return self._hand_on(environ, start_response)
        return self._pass_on(environ, start_response, bucket)

    def _rules(self, bucket: str) -> Sequence[Mapping[str, Any]]:
        try:
            return self._buckets.get(bucket).locks
        except NoSuchBucketError:
            return ()

    def _is_locked(self, bucket: str, key: str) -> bool:
        return locks.is_locked(self._rules(bucket), key, self._buckets.written(bucket, key), datetime.now(UTC))

    def _delete_many(self, environ: WSGIEnvironment, start_response: StartResponse, bucket: str) -> Iterable[bytes]:
        """Those that are locked stay, and a success says so."""
        asked = environ["wsgi.input"].read()
        locked = [key for key in locks.named_in(asked) if self._is_locked(bucket, key)]
        deleted = [key for key in locks.named_in(asked) if key not in locked]
        for key in deleted:
            self._buckets.remove(bucket, key)
        start_response("200 OK", [("Content-Type", "application/xml")])
        return [locks.answer_to(asked, deleted, locked)]

    def _hand_on(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """To the edge, where the objects are that Workers can reach."""
        assert self._buckets.elsewhere is not None
        self._buckets.move_out()  # what a publication could not move, because the edge was just starting
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        headers["content-type"] = environ.get("CONTENT_TYPE") or "application/octet-stream"
        body = environ["wsgi.input"].read()
        answer = self._buckets.elsewhere.request(environ["REQUEST_METHOD"], environ["RAW_URI"], headers, body)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]

    def _pass_on(self, environ: WSGIEnvironment, start_response: StartResponse, bucket: str) -> Iterable[bytes]:
        """To moto; a writer alone, and with what it wrote on disk before the answer leaves."""
        if environ.get("CONTENT_TYPE", "").startswith(_FORM):
            environ["CONTENT_TYPE"] = "application/octet-stream"
        if reads_only(environ["REQUEST_METHOD"]):
            return _complete(self._moto(environ, start_response))
        with self._buckets.lock:
            body = _complete(self._moto(environ, start_response))
            self._buckets.save(bucket)
            return body

    def _authenticate(self, environ: WSGIEnvironment, query: Mapping[str, str]) -> None:
        headers = {"authorization": environ.get("HTTP_AUTHORIZATION", "")}
        found = access.access_key_id(headers, query)
        if found is None:
            raise _Refusal(403, "AccessDenied", "Access Denied")
        if found != self.context.vault.value(ACCESS_KEY):
            text = "The AWS Access Key Id you provided does not exist in our records."
            raise _Refusal(403, "InvalidAccessKeyId", text)
        if headers["authorization"]:
            environ["HTTP_AUTHORIZATION"] = access.in_region(headers["authorization"], backends.REGION)

    def _change_bucket(self, method: str, bucket: str) -> None:
        try:
            if method == "DELETE":
                self._buckets.delete(bucket)
                return
            if not _BUCKET_NAME.fullmatch(bucket):
                raise _Refusal(400, "InvalidBucketName", "The specified bucket name is not valid.")
            self._buckets.create(bucket)
        except BucketExistsError:
            text = "Your previous request to create the named bucket succeeded and you already own it."
            raise _Refusal(409, "BucketAlreadyOwnedByYou", text) from None
        except NoSuchBucketError:
            raise _Refusal(404, "NoSuchBucket", "The specified bucket does not exist.") from None
        except BucketNotEmptyError:
            text = "The bucket you tried to delete is not empty."
            raise _Refusal(409, "BucketNotEmpty", text) from None


def keys(vault: Vault) -> tuple[str, str]:
    """R2's pair of S3 keys, 32 and 64 hexadecimal digits; made up the first time."""
    for reference, size in ((ACCESS_KEY, 16), (SECRET_KEY, 32)):
        if vault.value(reference) is None:
            vault.assign(reference, secrets.token_hex(size))
    return vault.value(ACCESS_KEY) or "", vault.value(SECRET_KEY) or ""


def _complete(answer: Iterable[bytes]) -> list[bytes]:
    try:
        return list(answer)
    finally:
        close: Callable[[], None] | None = getattr(answer, "close", None)
        if close:
            close()


def _error(code: str, message: str) -> bytes:
    document = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode()


def create(context: Context) -> Service:
    """See `sandbox`."""
    return S3Service(context)
