"""Secrets of a secrets store: they are made in lists of one."""

from __future__ import annotations

from typing import Any

from ..diagnostics import Refused
from ..hooks import Call, Hooks


def _body(call: Call, body: Any) -> Any:
    return [body] if call.operation == "create" else body


def _node(call: Call, node: Any) -> Any:
    if call.operation != "create":
        return node
    if not isinstance(node, list) or not node:
        raise Refused("bad state", "expected to have created 1 item")
    return node[0]


HOOKS = Hooks(body=_body, node=_node)
