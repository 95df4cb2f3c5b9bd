"""Values in KV namespaces: written as a form, read as they are, with the metadata beside."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Request, Value
from ..http import Failed, json_request
from ..multipart import Part, multipart
from ..operations import path_of
from ..rawjson import load, text_of
from ..values import is_set

_KEY = "accounts/{account_id}/storage/kv/namespaces/{namespace_id}"


def _request(call: Call, request: Request) -> Request:
    if call.operation in ("create", "update"):
        parts = [Part("value", call.plan["value"].encode())]
        if is_set(call.plan["metadata"]):
            parts.append(Part("metadata", call.plan["metadata"].encode()))
        request.body, request.content_type = multipart(parts)
    return request


def _read(call: Call) -> Value:
    value = dict(call.plan)
    request = json_request("GET", path_of(_KEY + "/values/{key_name}", value))
    request.accept = "application/octet-stream"
    value["value"] = call.client.send(request).body.decode("utf-8", "replace")
    metadata = _metadata(call, value)
    if metadata is not None:
        value["metadata"] = text_of(metadata)
    value["id"] = value["key_name"]
    return value


def _metadata(call: Call, value: Value) -> Any:
    try:
        answer = call.client.send(json_request("GET", path_of(_KEY + "/metadata/{key_name}", value)))
        document = load(answer.body)
    except (Failed, ValueError):
        return None
    return document.get("result") if isinstance(document, dict) else None


HOOKS = Hooks(request=_request, operations={"read": _read, "import": _read})
