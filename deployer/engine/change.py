"""What a step would do, as data.

A change is computed once by `diff`, shown by `--check`, carried out by `apply` and listed in the JSON document; there
is no second description of the same thing. A change must never hold a secret: whoever makes one writes a fingerprint's
first characters or the word "set" instead.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final


class Action(enum.StrEnum):
    """What happens to the thing at `address`."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"  # it stays, and nothing here holds it any longer
    RUN = "run"  # something that is done rather than made: a build, a push of functions


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between what is and what the inventory wishes.

    `address` names the thing the way its tool does (`cloudflare_worker.this`, `convex:SITE_URL`).
    `detail` are preformatted lines that only `--diff` shows; make them with `text_diff` or take the tool's own.
    `certain=False` says that the change depends on a value which is not known before an earlier step was applied: the
    step may turn out to have nothing to do. It is shown as "may change".
    `meaning` stands for everything that the change does: two changes of one address with the same meaning do the same,
    whenever and wherever they were computed. It is a digest or a keyed fingerprint, so it tells no value; make it with
    data that is known before any step has run. `over` stands likewise for what is replaced by it.
    `forces` are the attributes because of which a thing is replaced.
    `local=True` says that nothing but this machine is changed (a build): nobody has to review that.
    """

    action: Action
    address: str
    summary: str
    detail: str = ""
    certain: bool = True
    meaning: str = ""
    over: str = ""
    forces: tuple[str, ...] = ()
    local: bool = False

    def document(self, *, detail: bool = False) -> dict[str, object]:
        """This change for the JSON document; `detail` adds the lines of `--diff`."""
        document: dict[str, object] = {
            "action": self.action.value,
            "address": self.address,
            "summary": self.summary,
        }
        if not self.certain:
            document["certain"] = False
        if detail and self.detail:
            document["detail"] = self.detail
        return document


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a value that the step named `source` will only have after it was applied.

    Check mode alone meets it: `context.value(...)` returns it there instead of inventing something. In texts it reads
    as "(known after <source>)"; `unknowns_in` finds it inside nested data, so that digests over it are not believed.
    """

    source: str

    def __str__(self) -> str:
        return f"(known after {self.source})"


def unknowns_in(value: object) -> Iterator[Unknown]:
    """Every `Unknown` within nested mappings and sequences."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from unknowns_in(item)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in value:
            yield from unknowns_in(item)


_CONTEXT_LINES: Final = 2


def text_diff(before: str | None, after: str | None, *, name: str) -> str:
    """Unified diff of two texts for `Change.detail`; `None` stands for a file that is not there."""
    import difflib  # only wanted with --diff

    lines = difflib.unified_diff(
        (before or "").splitlines(),
        (after or "").splitlines(),
        fromfile=f"{name} (now)" if before is not None else "(absent)",
        tofile=f"{name} (wanted)" if after is not None else "(absent)",
        lineterm="",
        n=_CONTEXT_LINES,
    )
    return "\n".join(lines)
