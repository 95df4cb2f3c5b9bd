"""Access policies: rules that are not configured stay null, and empty answers are no changes."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import is_set
from .access_group import as_before

_RULES = ("include", "require", "exclude")
_SELECTORS = {"email": "email", "email_domain": "domain", "ip": "ip", "geo": "country_code"}
_SWITCHES = ("purpose_justification_required", "approval_required", "isolation_required")


def _plan(plan: Plan) -> None:
    for name in _RULES:
        if plan.config[name] is None:
            plan.value[name] = None


def _pruned(rules: Any) -> Any:
    """Conditions without a meaning are dropped."""
    if not is_set(rules):
        return rules
    kept = []
    for rule in rules:
        for selector, key in _SELECTORS.items():
            item = rule[selector]
            if is_set(item) and not (is_set(item[key]) and item[key].strip()):
                rule[selector] = None
        if any(item is not None for item in rule.values()):
            kept.append(rule)
    return kept


def off_as_before(new: Any, before: Any) -> Any:
    """Null and false are one: what was there stays."""
    return new if new is True or before is True else before


def _value(call: Call, value: Value, _node: Any) -> Value:
    before = call.plan
    if call.operation == "import":
        for name in _RULES:
            value[name] = value[name] or None
        return value
    for name in _RULES:
        value[name] = as_before(_pruned(value[name]), before[name])
    value["approval_groups"] = as_before(value["approval_groups"], before["approval_groups"])
    for name in _SWITCHES:
        value[name] = off_as_before(value[name], before[name])
    _nested(value, before)
    return value


def _nested(value: Value, before: Value) -> None:
    rules, known = value.get("connection_rules"), before.get("connection_rules")
    if is_set(rules) and is_set(known) and is_set(rules["rdp"]) and is_set(known["rdp"]):
        for name in rules["rdp"]:
            rules["rdp"][name] = as_before(rules["rdp"][name], known["rdp"][name])
    factor, known = value.get("mfa_config"), before.get("mfa_config")
    if is_set(factor) and is_set(known):
        name = "allowed_authenticators"
        factor[name] = as_before(factor[name], known[name])
        factor["mfa_disabled"] = off_as_before(factor["mfa_disabled"], known["mfa_disabled"])


HOOKS = Hooks(plan=_plan, value=_value)
