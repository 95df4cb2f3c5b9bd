"""What a planned change does, as one digest: two plans with the same digests do the same.

Pure, over the JSON of `terraform show -json`. Text, order and the values from before do not count; what is done, to
which thing, and every value that it ends with do. Sensitive values enter as keyed fingerprints.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployer.adapters.files import digest_of
from deployer.adapters.terraform.plan import PlannedChange, unknown_paths, within

_UNKNOWN: Final = "(known after apply)"
_TOLERATED: Final = "(tolerated)"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How meanings are read: by which key sensitive values are compared, and which values are noise.

    `fingerprint` is keyed. `tolerated` says of an attribute's path whether a difference there means nothing.
    """

    fingerprint: Callable[[str], str]
    tolerated: Callable[[str, str], bool] = lambda _address, _path: False


def meaning_of(change: PlannedChange, reading: Reading, *, reviewed: PlannedChange | None = None) -> str:
    """The digest of one change that was read with details.

    What was not known yet in `reviewed`, the same change of an earlier plan, is left open here too: that one resource
    has got its id meanwhile does not alter what the others were meant to become.
    """
    raw = change.raw
    blank = set(unknown_paths((reviewed.raw if reviewed else {}).get("after_unknown")))
    which = None if change.word == "create" else (raw.get("before") or {}).get("id")
    before: dict[str, str | None] = dict(_leaves(raw.get("before"), raw.get("before_sensitive"), reading))
    after: dict[str, str | None] = dict(_leaves(raw.get("after"), raw.get("after_sensitive"), reading))
    blank |= set(unknown_paths(raw.get("after_unknown")))
    for leaves in (before, after):
        for path in [path for path in leaves if within(path, blank)]:
            del leaves[path]
    after.update(dict.fromkeys(blank, _UNKNOWN))
    if change.word in ("delete", "forget"):
        after = {}
    elif change.word == "update":
        after = {path: after.get(path) for path in {*before, *after} if before.get(path) != after.get(path)}
    for path in after:
        if reading.tolerated(change.address, path):
            after[path] = _TOLERATED
    return digest_of(
        {
            "does": change.word,
            "to": which,
            "forces": sorted(change.forces),
            "becomes": after,
            "moves from": change.moved_from,
            "imports": change.imports,
            "leaves the old one": change.word == "replace" and "forget" in raw.get("actions", ()),
        }
    )


def outputs_meaning(shown: Mapping[str, Any], reading: Reading) -> str:
    """The digest of what a plan makes of the outputs."""
    changes = {
        name: dict(_leaves(change.get("after"), change.get("after_sensitive"), reading))
        | dict.fromkeys(unknown_paths(change.get("after_unknown")), _UNKNOWN)
        for name, change in shown.get("output_changes", {}).items()
        if change["actions"] != ["no-op"]
    }
    return digest_of(changes)


def _leaves(value: Any, sensitive: Any, reading: Reading, path: str = "") -> Iterator[tuple[str, str]]:
    """Leaves by path; null is the same as not there. What is sensitive as a whole is one leaf."""
    if value is None:
        return
    if sensitive is True:
        yield path, reading.fingerprint(json.dumps(value, sort_keys=True))
    elif isinstance(value, dict) and value:
        parts = sensitive if isinstance(sensitive, dict) else {}
        for key, item in value.items():
            yield from _leaves(item, parts.get(key), reading, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        items = sensitive if isinstance(sensitive, list) else []
        for index, item in enumerate(value):
            part = items[index] if index < len(items) else None
            yield from _leaves(item, part, reading, f"{path}[{index}]")
    else:
        text = json.dumps(value, ensure_ascii=False)
        # A script's text is as good as its digest.
        yield path, text if len(text) < 200 else hashlib.sha256(text.encode()).hexdigest()
