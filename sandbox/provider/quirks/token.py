"""API and account tokens: JSON text in policies, an order that the API does not keep, a value that is shown once."""

from __future__ import annotations

import json
from typing import Any

from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..rawjson import text_of
from ..values import is_set, load_json

_UNUSABLE = ("expired", "revoked (exposed)")
Policy = dict[str, Any]


def _body(call: Call, _body: Any) -> Any:
    """The whole token, without nulls; `resources` is what its text says."""
    body = encode(call.schema.attributes, call.plan, None, patch=False)
    for policy in body.get("policies") or []:
        try:
            policy["resources"] = load_json(policy["resources"])
        except json.JSONDecodeError as error:
            raise Refused(
                "failed to serialize http request",
                "json: error calling MarshalJSON for type json.RawMessage: " + _complaint(policy["resources"]),
            ) from error
    return body


def _complaint(text: str) -> str:
    """What Go says of text that is no JSON, for the literals that people forget to quote."""
    for literal in ("null", "true", "false"):
        if text[:1] == literal[0]:
            for n, wanted in enumerate(literal):
                if text[n : n + 1] != wanted:
                    return f"invalid character '{text[n : n + 1]}' in literal {literal} (expecting '{wanted}')"
    if not text.strip():
        return "unexpected end of JSON input"
    return f"invalid character '{text[0]}' looking for beginning of value"


def _groups(policy: Policy) -> list[str]:
    return [group["id"] for group in policy["permission_groups"] or []]


def _identity(policy: Policy) -> tuple[str, ...]:
    return (policy["effect"], *sorted(_groups(policy)))


def _fingerprint(policy: Policy) -> tuple[str, ...]:
    return (policy["resources"], *_identity(policy))


def _value(call: Call, value: Value, node: Any) -> Value | None:
    nodes = node.get("policies") if isinstance(node, dict) else None
    if not isinstance(nodes, list):
        raise Refused("failed to deserialize http request", "unexpected end of JSON input")
    _take_resources(value["policies"] or [], nodes)
    _reorder(value["policies"] or [], call.plan.get("policies") or [])
    if call.operation in ("update", "read") and not is_set(value["value"]):
        value["value"] = (call.state or call.plan)["value"]
    if call.operation == "read" and value["status"] in _UNUSABLE:
        call.diagnostics.warn(
            "Token expired or revoked",
            f'Token "{value["name"]}" is in "{value["status"]}" status and is no longer usable. It will be removed '
            "from state and recreated on the next apply.",
        )
        return None
    return value


def _take_resources(policies: list[Policy], nodes: list[Any]) -> None:
    """The text of `resources` as the API wrote it; the policy is found by effect and groups, else by place."""
    waiting: dict[tuple[str, ...], list[Any]] = {}
    for node in nodes:
        waiting.setdefault(_identity({**node, "permission_groups": node.get("permission_groups")}), []).append(node)
    for n, policy in enumerate(policies):
        found = waiting.get(_identity(policy))
        node = found.pop(0) if found else nodes[n] if n < len(nodes) else None
        if node is not None:
            policy["resources"] = text_of(node.get("resources"))


def _reorder(policies: list[Policy], before: list[Policy]) -> None:
    """The order that was there before; what is new comes after, sorted."""
    places = {_fingerprint(policy): n for n, policy in enumerate(before)}
    groups = {_fingerprint(policy): _groups(policy) for policy in before}
    for policy in policies:
        known = groups.get(_fingerprint(policy), [])
        order = {group: n for n, group in enumerate(known)}
        if policy["permission_groups"]:
            policy["permission_groups"].sort(key=lambda group: (order.get(group["id"], len(order)), group["id"]))
    last = len(places)
    policies.sort(
        key=lambda policy: (
            (places[_fingerprint(policy)],)
            if _fingerprint(policy) in places
            else (last, policy["effect"], policy["resources"])
        )
    )


HOOKS = Hooks(body=_body, value=_value)
