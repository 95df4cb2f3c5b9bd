"""Access applications: what is planned and what counts as a change depends on the kind of application."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import UNKNOWN, equal, is_set
from .access_group import as_before
from .access_policy import off_as_before

_SELF_HOSTED = ("self_hosted", "ssh", "vnc", "rdp", "mcp_portal")
_IN_LAUNCHER = ("self_hosted", "ssh", "vnc", "rdp", "saas", "bookmark")
_WITH_SESSION = (*_SELF_HOSTED, "saas", "dash_sso", "app_launcher", "warp", "mcp", "proxy_endpoint")
_DOMAINS = ("domain", "self_hosted_domains", "destinations")
_WRITE_ONLY = ("password", "token", "client_secret")
# What an open attribute is for these kinds of applications; for others it is null.
_DEFAULTS: dict[str, tuple[tuple[str, ...], Any]] = {
    "http_only_cookie_attribute": ((*_SELF_HOSTED, "mcp"), True),
    "app_launcher_visible": (_IN_LAUNCHER, True),
    "skip_app_launcher_login_page": (("app_launcher",), False),
    "session_duration": (_WITH_SESSION, "24h"),
}
_SAAS_DEFAULTS: dict[str, tuple[str, Any]] = {
    "client_id": ("oidc", UNKNOWN),
    "client_secret": ("oidc", UNKNOWN),
    "allow_pkce_without_client_secret": ("oidc", False),
    "access_token_lifetime": ("oidc", "5m"),
    "idp_entity_id": ("saml", UNKNOWN),
    "name_id_format": ("saml", UNKNOWN),
    "sso_endpoint": ("saml", UNKNOWN),
}

# ------------------------------------------------------------------------------------------------------------- plan


def _plan(plan: Plan) -> None:
    value, state = plan.value, plan.state
    kind = value["type"]
    if plan.config["tags"] is None:
        value["tags"] = None
    for name in ("self_hosted_domains", "destinations"):
        if value[name] is UNKNOWN and kind not in _SELF_HOSTED:
            value[name] = None
    if state is None or any(value[name] is not UNKNOWN and not equal(value[name], state[name]) for name in _DOMAINS):
        for name in _DOMAINS:  # one of them changes the others
            value[name] = UNKNOWN if value[name] is None else value[name]
    else:
        for name in _DOMAINS:
            value[name] = state[name]
    for name, (kinds, default) in _DEFAULTS.items():
        if value[name] is UNKNOWN:
            value[name] = default if kind in kinds else None
    saas = value["saas_app"]
    if kind == "saas" and is_set(saas):
        for name, (auth, default) in _SAAS_DEFAULTS.items():
            if saas[name] is UNKNOWN:
                saas[name] = default if saas["auth_type"] == auth else None
    last = 0
    for policy in value["policies"] or [] if is_set(value["policies"]) else []:
        if policy["precedence"] is UNKNOWN:
            policy["precedence"] = last + 1
        last = policy["precedence"] or 0


# ------------------------------------------------------------------------------------------------------------- body


def _body(call: Call, body: Any) -> Any:
    """Policies are always sent, as the API keeps the old ones otherwise; write-only values are the configuration's."""
    if call.plan["policies"] is None:
        body["policies"] = []
    wanted = _authentication((call.config or {}).get("scim_config"))
    sent = (body.get("scim_config") or {}).get("authentication")
    if wanted and isinstance(sent, dict):
        sent.update({name: wanted[name] for name in _WRITE_ONLY if is_set(wanted.get(name))})
    return body


def _authentication(config: Any) -> Any:
    found = config.get("authentication") if is_set(config) else None
    return found if is_set(found) else None


# ------------------------------------------------------------------------------------------------------------- value


def on_as_before(new: Any, before: Any) -> Any:
    """Null and true are one: what was there stays."""
    return new if new is False or before is False or before is UNKNOWN else before


