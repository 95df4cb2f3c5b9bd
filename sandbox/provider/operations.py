"""Create, read, update, delete and import, the general way: a row of the table and the schema say how.

Knows nothing of Terraform's protocol; values come and go as Python objects.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from . import rawjson
from .decode import decode
from .diagnostics import Refused
from .encode import encode
from .equality import keep_writing
from .facts import Attribute
from .hooks import Call, Value, hooks
from .http import FAILED, Failed, Request, Response, json_request
from .values import UNKNOWN, is_set, load_json

_PLACEHOLDER = re.compile(r"\{(\w+)(?:=(\w+))?\}")
GONE = "The resource was not found on the server and will be removed from state."


def path_of(template: str, value: Value) -> str:
    """Fill in a path; a part that is missing or empty is refused as the official client refuses it."""

    def part(match: re.Match[str]) -> str:
        parameter, attribute = match[1], match[2] or match[1]
        if parameter == "scope":
            return _scope(value)
        found = value.get(attribute)
        if not is_set(found) or found == "":
            raise Refused(FAILED, f"missing required {parameter} parameter")
        return quote(str(found), safe="-_.~!$&'()*+,;=:@")

    return _PLACEHOLDER.sub(part, template)


def _scope(value: Value) -> str:
    for kind, attribute in (("accounts", "account_id"), ("zones", "zone_id")):
        found = value.get(attribute)
        if is_set(found):
            if found == "":
                raise Refused(FAILED, f"missing required {attribute} parameter")
            return f"{kind}/{quote(str(found), safe='')}"
    raise Refused(FAILED, "missing required zone_id parameter")


def _request(call: Call, template: str, body: Any = None) -> Request:
    method, path = template.split(" ", 1)
    headers = {name: str(call.plan.get(attribute) or "") for name, attribute in call.row.headers.items()}
    request = json_request(method, path_of(path, call.plan), body, headers)
    hook = hooks(call.row.quirk).request
    return hook(call, request) if hook else request


def _has_json_text(attributes: dict[str, Attribute]) -> bool:
    return any(each.format == "json" or _has_json_text(each.attributes) for each in attributes.values())


def parse(call: Call, response: Response) -> Any:
    """The object in a response."""
    if not response.body.strip():
        return None
    load = rawjson.load if _has_json_text(call.schema.attributes) else load_json
    try:
        document = load(response.body)
    except ValueError:
        return None
    if call.row.envelope:
        document = document.get("result") if isinstance(document, dict) else None
    hook = hooks(call.row.quirk).node
    return hook(call, document) if hook else document


def take(call: Call, node: Any, value: Value, computed: bool) -> Value | None:
    """Turn a response's object into state."""
    new: Value | None = decode(call.schema.attributes, node, value, computed)
    hook = hooks(call.row.quirk).value
    if hook and new is not None:
        new = hook(call, new, node)
    if new is None:
        return None
    if call.row.id_from:
        new["id"] = new[call.row.id_from]
    return keep_writing(call.schema.attributes, new, value)


def write(call: Call) -> Value | None:
    """Create or update; returns the new state."""
    rules = hooks(call.row.quirk)
    special = rules.operations.get(call.operation)
    if special:
        return special(call)
    if rules.check:
        rules.check(call)
    template = call.row.create if call.operation == "create" else call.row.update
    if template is None:
        return {name: None if item is UNKNOWN else item for name, item in call.plan.items()}
    creating = call.operation == "create"
    body = encode(call.schema.attributes, call.plan, None if creating else call.state, call.row.patch)
    if rules.body:
        body = rules.body(call, body)
    response = call.client.send(_request(call, template, body))
    return take(call, parse(call, response), call.plan, computed=True)


def read(call: Call) -> Value | None:
    """Refresh; None if the object is gone."""
    special = hooks(call.row.quirk).operations.get("read")
    try:
        if special:
            return special(call)
        if call.row.read is None:
            return call.plan
        response = call.client.send(_request(call, call.row.read))
    except Failed as failure:
        if failure.status == HTTPStatus.NOT_FOUND:
            call.diagnostics.warn("Resource not found", GONE)
            return None
        raise
    return take(call, parse(call, response), call.plan, computed=False)


def delete(call: Call) -> None:
    """Remove the object, if Terraform's letting go of it does that."""
    rules = hooks(call.row.quirk)
    special = rules.operations.get("delete")
    if special:
        special(call)
        return
    if rules.delete:
        rules.delete(call)
    if call.row.delete is not None:
        request = _request(call, call.row.delete)
        if call.row.unread_delete:
            request.accept = "*/*"
        call.client.send(request)


def import_state(call: Call, text: str) -> Value | None:
    """Find an existing object by the id that the user typed."""
    call.plan = {**call.schema.empty(), **import_id(call, text)}
    rules = hooks(call.row.quirk)
    special = rules.operations.get("import")
    if special:
        return special(call)
    if call.row.read is None:
        return call.plan
    response = call.client.send(_request(call, call.row.read))
    return take(call, parse(call, response), call.plan, computed=False)


def import_id(call: Call, text: str) -> Value:
    """The attributes that an import id sets."""
    spec = call.row.import_id
    if spec is None:
        raise Refused(
            "Resource Import Not Implemented",
            "This resource does not support import. Please contact the provider developer for additional information.",
        )
    parts = text.split("/")
    wanted = spec.split("/")
    scoped = call.row.import_to[0] == "scope"
    if scoped:  # the lead "<{accounts|zones}/{account_id|zone_id}>" holds a slash of its own
        wanted = wanted[2:]
        wanted = ["", "", *wanted] if len(wanted) == len(call.row.import_to) - 1 else wanted
    if len(parts) != len(wanted):
        raise Refused("invalid ID", f'expected urlencoded segments "{spec}", got "{text}"')
    values = [unquote(part) for part in parts]
    found: Value = {}
    targets = list(call.row.import_to)
    if scoped:
        targets.pop(0)
        kind, owner = values.pop(0), values.pop(0)
        if kind not in ("accounts", "zones"):
            raise Refused(
                "invalid discriminator segment - <{accounts|zones}/{account_id|zone_id}>",
                "expected discriminator to be one of {accounts|zones}",
            )
        found["account_id" if kind == "accounts" else "zone_id"] = owner
    for attribute, value in zip(targets, values, strict=True):
        found[attribute] = _typed(call, attribute, value)
    return found


def _typed(call: Call, attribute: str, value: str) -> Any:
    if call.schema.attributes[attribute].type != "number":
        return value
    try:
        return int(value)
    except ValueError as error:
        raise Refused("invalid ID", f'expected a number for {attribute}, got "{value}"') from error
