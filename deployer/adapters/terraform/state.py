"""Reads a Terraform state (version 4): who it is, what it manages, which values are nobody's business.

Pure, over the bytes of the state object; it neither asks Terraform nor knows where states lie. A state is written back
as the text that Terraform wrote, but for its serial: numbers and the order of keys are not ours to change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

VERSION: Final = 4
_SERIAL: Final = re.compile(rb'("serial"\s*:\s*)\d+')


class NotAState(ValueError):
    """These bytes are no state that we can read; the text says why, and holds nothing of the content."""


@dataclass(frozen=True)
class Instance:
    """One thing in a state. `hidden` are the paths of its sensitive attributes, as far as the state knows them."""

    address: str
    type: str
    managed: bool
    attributes: Mapping[str, Any] = field(repr=False)
    hidden: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[str, ...] | None:
        """What the thing is for its provider, the same in whichever state it stands; None if the state has no id.

        An id alone may be a word such as `ssl`, so what it lies in belongs to it.
        """
        identifier = self.attributes.get("id")
        if not isinstance(identifier, str) or not identifier:
            return None
        within = (str(self.attributes.get(name) or "") for name in ("account_id", "zone_id", "bucket_name"))
        return (self.type, identifier, *within)


@dataclass(frozen=True)
class State:
    """One state, as it was read."""

    body: bytes = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    serial: int
    lineage: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the bytes of a state object; NotAState if they are none, or one of another version."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            raise NotAState("it is not JSON" if body.strip() else "it is empty") from None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise NotAState(f"it is not a Terraform state of version {VERSION}")
        serial, lineage = data.get("serial"), data.get("lineage")
        if type(serial) is not int or serial < 0:
            raise NotAState("it has no serial")
        if not isinstance(lineage, str) or not lineage:
            raise NotAState("it has no lineage")
        state = cls(body, data, serial, lineage)
        try:
            _ = state.instances
            _ = state.outputs
        except (KeyError, TypeError, AttributeError, ValueError):
            raise NotAState("its resources are not listed as Terraform lists them") from None
        return state

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def instances(self) -> Mapping[str, Instance]:
        """Everything in it by address, in the order of the addresses."""
        resources = _listed(self.data["resources"])
        found = {instance.address: instance for resource in resources for instance in _of(resource)}
        return dict(sorted(found.items()))

    @property
    def managed(self) -> Mapping[str, Instance]:
        """What Terraform manages; data sources are left out."""
        return {address: instance for address, instance in self.instances.items() if instance.managed}

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """Values of the outputs, sensitive ones too."""
        return {name: output["value"] for name, output in self.data["outputs"].items()}

    def same_content(self, other: State) -> bool:
        """Whether both say the same of the world: everything but who wrote it and when."""
        return all(self.data.get(key) == other.data.get(key) for key in ("lineage", "resources", "outputs"))

    def with_serial(self, serial: int) -> State:
        """The same state under another serial."""
        wanted = {**self.data, "serial": serial}
        body = _SERIAL.sub(rb"\g<1>%d" % serial, self.body, count=1)
        if json.loads(body) != wanted:
            # The first "serial" was somebody else's: an attribute stood before it.
            body = json.dumps(wanted, indent=2, ensure_ascii=False).encode() + b"\n"
        return State.parse(body)


def _of(resource: Mapping[str, Any]) -> Iterator[Instance]:
    managed = {"managed": True, "data": False}[resource["mode"]]
    parts = [resource.get("module"), None if managed else "data", resource["type"], resource["name"]]
    base = ".".join(part for part in parts if part)
    for instance in _listed(resource["instances"]):
        key = instance.get("index_key")
        index = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
        deposed = f" (deposed {instance['deposed']})" if instance.get("deposed") else ""
        attributes = instance.get("attributes") or {}
        hidden = frozenset(_path(path) for path in instance.get("sensitive_attributes") or ())
        yield Instance(f"{base}{index}{deposed}", resource["type"], managed, dict(attributes), hidden)


def _listed(found: Any) -> list[Mapping[str, Any]]:
    """A list of objects; an empty object would pass for a list of nothing."""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TypeError
    return found


def _path(steps: list[Mapping[str, Any]]) -> str:
    """`[{get_attr a} {index 0}]` as a.0; a wrong form hides by its beginning, never by nothing."""
    words = []
    for step in steps:
        value = step["value"]
        words.append(str(value["value"] if isinstance(value, Mapping) else value))
    return ".".join(words)
