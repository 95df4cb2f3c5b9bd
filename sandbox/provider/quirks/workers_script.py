"""Worker scripts: sent as a form, read in three calls, and secrets that only the state knows."""

from __future__ import annotations

from email.parser import BytesParser
from http import HTTPStatus
from typing import Any

from .. import assets, files
from ..decode import decode
from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Response, Value
from ..http import Request, json_request
from ..multipart import Part, multipart
from ..operations import parse, path_of, take
from ..plan import Plan
from ..rawjson import load
from ..values import UNKNOWN, dump_json, is_set

_SCRIPT = "accounts/{account_id}/workers/scripts/{script_name}"
_SERVICE = "accounts/{account_id}/workers/services/{script_name}"
_METADATA = (
    "annotations",
    "assets",
    "bindings",
    "body_part",
    "cache_options",
    "compatibility_date",
    "compatibility_flags",
    "exports",
    "keep_assets",
    "keep_bindings",
    "limits",
    "logpush",
    "main_module",
    "migrations",
    "observability",
    "package_dependencies",
    "placement",
    "tail_consumers",
    "usage_model",
)


def _plan(plan: Plan) -> None:
    """A change that only a rule of a single attribute found still changes these."""
    if plan.state is not None and plan.changed:
        plan.value["modified_on"] = UNKNOWN
        plan.value["has_assets"] = UNKNOWN


# ------------------------------------------------------------------------------------------------------------- write


def _write(call: Call) -> Value | None:
    planned = dict(call.plan)
    planned["migrations"] = (call.config or {}).get("migrations")
    sent = {**planned, "assets": _uploaded(call, planned["assets"])}
    content = planned["content"]
    if is_set(planned["content_file"]):
        try:
            content = files.read(planned["content_file"]).decode()
        except OSError as error:
            raise Refused(
                "failed to read file", f"could not read file {planned['content_file']}: {error.strerror}"
            ) from error
    body, content_type = multipart(_parts(call, sent, content or ""))
    request = Request("PUT", path_of(_SCRIPT, planned), body, content_type)
    new = take(call, parse(call, call.client.send(request)), planned, computed=True)
    if new is not None:
        new["assets"] = planned["assets"]
    return new


def _uploaded(call: Call, wanted: Any) -> Any:
    if not is_set(wanted) or not is_set(wanted["directory"]) or wanted["jwt"]:
        return wanted
    plan = call.plan
    return {**wanted, "jwt": assets.upload(call.client, plan["account_id"], plan["script_name"], wanted["directory"])}


def _parts(call: Call, sent: Value, content: str) -> list[Part]:
    parts = []
    if content:
        module = sent["main_module"] or ""
        name, usual = (module, "application/javascript+module") if module else ("script", "application/javascript")
        parts.append(Part(name, content.encode(), sent["content_type"] or usual, name))
        if not module:
            sent = {**sent, "body_part": "script"}
    attributes = {name: call.schema.attributes[name] for name in _METADATA}
    metadata = encode(attributes, sent, None, patch=False)
    return [*parts, Part("metadata", dump_json(metadata).encode(), "application/json")]


# -------------------------------------------------------------------------------------------------------------- read


def _read(call: Call) -> Value | None:
    state = call.plan
    value = dict(state)
    service = parse(call, call.client.send(json_request("GET", path_of(_SERVICE, state))))
    environment = service.get("default_environment") if isinstance(service, dict) else None
    script = environment.get("script") if isinstance(environment, dict) else None
    _merge(value, decode(call.schema.attributes, script, call.schema.empty(), computed=False))
    settings = parse(call, call.client.send(json_request("GET", path_of(_SCRIPT + "/settings", state))))
    metadata = {name: call.schema.attributes[name] for name in _METADATA}
    fresh = decode(metadata, settings, dict.fromkeys(metadata), computed=False)
    _merge(value, fresh)
    value["bindings"] = _bindings(fresh["bindings"] or [], state["bindings"] or [])
    if state["migrations"] is not None:
        value["migrations"] = state["migrations"]
    value["annotations"] = state["annotations"]
    _read_content(call, value)
    if not is_set(value["placement"]) or not is_set(value["placement"]["mode"]):
        value["placement"] = None
    value["id"] = value["script_name"]
    return value


def _merge(value: Value, fresh: Value) -> None:
    """Take over what the answer has; what it leaves out stays."""
    for name, item in fresh.items():
        if item is not None:
            value[name] = item


def _bindings(fresh: list[Value], known: list[Value]) -> list[Value]:
    """Bindings of the state in its order, then new ones; secrets keep their text, unmanaged secrets are left alone."""
    secrets = {item["name"]: item for item in fresh if item["type"] == "secret_text"}
    merged = []
    for binding in known:
        if binding["type"] != "secret_text":
            merged.append(binding)
        elif binding["name"] in secrets:
            merged.append({**secrets[binding["name"]], "text": binding["text"]})
    named = {(binding["type"], binding["name"]) for binding in known}
    return merged + [
        item for item in fresh if (item["type"], item["name"]) not in named and item["type"] != "secret_text"
    ]


def _read_content(call: Call, value: Value) -> None:
    request = json_request("GET", path_of(_SCRIPT + "/content/v2", value))
    request.accept = "string"
    answer = call.client.send(request)
    if answer.status == HTTPStatus.NO_CONTENT:
        value["content"] = None
        return
    content = _first_part(answer)
    if value["content_file"] is None:
        value["content"] = content.decode("utf-8", "replace")
    if value["content_sha256"] is not None:
        value["content_sha256"] = files.digest(content)


def _first_part(answer: Response) -> bytes:
    """The content itself, which may come in a form."""
    kind = answer.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return answer.body
    message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.body)
    part = message.get_payload(0)
    payload = part.get_payload(decode=True) if not isinstance(part, str) else part.encode()
    return payload if isinstance(payload, bytes) else b""


def _import(call: Call) -> Value:
    request = json_request("GET", path_of(_SCRIPT, call.plan))
    request.accept = "application/javascript"
    answer = call.client.send(request)
    try:
        node = load(answer.body)
    except ValueError:
        node = None
    value = decode(call.schema.attributes, node if isinstance(node, dict) else None, call.plan, computed=False)
    return {**value, "id": value["script_name"]}


HOOKS = Hooks(plan=_plan, operations={"create": _write, "update": _write, "read": _read, "import": _import})
