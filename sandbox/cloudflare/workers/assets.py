"""The upload of static assets: a session for a manifest, uploads of what is missing, a token for the complete set.

The tokens are signed, so nothing has to be remembered between the requests.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, compact, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import secret_value
from sandbox.cloudflare.workers.files import Files, checked_manifest

_LIFETIME = 3600
_BUCKET_FILES = 25  # uploads of one session run in parallel, a bucket each
_LARGEST = 25 * 1024 * 1024


def _key(call: Call) -> bytes:
    kept = call.state.get("keys", "-", "assets")
    if kept is None:
        kept = {"value": secret_value()}
        call.state.put("keys", "-", "assets", kept)
    return str(kept["value"]).encode()


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign(call: Call, kind: str, manifest: str) -> str:
    payload = {"kind": kind, "manifest": manifest, "exp": int(time.time()) + _LIFETIME}
    text = _part(compact({"alg": "HS256", "typ": "JWT"})) + "." + _part(compact(payload))
    return text + "." + _part(hmac.digest(_key(call), text.encode(), "sha256"))


def open_token(call: Call, token: str, kind: str) -> str:
    """The digest of the manifest that a token stands for."""
    text, _, signature = token.rpartition(".")
    expected = _part(hmac.digest(_key(call), text.encode(), "sha256"))
    if not text or not hmac.compare_digest(signature, expected):
        raise Refusal(403, 10000, "Authentication error: the token of the assets upload is not valid")
    body = text.partition(".")[2]
    payload: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if payload["kind"] != kind:
        raise Refusal(400, 10021, "the upload of assets has not been completed")
    if payload["exp"] < time.time():
        raise Refusal(403, 10000, "Authentication error: the token of the assets upload has expired")
    return str(payload["manifest"])


def _session(call: Call, name: str) -> Answer:
    manifest = checked_manifest(call.object().get("manifest"))
    files = Files(call.world.folder)
    digest = files.put_manifest(manifest)
    missing = sorted({str(entry["hash"]) for entry in manifest.values() if not files.has_blob(str(entry["hash"]))})
    buckets = [missing[start : start + _BUCKET_FILES] for start in range(0, len(missing), _BUCKET_FILES)]
    return ok({"jwt": _sign(call, "session" if missing else "complete", digest), "buckets": buckets})


def _upload(call: Call) -> Answer:
    digest = open_token(call, call.header("Authorization").removeprefix("Bearer "), "session")
    files = Files(call.world.folder)
    sizes = {str(entry["hash"]): int(entry["size"]) for entry in files.manifest(digest).values()}
    parts = {name: part.read() for name, part in call.request.files.items(multi=True)}
    parts.update({name: text.encode() for name, text in call.request.form.items(multi=True)})
    if not parts:
        raise Refusal(400, 10021, "the upload of assets has no parts")
    for name, raw in parts.items():
        if name not in sizes:
            raise Refusal(400, 10021, f"the asset {name} is not in the manifest")
        content = _decoded(raw) if call.query.get("base64") == "true" else raw
        if len(content) != sizes[name] or len(content) > _LARGEST:
            raise Refusal(400, 10021, f"the asset {name} has {len(content)} bytes, the manifest says {sizes[name]}")
        files.put_blob(name, content)
    complete = all(files.has_blob(name) for name in sizes)
    return ok({"jwt": _sign(call, "complete", digest)}, status=201) if complete else ok({}, status=202)


def _decoded(raw: bytes) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error:
        raise Refusal(400, 10021, "an asset is not base64") from None


ROUTES = (
    Route("POST", "/accounts/<account_id>/workers/scripts/<name>/assets-upload-session", _session),
    Route("POST", "/accounts/<account_id>/workers/assets/upload", _upload, anonymous=True),
)
