"""DNS records: short names, settings that only CNAME has, and timestamps that stay known while nothing changes."""

from __future__ import annotations

from typing import Any

from ..diagnostics import Refused
from ..hooks import Call, Hooks, Value
from ..modifiers import same_meaning
from ..plan import Plan
from ..values import UNKNOWN, equal, is_set

_SWITCHES = ("ipv4_only", "ipv6_only", "flatten_cname")
_ZONE = "zone_name"  # what a read learned, kept in private state


def _check(call: Call) -> None:
    if call.operation == "create" and call.plan["proxied"] is True and call.plan["ttl"] != 1:
        raise Refused(
            "ttl must be set to 1 when `proxied` is true",
            "When a DNS record is marked as `proxied` the TTL must be 1 as Cloudflare will control the TTL internally.",
        )


def _value(call: Call, value: Value, _node: Any) -> Value:
    if value["type"] == "CNAME":
        value["settings"] = _switched_off(value["settings"])
    if call.operation == "read":
        _learn_zone(call, value["name"])
    return value


def _switched_off(settings: Any) -> Value:
    known = settings if is_set(settings) else {}
    return {name: known[name] if is_set(known.get(name)) else False for name in _SWITCHES}


def _learn_zone(call: Call, name: Any) -> None:
    before = call.plan["name"]
    if not is_set(before) or not is_set(name):
        return
    short, full = before.removesuffix("."), name.removesuffix(".")
    if short and full.startswith(short + "."):
        call.private[_ZONE] = full[len(short) + 1 :]


# ------------------------------------------------------------------------------------------------------------- plan


def _plan(plan: Plan) -> None:
    value, state = plan.value, plan.state
    if state is not None:
        _plan_name(plan, state)
        _plan_content(value, state)
        changed = _changes(value, state)
        for name in ("created_on", "proxiable", "meta"):
            if value[name] is UNKNOWN:
                value[name] = state[name]
        if value["modified_on"] is UNKNOWN and not changed:
            value["modified_on"] = state["modified_on"]
        if value["content"] is UNKNOWN and value["data"] is not None:
            value["content"] = state["content"]
        _plan_settings(value, state)
        if value["tags"] is UNKNOWN and not state["tags"]:
            value["tags"] = state["tags"]
    _plan_moment(plan, "comment", "comment_modified_on")
    _plan_moment(plan, "tags", "tags_modified_on")
    if value["type"] == "CNAME" and value["settings"] is not UNKNOWN:
        value["settings"] = _switched_off(value["settings"])


def _plan_name(plan: Plan, state: Value) -> None:
    """A short name that the API spells out is no change."""
    wanted, before = plan.value["name"], state["name"]
    if not is_set(wanted) or not is_set(before):
        return
    short, full = wanted.removesuffix("."), before.removesuffix(".")
    if wanted == "@" and before != "@" and "." in before:
        plan.value["name"] = before
    elif full.startswith(short + "."):
        zone = plan.private.get(_ZONE, "").removesuffix(".")
        if not zone or full[len(short) + 1 :] == zone:
            plan.value["name"] = before


def _plan_content(value: Value, state: Value) -> None:
    wanted, before = value["content"], state["content"]
    alias = value["type"] == "CNAME" and value["data"] is None
    if alias and is_set(wanted) and is_set(before) and wanted.lower() == before.lower():
        value["content"] = before


def _changes(value: Value, state: Value) -> bool:
    """Whether anything changes that a user can set."""
    names = ["name", "type", "ttl", "proxied", "priority", "comment"]
    if value["data"] is None:
        names.append("content")
    if any(not equal(value[name], state[name]) for name in names):
        return True
    if not same_meaning(value["data"], state["data"]):
        return True
    wanted = value["tags"]
    if wanted is UNKNOWN:
        return bool(state["tags"])
    if (wanted or state["tags"]) and not equal(wanted, state["tags"]):
        return True
    return _settings_change(value["settings"], state["settings"])


def _is_empty(settings: Any) -> bool:
    return not is_set(settings) or not any(is_set(settings[name]) for name in _SWITCHES)


def _any_on(settings: Any) -> bool:
    return is_set(settings) and any(settings[name] is True for name in _SWITCHES)


def _settings_change(wanted: Any, before: Any) -> bool:
    if _is_empty(wanted):
        return _any_on(before)
    return is_set(before) and not equal(wanted, before)


def _plan_settings(value: Value, state: Value) -> None:
    wanted, before = value["settings"], state["settings"]
    if not is_set(wanted) or (_is_empty(wanted) and not _any_on(before)):
        value["settings"] = before


def _plan_moment(plan: Plan, of: str, when: str) -> None:
    """When a comment or the tags were changed: null without any, as it was while they stay."""
    value, state = plan.value, plan.state
    if value[when] is not UNKNOWN:
        return
    if value[of] is not UNKNOWN and not value[of]:
        value[when] = None
    elif state is not None and equal(value[of], state[of]):
        value[when] = state[when]


HOOKS = Hooks(plan=_plan, check=_check, value=_value)
