"""Between the protocol's messages and this package's objects: schemas, values, diagnostics and paths.

Knows the message types and nothing of what the operations do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tf.gen import tfplugin_pb2 as pb

from .diagnostics import Diagnostic, Path
from .facts import Attribute, Schema
from .values import from_msgpack, from_state_json, load_json, to_msgpack

_NESTING = {
    "single": pb.Schema.Object.SINGLE,
    "list": pb.Schema.Object.LIST,
    "set": pb.Schema.Object.SET,
    "map": pb.Schema.Object.MAP,
}


def schema_message(schema: Schema) -> Any:
    """A schema as Terraform wants it."""
    return pb.Schema(
        version=schema.version,
        block=pb.Schema.Block(version=schema.version, attributes=_attributes(schema.attributes)),
    )


def _attributes(attributes: dict[str, Attribute]) -> list[Any]:
    return [_attribute(attribute) for attribute in attributes.values()]


def _attribute(attribute: Attribute) -> Any:
    message = pb.Schema.Attribute(
        name=attribute.name,
        required=attribute.mode == "required",
        optional=attribute.mode in ("optional", "computed_optional"),
        computed=attribute.computed,
        sensitive=attribute.sensitive,
        deprecated=attribute.deprecated is not None,
    )
    if attribute.nesting:
        message.nested_type.nesting = _NESTING[attribute.nesting]
        message.nested_type.attributes.extend(_attributes(attribute.attributes))
    else:
        message.type = json.dumps(attribute.type).encode()
    return message


def load(value: Any, schema: Schema) -> dict[str, Any] | None:
    """A value from a message."""
    if value.msgpack:
        found: dict[str, Any] | None = from_msgpack(value.msgpack, schema.type)
        return found
    return None


def load_state_json(text: bytes, schema: Schema) -> dict[str, Any] | None:
    """A value from the text of a state file."""
    found: dict[str, Any] | None = from_state_json(load_json(text), schema.type) if text else None
    return found


def dump(value: dict[str, Any] | None, schema: Schema) -> Any:
    """A value for a message."""
    return pb.DynamicValue(msgpack=to_msgpack(value, schema.type))


def load_private(data: bytes) -> dict[str, str]:
    """What the provider noted beside a state."""
    return json.loads(data) if data else {}


def dump_private(notes: dict[str, str]) -> bytes:
    """The notes for a message."""
    return json.dumps(notes, sort_keys=True).encode() if notes else b""


def path_message(path: Path) -> Any:
    """The place of an attribute."""
    return pb.AttributePath(
        steps=[
            pb.AttributePath.Step(element_key_int=step)
            if isinstance(step, int)
            else pb.AttributePath.Step(attribute_name=step)
            for step in path
        ]
    )


def diagnostic_messages(found: Iterable[Diagnostic]) -> list[Any]:
    """Diagnostics for a response."""
    messages = []
    for each in found:
        message = pb.Diagnostic(
            severity=pb.Diagnostic.ERROR if each.severity == "error" else pb.Diagnostic.WARNING,
            summary=each.summary,
            detail=each.detail,
        )
        if each.path:
            message.attribute.CopyFrom(path_message(each.path))
        messages.append(message)
    return messages
