"""API tokens of the user and of the account, the permission groups they are made of, and who may call at all.

Of a token's value only the digest is kept; it is told once, when it is made. A token made here may call the API until
it expires, is disabled or deleted; its policies are kept but not enforced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok, page
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.permissions import GROUPS, NAMES
from sandbox.cloudflare.values import digest, hex_id, seconds, secret_value
from sandbox.tables import Body, Tables

_USER_SCOPE = "user"
_ACCOUNT_PATH = "/accounts/<account_id>/tokens"
_USER_PATH = "/user/tokens"
_DIGEST = "value_digest"


def authenticate(call: Call) -> None:
    """Let the sandbox's own token pass, and those made through the API; refuse everybody else as Cloudflare does."""
    scheme, _, value = call.header("Authorization").partition(" ")
    if not value and call.header("X-Auth-Key"):
        raise Refusal(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")
    if not value:
        raise Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    if scheme != "Bearer" or not (value == call.world.token() or _usable(call.state, value)):
        raise Refusal(403, 10000, "Authentication error")


def _usable(state: Tables, value: str) -> bool:
    found = next((token for _, token in state.scopes("tokens") if token[_DIGEST] == digest(value)), None)
    return found is not None and _status(found) == "active"


def _status(token: Body) -> str:
    """A token past its time is expired, whatever it was."""
    expires = token.get("expires_on")
    if expires and datetime.fromisoformat(expires) < datetime.now(UTC):
        return "expired"
    return str(token["status"])


def _shown(token: Body) -> dict[str, Any]:
    return {**{key: value for key, value in token.items() if key != _DIGEST}, "status": _status(token)}


def _policies(body: Body) -> list[dict[str, Any]]:
    policies = body.get("policies")
    if not isinstance(policies, list) or not policies:
        raise Refusal(400, 1001, "`policies` must have at least one policy", pointer="/policies")
    return [_policy(policy, index) for index, policy in enumerate(policies)]


def _policy(policy: Body, index: int) -> dict[str, Any]:
    place = f"/policies/{index}"
    if policy.get("effect") not in ("allow", "deny"):
        raise Refusal(400, 1001, "`effect` must be allow or deny", pointer=f"{place}/effect")
    if not policy.get("resources"):
        raise Refusal(400, 1001, "`resources` is required", pointer=f"{place}/resources")
    groups = policy.get("permission_groups") or []
    if unknown := [group.get("id") for group in groups if group.get("id") not in NAMES]:
        raise Refusal(
            400, 1001, f"permission group `{unknown[0]}` does not exist", pointer=f"{place}/permission_groups"
        )
    if not groups:
        raise Refusal(400, 1001, "`permission_groups` is required", pointer=f"{place}/permission_groups")
    return {
        "id": policy.get("id") or hex_id(),
        "effect": policy["effect"],
        "resources": policy["resources"],
        "permission_groups": [{"id": group["id"], "name": NAMES[group["id"]]} for group in groups],
    }


def _store(call: Call, scope: str, identifier: str, body: Body, old: Body | None, secret: str) -> dict[str, Any]:
    if not body.get("name"):
        raise Refusal(400, 1001, "`name` is required", pointer="/name")
    policies = _policies(body)
    if old:  # a policy that stays keeps its id
        for policy, before in zip(policies, old["policies"], strict=False):
            policy["id"] = before["id"]
    token: dict[str, Any] = {
        "id": identifier,
        "name": body["name"],
        "status": body.get("status") or (old["status"] if old else "active"),
        "issued_on": old["issued_on"] if old else seconds(call.time),
        "modified_on": seconds(call.time),
    }
    for name in ("expires_on", "not_before"):
        if body.get(name):
            token[name] = body[name]
    token["policies"] = policies
    if body.get("condition"):
        token["condition"] = body["condition"]
    token[_DIGEST] = secret
    call.state.put("tokens", scope, identifier, token)
    return token


def _find(call: Call, scope: str, identifier: str) -> Body:
    token = call.state.get("tokens", scope, identifier)
    if token is None:
        raise Refusal(404, 1003, "Token not found")
    return token


def _scope(call: Call) -> str:
    return _USER_SCOPE if _USER_PATH in call.request.path else call.account_id


def _listing(call: Call) -> Answer:
    return page([_shown(token) for token in call.state.all("tokens", _scope(call))], call.query)


def _create(call: Call) -> Answer:
    value = secret_value()
    token = _store(call, _scope(call), hex_id(), call.object(), None, digest(value))
    return ok({**_shown(token), "value": value})


def _read(call: Call, identifier: str) -> Answer:
    return ok(_shown(_find(call, _scope(call), identifier)))


def _change(call: Call, identifier: str) -> Answer:
    old = _find(call, _scope(call), identifier)
    return ok(_shown(_store(call, _scope(call), identifier, call.object(), old, str(old[_DIGEST]))))


def _remove(call: Call, identifier: str) -> Answer:
    _find(call, _scope(call), identifier)
    call.state.delete("tokens", _scope(call), identifier)
    return ok({"id": identifier})


def _roll(call: Call, identifier: str) -> Answer:
    """PUT .../value: a new value, the old one stops."""
    value = secret_value()
    token = {**_find(call, _scope(call), identifier), _DIGEST: digest(value)}
    call.state.put("tokens", _scope(call), identifier, token)
    return ok(value)


def _groups(call: Call) -> Answer:
    wanted_name, wanted_scope = call.query.get("name"), call.query.get("scope")
    found: Sequence[Mapping[str, Any]] = [
        group
        for group in GROUPS
        if wanted_name in (None, group["name"]) and (wanted_scope is None or wanted_scope in group["scopes"])
    ]
    return ok(list(found))


def _verify(call: Call) -> Answer:
    """GET .../verify: of the token in the request itself; the one question that a wrong token may ask."""
    value = call.header("Authorization").removeprefix("Bearer ")
    if value == call.world.token():
        return ok({"id": digest(value)[:32], "status": "active"})
    found = next((token for _, token in call.state.scopes("tokens") if token[_DIGEST] == digest(value)), None)
    if found is None:
        raise Refusal(401, 1000, "Invalid API Token")
    times = {name: found[name] for name in ("not_before", "expires_on") if name in found}
    return ok({"id": found["id"], "status": _status(found), **times})


def _routes(path: str) -> list[Route]:
    one = f"{path}/<identifier>"
    return [
        Route("GET", path, _listing),
        Route("POST", path, _create),
        Route("GET", f"{path}/permission_groups", _groups),
        Route("GET", f"{path}/verify", _verify, anonymous=True),
        Route("GET", one, _read),
        Route("PUT", one, _change),
        Route("PUT", f"{one}/value", _roll),
        Route("DELETE", one, _remove),
    ]


ROUTES = (*_routes(_ACCOUNT_PATH), *_routes(_USER_PATH))
