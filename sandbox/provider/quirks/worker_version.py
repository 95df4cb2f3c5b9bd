"""Worker versions: immutable, with bindings that the API sorts, and modules that are compared by their digest."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .. import assets, files
from ..decode import decode
from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..http import json_request
from ..operations import parse, path_of
from ..values import UNKNOWN, is_set

_WORKER = "accounts/{account_id}/workers/workers/{worker_id}"
_VERSION = _WORKER + "/versions/{version_id=id}?include=modules"
_SENSITIVE = ("secret_text", "plain_text")


def _create(call: Call) -> Value:
    planned = call.plan
    sent = {**planned, "assets": _uploaded(call, planned["assets"]), "modules": _modules(planned["modules"])}
    bindings = planned["bindings"]
    if is_set(bindings):  # the answer has them sorted, and computed parts are matched by place
        sent["bindings"] = sorted(bindings, key=lambda binding: str(binding["name"]))
    body = encode(call.schema.attributes, sent, None, patch=False)
    request = json_request("POST", path_of(_WORKER + "/versions", planned), body)
    new = decode(call.schema.attributes, parse(call, call.client.send(request)), sent, computed=True)
    new["modules"] = _with_digests(planned["modules"], new["modules"], "Create Error")
    new["assets"] = planned["assets"]
    new["bindings"] = _in_order(_without_unknown(new["bindings"]), bindings)
    return new


def _uploaded(call: Call, wanted: Any) -> Any:
    if not is_set(wanted) or not is_set(wanted["directory"]) or wanted["jwt"]:
        return wanted
    worker = parse(call, call.client.send(json_request("GET", path_of(_WORKER, call.plan))))
    token = assets.upload(call.client, call.plan["account_id"], (worker or {}).get("name", ""), wanted["directory"])
    return {**wanted, "jwt": token}


def _modules(modules: Any) -> Any:
    """Modules with their content; a file is read now."""
    if not is_set(modules):
        return modules
    loaded = []
    for module in modules:
        content = module["content_base64"]
        if is_set(module["content_file"]):
            try:
                content = base64.b64encode(files.read(module["content_file"])).decode()
            except OSError as error:
                raise Refused(
                    "Error reading file", f"could not read file {module['content_file']}: {error.strerror}"
                ) from error
        loaded.append({**module, "content_base64": content})
    return loaded


def _digest(module: Value, summary: str) -> str:
    try:
        return files.digest(base64.b64decode(module["content_base64"] or "", validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refused(summary, str(error)) from error


def _with_digests(kept: Any, told: Any, summary: str) -> Any:
    """The modules as configured, with the digests of what the API has."""
    if not is_set(kept):
        return kept if kept is None or told is None else told
    by_name = {module["name"]: module for module in told or []}
    return [
        {**module, "content_sha256": _digest(by_name[module["name"]], summary)} if module["name"] in by_name else module
        for module in kept
    ]


def _without_unknown(bindings: Any) -> Any:
    if not is_set(bindings):
        return bindings
    return [{**binding, "database_id": _known(binding["database_id"])} for binding in bindings]


def _known(value: Any) -> Any:
    return None if value is UNKNOWN else value


def _in_order(bindings: Any, before: Any) -> Any:
    """Bindings in the order that they had, then those that are new."""
    if not is_set(bindings):
        return bindings
    by_name = {binding["name"]: binding for binding in bindings}
    ordered = [by_name.pop(known["name"]) for known in before or [] if known["name"] in by_name]
    return ordered + list(by_name.values())


def _update(call: Call) -> Value:
    """Nothing is sent: only what this side alone knows of a module can change in place."""
    return {**(call.state or {}), "modules": call.plan["modules"]}


def _read(call: Call) -> Value:
    state = call.plan
    node = parse(call, call.client.send(json_request("GET", path_of(_VERSION, state))))
    value = decode(call.schema.attributes, node, state, computed=False)
    value["assets"] = state["assets"]
    value["modules"] = _refreshed(state["modules"], value["modules"])
    texts = {each["name"]: each["text"] for each in state["bindings"] or [] if each["type"] in _SENSITIVE}
    bindings = _without_unknown(value["bindings"])
    for binding in bindings or []:
        if binding["type"] in _SENSITIVE and is_set(texts.get(binding["name"])):
            binding["text"] = texts[binding["name"]]
    value["bindings"] = _in_order(bindings, state["bindings"])
    return value


def _refreshed(kept: Any, told: Any) -> Any:
    if kept is None:
        return told
    by_name = {module["name"]: module for module in told or []}
    out = []
    for module in kept:
        fresh = by_name.get(module["name"])
        if fresh is None:
            out.append(module)
            continue
        content = fresh["content_base64"] if is_set(module["content_base64"]) else module["content_base64"]
        out.append({**module, "content_base64": content, "content_sha256": _digest(fresh, "Refresh Error")})
    return out


def _import(call: Call) -> Value:
    node = parse(call, call.client.send(json_request("GET", path_of(_VERSION, call.plan))))
    value = decode(call.schema.attributes, node, call.plan, computed=False)
    for module in value["modules"] or []:
        module["content_sha256"] = _digest(module, "Import Error")
    return value


HOOKS = Hooks(operations={"create": _create, "update": _update, "read": _read, "import": _import})
