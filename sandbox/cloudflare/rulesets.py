"""Rulesets of zones and of the account: one entry point per phase, stable rule ids by `ref`, versions that count up.

Expressions are not evaluated; only their brackets and quotes are checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, nothing, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import hex_id
from sandbox.tables import Body

_PATH = "/<any(accounts, zones):level>/<scope>/rulesets"
_TERMINATING = ("block", "challenge", "js_challenge", "managed_challenge", "log")
# What a rule may do in a phase.
PHASES: Mapping[str, tuple[str, ...]] = {
    "ddos_l7": ("execute",),
    "http_config_settings": ("set_config",),
    "http_custom_errors": ("serve_error",),
    "http_log_custom_fields": ("log_custom_field",),
    "http_ratelimit": (*_TERMINATING, "execute", "skip"),
    "http_request_cache_settings": ("set_cache_settings",),
    "http_request_dynamic_redirect": ("redirect",),
    "http_request_firewall_custom": (*_TERMINATING, "execute", "skip"),
    "http_request_firewall_managed": ("execute", "skip", *_TERMINATING),
    "http_request_late_transform": ("rewrite",),
    "http_request_origin": ("route",),
    "http_request_redirect": ("redirect",),
    "http_request_sanitize": ("execute",),
    "http_request_transform": ("rewrite",),
    "http_response_compression": ("compress_response",),
    "http_response_firewall_managed": ("execute", "skip", *_TERMINATING),
    "http_response_headers_transform": ("rewrite",),
}
# Rulesets that Cloudflare provides and that `execute` may name.
MANAGED = {
    "efb7b8c949ac4650a09736fc376e9aee": ("Cloudflare Managed Ruleset", "http_request_firewall_managed"),
    "4814384a9e5d4991b9815dcfc25d2f1f": ("Cloudflare OWASP Core Ruleset", "http_request_firewall_managed"),
    "c2e184081120413c86c3ab7e14069605": (
        "Cloudflare Exposed Credentials Check Ruleset",
        "http_request_firewall_managed",
    ),
    "4d21379b4f9f4bb088e0729962c8b3cf": ("DDoS L7 ruleset", "ddos_l7"),
    "70339d97bdb34195bbf054b1ebe81f76": ("Cloudflare Normalization Ruleset", "http_request_sanitize"),
}
_KINDS = {"zones": ("zone",), "accounts": ("root", "custom")}
_PERIODS = (10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 480, 600, 900, 1200, 1800, 2400, 3600, 65535, 86400)
_INVALID = 20120
_ORDER = (
    "action",
    "action_parameters",
    "description",
    "enabled",
    "expression",
    "ratelimit",
    "logging",
    "exposed_credential_check",
)


_SERVER = ("id", "version", "ref", "last_updated")


def _check_expression(text: Any, pointer: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise Refusal(400, _INVALID, "expression is required", pointer=pointer)
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
            if depth < 0:
                break
    if depth or quoted:
        raise Refusal(
            400, 20127, f"'{text}' is not a valid value for expression because it could not be parsed", pointer=pointer
        )


def _check_rate(rule: Body, pointer: str) -> None:
    rate = rule.get("ratelimit")
    if not isinstance(rate, Mapping):
        raise Refusal(400, _INVALID, "a rule of phase http_ratelimit needs `ratelimit`", pointer=pointer)
    if "cf.colo.id" not in rate.get("characteristics", []):
        raise Refusal(
            400, _INVALID, "characteristics must contain cf.colo.id", pointer=f"{pointer}/ratelimit/characteristics"
        )
    if rate.get("period") not in _PERIODS:
        raise Refusal(400, _INVALID, f"period must be one of {list(_PERIODS)}", pointer=f"{pointer}/ratelimit/period")
    if not rate.get("requests_per_period") and not rate.get("score_per_period"):
        raise Refusal(400, _INVALID, "requests_per_period is required", pointer=f"{pointer}/ratelimit")


def _check_rule(call: Call, rule: Body, phase: str, pointer: str) -> None:
    action = rule.get("action")
    if action not in PHASES[phase]:
        raise Refusal(
            400,
            _INVALID,
            f"'{action}' is not a valid value for action in the phase {phase}",
            pointer=f"{pointer}/action",
        )
    _check_expression(rule.get("expression"), f"{pointer}/expression")
    if phase == "http_ratelimit" and action != "execute" and action != "skip":
        _check_rate(rule, pointer)
    if action == "execute":
        target = str((rule.get("action_parameters") or {}).get("id"))
        custom = call.state.get("rulesets", call.account_id, target)
        if target not in MANAGED and (custom is None or custom["kind"] != "custom"):
            raise Refusal(400, 20019, f"ruleset '{target}' does not exist", pointer=f"{pointer}/action_parameters/id")


def _same(rule: Body, old: Body) -> bool:
    ignored = ("id", "version", "last_updated", "ref")
    return {k: v for k, v in rule.items() if k not in ignored} == {k: v for k, v in old.items() if k not in ignored}


def _rule(call: Call, body: Body, known: Sequence[Body]) -> dict[str, Any]:
    """A complete rule; it keeps its id when it names it or when its `ref` is known."""
    before = next(
        (old for old in known if body.get("id") == old["id"] or (body.get("ref") and body["ref"] == old["ref"])), None
    )
    identifier = str(before["id"]) if before else hex_id()
    content = {"description": "", "enabled": True, **{key: value for key, value in body.items() if value is not None}}
    rule: dict[str, Any] = {"id": identifier, "version": "1"}
    rule.update({name: content[name] for name in _ORDER if name in content})
    rule.update({name: value for name, value in content.items() if name not in _SERVER and name not in _ORDER})
    rule["ref"] = body.get("ref") or (before["ref"] if before else identifier)
    rule["last_updated"] = call.time
    if before:
        unchanged = _same(rule, before)
        rule["version"] = before["version"] if unchanged else str(int(before["version"]) + 1)
        rule["last_updated"] = before["last_updated"] if unchanged else call.time
    return rule


def _store(call: Call, level: str, scope: str, identifier: str, body: Body, old: Body | None) -> dict[str, Any]:
    phase, kind = str(body.get("phase")), str(body.get("kind"))
    if phase not in PHASES:
        raise Refusal(400, _INVALID, f"'{phase}' is not a valid value for phase", pointer="/phase")
    if kind not in _KINDS[level]:
        raise Refusal(400, _INVALID, f"'{kind}' is not a valid value for kind at the level of {level}", pointer="/kind")
    if not body.get("name"):
        raise Refusal(400, _INVALID, "name is required", pointer="/name")
    twins = [
        other
        for other in call.state.all("rulesets", scope)
        if other["id"] != identifier and other["phase"] == phase and other["kind"] == kind
    ]
    if kind != "custom" and twins:
        reason = f"exceeded maximum number of {kind} rulesets for phase {phase}"
        message = f"'{kind}' is not a valid value for kind because {reason}"
        raise Refusal(400, 20217, message, pointer="/kind")
    if old and (old["phase"], old["kind"]) != (phase, kind):
        raise Refusal(400, _INVALID, "phase and kind cannot be changed", pointer="/phase")
    rules = body.get("rules") or []
    for index, rule in enumerate(rules):
        _check_rule(call, rule, phase, f"/rules/{index}")
    references = [rule["ref"] for rule in rules if rule.get("ref")]
    if len(set(references)) != len(references):
        raise Refusal(400, _INVALID, "two rules have the same ref", pointer="/rules")
    known = old["rules"] if old else []
    made = {
        "id": identifier,
        "name": body["name"],
        "description": body.get("description") or "",
        "kind": kind,
        "version": str(int(old["version"]) + 1) if old else "1",
        "rules": [_rule(call, rule, known) for rule in rules],
        "last_updated": call.time,
        "phase": phase,
    }
    call.state.put("rulesets", scope, identifier, made)
    return made


def _find(call: Call, scope: str, identifier: str) -> Body:
    found = call.state.get("rulesets", scope, identifier)
    if found is None:
        raise Refusal(404, 10003, "could not find ruleset")
    return found


def _summary(ruleset: Body) -> dict[str, Any]:
    return {key: value for key, value in ruleset.items() if key != "rules"}


def _listing(call: Call, level: str, scope: str) -> Answer:
    own = [_summary(ruleset) for ruleset in call.state.all("rulesets", scope)]
    managed = [
        {
            "id": key,
            "name": name,
            "description": "",
            "kind": "managed",
            "version": "1",
            "last_updated": call.account["created_on"],
            "phase": phase,
        }
        for key, (name, phase) in MANAGED.items()
    ]
    return ok([*own, *managed], info={"cursors": {}})


def _create(call: Call, level: str, scope: str) -> Answer:
    return ok(_store(call, level, scope, hex_id(), call.object(), None))


def _read(call: Call, level: str, scope: str, identifier: str) -> Answer:
    return ok(_find(call, scope, identifier))


def _change(call: Call, level: str, scope: str, identifier: str) -> Answer:
    old = _find(call, scope, identifier)
    body = {"kind": old["kind"], "phase": old["phase"], "name": old["name"], **call.object()}
    return ok(_store(call, level, scope, identifier, body, old))


def _remove(call: Call, level: str, scope: str, identifier: str) -> Answer:
    _find(call, scope, identifier)
    for _, other in call.state.scopes("rulesets"):
        if any((rule.get("action_parameters") or {}).get("id") == identifier for rule in other["rules"]):
            raise Refusal(400, 20037, "the ruleset is executed by another ruleset")
    call.state.delete("rulesets", scope, identifier)
    return nothing()


def _entry_point(call: Call, scope: str, phase: str) -> Body | None:
    return next((r for r in call.state.all("rulesets", scope) if r["phase"] == phase and r["kind"] != "custom"), None)


def _read_entry_point(call: Call, level: str, scope: str, phase: str) -> Answer:
    found = _entry_point(call, scope, phase)
    if found is None:
        raise Refusal(404, 10003, f"could not find entrypoint ruleset in the {phase} phase")
    return ok(found)


def _write_entry_point(call: Call, level: str, scope: str, phase: str) -> Answer:
    old = _entry_point(call, scope, phase)
    body = {"name": old["name"] if old else "default", **call.object(), "kind": _KINDS[level][0], "phase": phase}
    return ok(_store(call, level, scope, str(old["id"]) if old else hex_id(), body, old))


ROUTES = (
    Route("GET", _PATH, _listing),
    Route("POST", _PATH, _create),
    Route("GET", f"{_PATH}/phases/<phase>/entrypoint", _read_entry_point),
    Route("PUT", f"{_PATH}/phases/<phase>/entrypoint", _write_entry_point),
    Route("GET", f"{_PATH}/<identifier>", _read),
    Route("PUT", f"{_PATH}/<identifier>", _change),
    Route("DELETE", f"{_PATH}/<identifier>", _remove),
)
