"""Whose token is it, and what may it do: tokens with permissions, refused in GitHub's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.github.answers import Refusal
from sandbox.github.call import Call, Caller, Route
from sandbox.github.values import digest
from sandbox.tables import Body, Tables

PERMISSIONS = (
    "actions", "administration", "checks", "contents", "deployments", "issues", "metadata", "pull_requests", "statuses",
)  # fmt: skip
# What the sandbox's own token may do if the seed does not say otherwise.
EVERYTHING: Mapping[str, str] = dict.fromkeys(PERMISSIONS, "write")


def normal(permissions: Mapping[str, Any]) -> dict[str, str]:
    """Permissions as workflows write them (`pull-requests: write`) or as apps do (`pull_requests`)."""
    known = {name.replace("-", "_"): str(level) for name, level in permissions.items()}
    for name, level in known.items():
        if name not in PERMISSIONS or level not in ("read", "write", "none"):
            raise Refusal(
                422, f"no permission `{name}: {level}`; there are {', '.join(PERMISSIONS)}: read, write, none"
            )
    return known


def remember(state: Tables, value: str, login: str, permissions: Mapping[str, str]) -> None:
    """From now on this token is that account's, with those permissions. Only the value's digest is kept."""
    state.put("tokens", "-", digest(value), {"login": login, "permissions": dict(permissions)})


def authenticate(call: Call) -> Caller:
    """Who calls; 401 for nobody and for a token that was not given out."""
    scheme, _, value = call.request.headers.get("Authorization", "").partition(" ")
    if not value:
        raise Refusal(401, "Requires authentication")
    found: Body | None = call.state.get("tokens", "-", digest(value.strip()))
    if scheme.lower() not in ("bearer", "token") or found is None:
        raise Refusal(401, "Bad credentials")
    login = str(found["login"])
    return Caller(login, found["permissions"], is_app=login.endswith("[bot]"), identifier=digest(value)[:16])


def authorize(call: Call, route: Route) -> None:
    """403 for a token that lacks all of the permissions of which the route needs one; the header says which."""
    if not any(call.who.may(name, level) for name, level in route.needs):
        kind = "integration" if call.who.is_app else "personal access token"
        wanted = "; ".join(f"{name}={level}" for name, level in route.needs)
        headers = {"x-accepted-github-permissions": wanted}
        raise Refusal(403, f"Resource not accessible by {kind}", headers=headers)
