"""What every rendering of a plan says in the same words: counts, kinds of things, times, the next command.

It also makes texts from elsewhere harmless: whatever would move the cursor, hide itself or turn the direction of
writing shows as an escape.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from deployer.engine.change import Action, Change
from deployer.review.risk import Risk, risk_of
from deployer.review.view import PlanView
from deployer.words import Named

ORDER: Final = (Action.DELETE, Action.FORGET, Action.REPLACE, Action.UPDATE, Action.RUN, Action.CREATE)
"""The most dangerous first."""
FOLD_FROM: Final = 10
"""More similar changes than this are one line; these many of them are named all the same:"""
NAMED: Final = 3

_RESOURCE: Final = re.compile(
    r"""(?:module\.[\w-]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?\.)*(?P<type>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\.[\w-]+(?:\[.*\])?"""
)


class Group(NamedTuple):
    """Changes that are shown together: one, or many that are alike."""

    changes: Sequence[Change]

    @property
    def first(self) -> Change:
        """The one that stands for all."""
        return self.changes[0]


def safe(text: str) -> str:
    """One line that a terminal and a reader take as it is."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def kind_of(change: Change) -> str:
    """What kind of thing changes: the resource type, or the service where there is none."""
    owner, colon, name = change.address.partition(":")
    if not colon:
        return change.address
    found = _RESOURCE.fullmatch(name)
    return found["type"] if found else owner


def groups(changes: Iterable[Change], *, fold: bool) -> Iterator[Group]:
    """The changes of one risk; with `fold` those that are alike and many become one group.

    Creations are alike if they are of one type, updates if they do the same to one type. What deletes or replaces is
    never put together.
    """
    alike: dict[object, list[Change]] = {}
    for change in changes:
        alike.setdefault(_likeness(change) if fold else id(change), []).append(change)
    for found in alike.values():
        if len(found) > FOLD_FROM:
            yield Group(found)
        else:
            yield from (Group((change,)) for change in found)


def _likeness(change: Change) -> object:
    if risk_of(change) is Risk.DESTROY:
        return id(change)
    likeness = (change.action, change.certain, change.address.partition(":")[0], kind_of(change))
    return likeness if change.action is Action.CREATE else (*likeness, change.summary, change.detail)


def counts(changes: Iterable[Change]) -> dict[Action, int]:
    """How many changes of each action, the most dangerous first; all actions are there."""
    found = Counter(change.action for change in changes)
    return {action: found[action] for action in ORDER}


def title(risk: Risk, changes: Iterable[Change]) -> str:
    """`delete: 1, replace: 2`: what stands above the changes of one risk."""
    return ("on this machine, " if risk is Risk.NONE else "") + ", ".join(
        f"{action.value}: {count}" for action, count in counts(changes).items() if count
    )


def totals(view: PlanView) -> str:
    """`1 to delete, 3 to update, 41 unchanged`."""
    parts = [f"{count} to {action.value}" for action, count in counts(view.pending).items() if count]
    unchanged = view.manifest.counts.unchanged
    return ", ".join([*(parts or ["nothing to change"]), *([f"{unchanged} unchanged"] if unchanged else [])])


def by_kind(changes: Iterable[Change], *, most: int) -> str:
    """`118 cloudflare_dns_record, 2 convex`, the largest first; beyond `most` kinds only their number."""
    found = Counter(map(kind_of, changes)).most_common()
    parts = [f"{count} {kind}" for kind, count in found[:most]]
    rest = found[most:]
    if rest:
        parts.append(f"{sum(count for _, count in rest)} of {number(len(rest), 'other kind')}")
    return ", ".join(parts)


def number(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def made_from(view: PlanView) -> str:
    """The commit, and whether the files were those of the commit."""
    manifest = view.manifest
    if manifest.commit is None:
        return "no commit"
    return f"commit {manifest.commit[:12]}" + (", with uncommitted changes" if manifest.dirty else "")


def may(change: Change) -> str:
    """The verb of a change."""
    return change.action.value if change.certain else f"may {change.action.value}"


def told(change: Change) -> str:
    """The summary, unless the address says the same."""
    return "" if change.summary.replace(" ", "_") in change.address else change.summary


def next_command(view: PlanView, *, plan: str | None) -> str | None:
    """What to type next; `plan` is what `--plan` takes, None if the plan was not kept."""
    manifest = view.manifest
    named = Named(manifest.environment, manifest.target)
    again = named.bare("plan")
    if any(finding.severity == "error" for finding in view.findings):
        return f"mend what breaks the rules, then `{again}`"
    if not view.pending:
        return None
    if manifest.dirty and view.needed:
        return f"commit, then `{again}`; uncommitted changes cannot be approved"
    if plan is None:
        return f"`{again} --out plan/` keeps it"
    return f"`inv {'approve' if view.needed else 'apply'} --plan {plan}{named.flags}`"
