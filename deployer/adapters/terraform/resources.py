"""The resources of a plan with all their values, for whoever judges a plan by what it makes.

Pure, over the JSON of `terraform show -json`. The values include sensitive ones, whose paths are told: whoever shows
a value asks first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.terraform.plan import Word, unknown_paths, word_of


@dataclass(frozen=True, kw_only=True)
class ResourceValues:
    """A resource as it will be; one that is deleted or forgotten, as it was. Paths read `rules[0].enabled`."""

    address: str
    type: str
    word: Word
    values: Mapping[str, Any] = field(repr=False)
    unknown: frozenset[str]
    hidden: frozenset[str]


def planned_resources(data: Mapping[str, Any]) -> Iterator[ResourceValues]:
    """Every resource that a plan changes, in Terraform's order."""
    for resource in data.get("resource_changes", ()):
        word = word_of(resource)
        if word is None:
            continue
        change = resource["change"]
        goes = word in ("delete", "forget")
        when = "before" if goes else "after"
        unknown = frozenset() if goes else frozenset(unknown_paths(change.get("after_unknown")))
        yield ResourceValues(
            address=resource["address"],
            type=resource["type"],
            word=word,
            values=change.get(when) or {},
            unknown=unknown,
            # The two have one form: a tree of what is there, with true at each leaf that is meant.
            hidden=frozenset(unknown_paths(change.get(f"{when}_sensitive"))),
        )
