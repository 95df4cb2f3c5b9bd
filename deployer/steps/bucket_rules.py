"""Rules of the state bucket: what goes by itself after a while, and what nobody can change or remove.

Ours are known by the beginning of their ids. All others are left as they are, in their places: the bucket may be kept
by others too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployer.adapters.cloudflare import BucketSettings, Rule, RuleKind
from deployer.engine.change import Action, Change, text_diff
from deployer.engine.step import BaseStep, Context
from deployer.errors import ServiceFailed

OURS: Final = "deployer-"
_DAY: Final = 86_400


def expiry(name: str, *, prefix: str, days: int) -> Rule:
    """A lifecycle rule that removes what lies below `prefix` when it is so old."""
    condition = {"type": "Age", "maxAge": days * _DAY}
    return {
        "id": f"{OURS}{name}",
        "enabled": True,
        "conditions": {"prefix": prefix},
        "deleteObjectsTransition": {"condition": condition},
    }


def lock(name: str, *, prefix: str, days: int) -> Rule:
    """A lock rule that keeps what lies below `prefix` as it is for so long."""
    condition = {"type": "Age", "maxAgeSeconds": days * _DAY}
    return {"id": f"{OURS}{name}", "enabled": True, "prefix": prefix, "condition": condition}


@dataclass(frozen=True, kw_only=True)
class BucketRules(BaseStep[Sequence[Rule]]):
    """All rules of one kind: ours as wished, others as they are."""

    settings: BucketSettings
    kind: RuleKind
    wanted: Sequence[Rule]

    def observe(self, context: Context) -> Sequence[Rule]:
        """The rules that there are."""
        return self.settings.rules(self.kind)

    def diff(self, context: Context, facts: Sequence[Rule]) -> Sequence[Change]:
        """One change per rule of ours."""
        there = {rule["id"]: rule for rule in facts if _is_ours(rule)}
        wanted = {rule["id"]: rule for rule in self.wanted}
        changes = []
        for name in sorted({*there, *wanted}):
            before, after = there.get(name), wanted.get(name)
            if before is None:
                action = Action.CREATE
            elif after is None:
                action = Action.DELETE
            elif _says(before, after):
                continue
            else:
                action = Action.UPDATE
            changes.append(
                Change(
                    action=action,
                    address=f"r2:{self.settings.bucket}/{self.kind}/{name}",
                    summary=_summary(self.kind, after or before or {}),
                    detail=text_diff(_text(before), _text(after), name=name),
                )
            )
        return changes

    def apply(self, context: Context, facts: Sequence[Rule], changes: Sequence[Change]) -> Mapping[str, object]:
        """Write them all, on top of what others have set until this moment, and look whether they hold."""
        self.settings.write_rules(self.kind, self._merged(self.settings.rules(self.kind)))
        left = self.diff(context, self.settings.rules(self.kind))
        if left:
            raise ServiceFailed(
                f"the {self.kind} rules were written, and are not what was written",
                place=f"bucket `{self.settings.bucket}`",
                hint="somebody else may be setting rules of this bucket: run the same command again",
                details=[f"{change.address}: {change.summary}" for change in left],
            )
        return {}

    def _merged(self, there: Sequence[Rule]) -> list[Rule]:
        wanted = {rule["id"]: rule for rule in self.wanted}
        kept = [wanted.pop(rule["id"], None) if _is_ours(rule) else rule for rule in there]
        return [*(rule for rule in kept if rule is not None), *wanted.values()]


def _is_ours(rule: Rule) -> bool:
    return str(rule.get("id", "")).startswith(OURS)


def _says(there: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; the service may add what it fills in itself."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(_says(there.get(key), value) for key, value in wanted.items())
    return bool(there == wanted)


def _text(rule: Rule | None) -> str | None:
    return None if rule is None else json.dumps(rule, indent=1, sort_keys=True)


def _summary(kind: RuleKind, rule: Rule) -> str:
    if kind == "lock":
        prefix, condition = rule.get("prefix") or "everything", rule.get("condition") or {}
        seconds = condition.get("maxAgeSeconds")
        return f"{prefix} cannot be changed or removed" + (f" for {_days(seconds)}" if seconds else "")
    prefix = (rule.get("conditions") or {}).get("prefix") or "everything"
    seconds = ((rule.get("deleteObjectsTransition") or {}).get("condition") or {}).get("maxAge")
    return f"{prefix} goes" + (f" after {_days(seconds)}" if seconds else "")


def _days(seconds: float) -> str:
    days = seconds / _DAY
    return f"{days:g} day{'' if days == 1 else 's'}"
