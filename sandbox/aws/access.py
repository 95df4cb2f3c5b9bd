"""Access keys as a client feels them: signatures are not verified, but the key's id must be one that was given out."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_SCOPE = re.compile(r"(Credential=[^/,\s]+/\d+/)[^/]+/")


def access_key_id(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The id in the signature header or in a presigned address; None when the request is not signed."""
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    if found:
        return found[1]
    presigned = query.get("X-Amz-Credential")
    return presigned.split("/", 1)[0] if presigned else None


def in_region(authorization: str, region: str) -> str:
    """The signature header, signed for another region as far as a reader can tell."""
    return _SCOPE.sub(rf"\g<1>{region}/", authorization)