def _value(call: Call, value: Value, _node: Any) -> Value:
    if call.operation == "import":
        return _imported(value)
    if call.operation == "create":
        return value
    before = call.plan
    for name in ("allowed_idps", "policies", "tags"):
        value[name] = as_before(value[name], before[name])
    if is_set(value["tags"]) and is_set(before["tags"]) and sorted(value["tags"]) == sorted(before["tags"]):
        value["tags"] = before["tags"]
    switches = ["service_auth_401_redirect", "enable_binding_cookie", "options_preflight_bypass"]
    switches.append("auto_redirect_to_identity")
    if value["type"] in _SELF_HOSTED:
        switches += ["skip_interstitial", "allow_iframe", "path_cookie_attribute"]
        name = "http_only_cookie_attribute"
        value[name] = on_as_before(value[name], before[name])
        _each_off(value["cors_headers"], before["cors_headers"], ("allow_credentials",))
    _each_off(value, before, tuple(switches))
    _factors(value["mfa_config"], before["mfa_config"])
    _saas(value["saas_app"], before["saas_app"])
    for policy, known in zip(value["policies"] or [], before["policies"] or [], strict=False):
        _policy(policy, known)
    _oauth(value["oauth_configuration"], before["oauth_configuration"])
    sent, known = _authentication(value["scim_config"]), _authentication(before["scim_config"])
    if sent and known:
        sent.update({name: known[name] for name in _WRITE_ONLY})
    return value


def _each_off(new: Any, before: Any, names: tuple[str, ...]) -> None:
    if is_set(new) and is_set(before):
        for name in names:
            new[name] = off_as_before(new[name], before[name])


def _factors(new: Any, before: Any) -> None:
    if is_set(new) and is_set(before):
        new["allowed_authenticators"] = as_before(new["allowed_authenticators"], before["allowed_authenticators"])
        _each_off(new, before, ("mfa_disabled",))


def _saas(new: Any, before: Any) -> None:
    if not is_set(new) or not is_set(before):
        return
    if new["auth_type"] == "saml":
        for name in ("sp_entity_id", "consumer_service_url"):
            new[name] = as_before(new[name], before[name])
    elif new["auth_type"] == "oidc":
        if new["access_token_lifetime"] == "5m" and before["access_token_lifetime"] is None:  # noqa: S105 - a duration
            new["access_token_lifetime"] = None
        if is_set(before["client_secret"]):
            new["client_secret"] = before["client_secret"]
        _each_off(new, before, ("allow_pkce_without_client_secret",))


def _policy(new: Value, before: Value) -> None:
    """Of a policy that lives elsewhere only what is configured here belongs here."""
    for name in ("id", "decision", "name", "include", "require", "exclude", "connection_rules", "mfa_config"):
        if before[name] is None:
            new[name] = None
    rules, known = new["connection_rules"], before["connection_rules"]
    if is_set(rules) and is_set(known):
        _each_off(rules["ssh"], known["ssh"], ("allow_email_alias",))
        if is_set(rules["rdp"]) and is_set(known["rdp"]):
            for name in rules["rdp"]:
                rules["rdp"][name] = as_before(rules["rdp"][name], known["rdp"][name])
    _factors(new["mfa_config"], before["mfa_config"])


def _oauth(new: Any, before: Any) -> None:
    if not is_set(new) or not is_set(before):
        return
    new["enabled"] = on_as_before(new["enabled"], before["enabled"])
    registration, known = new["dynamic_client_registration"], before["dynamic_client_registration"]
    if not is_set(registration):
        return
    state = known if is_set(known) else dict.fromkeys(registration)
    for name in ("enabled", "allow_any_on_localhost", "allow_any_on_loopback"):
        registration[name] = on_as_before(registration[name], state[name])
    registration["allowed_uris"] = as_before(registration["allowed_uris"], state["allowed_uris"])
    if known is None and not any(is_set(item) for item in registration.values()):
        new["dynamic_client_registration"] = None


def _imported(value: Value) -> Value:
    for name in ("allowed_idps", "policies", "tags"):
        value[name] = value[name] or None
    for policy in value["policies"] or []:
        parts = ("include", "require", "exclude")
        if policy["id"] is not None:  # it lives elsewhere; its id says it all
            for name in ("decision", "name", *parts, "connection_rules", "mfa_config"):
                policy[name] = None
        else:
            for name in parts:
                policy[name] = policy[name] or None
    return value


HOOKS = Hooks(plan=_plan, body=_body, value=_value)
