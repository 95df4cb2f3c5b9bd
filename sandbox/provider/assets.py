"""Upload of a Worker's static assets: a session for the manifest, then the files that the API does not have yet.

Knows the API's three calls and nothing of the types that use them.
"""

from __future__ import annotations

import base64
import mimetypes
from typing import Any
from urllib.parse import quote

from . import files
from .diagnostics import Refused
from .http import Client, Request, json_request
from .multipart import Part, multipart
from .values import load_json

_NO_TOKEN = "no completion token received from upload session"  # noqa: S105 - a message
FAILED = "failed to upload assets"


def upload(client: Client, account: str, script: str, folder: str) -> str:
    """Upload what is missing; returns the token that the Worker's upload names."""
    try:
        found = files.manifest(folder)
    except OSError as error:
        raise Refused(FAILED, str(error)) from error
    path = f"accounts/{account}/workers/scripts/{quote(script, safe='')}/assets-upload-session"
    session = _result(client, json_request("POST", path, {"manifest": files.manifest_body(found)}))
    token = session.get("jwt") or ""
    buckets = session.get("buckets") or []
    if not token:
        raise Refused(FAILED, f"{FAILED}: {_NO_TOKEN}")
    by_hash = {asset.hash: asset for asset in found.values()}
    last = token if not buckets else ""
    for bucket in buckets:
        parts = [
            Part(
                name=key,
                content=base64.b64encode(by_hash[key].path.read_bytes()),
                content_type=mimetypes.guess_type(by_hash[key].path.name)[0] or "",
                filename=str(by_hash[key].path),
            )
            for key in bucket
        ]
        body, content_type = multipart(parts)
        request = Request("POST", f"accounts/{account}/workers/assets/upload?base64=true", body, content_type)
        request.headers["authorization"] = f"Bearer {token}"
        last = _result(client, request).get("jwt") or last
    if not last:
        raise Refused(FAILED, f"{FAILED}: {_NO_TOKEN}")
    return str(last)


def _result(client: Client, request: Request) -> dict[str, Any]:
    document = load_json(client.send(request).body)
    found = document.get("result") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
