"""Who calls the control plane: a team token, a deployment's key, a project's preview key; or nobody (401)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request

from sandbox.convex import keys
from sandbox.convex.answers import Refusal
from sandbox.convex.state import Account


@dataclass(frozen=True)
class Caller:
    """`kind` is `team`, `deployment` or `preview`."""

    kind: str
    deployment: str | None = None
    token: dict[str, Any] | None = None


def caller_of(request: Request, account: Account) -> Caller:
    """The caller by `Authorization: Bearer ...`."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Refusal(401, "MissingAccessToken", "An access token is required: `Authorization: Bearer ...`.")
    token = account.find_token(credential)
    if token:
        return Caller("team", token=token)
    found = caller_by_key(credential, account)
    if found is None:
        raise Refusal(401, "InvalidAccessToken", "The access token is not valid.")
    return found


def caller_by_key(text: str, account: Account) -> Caller | None:
    """The caller by a deploy key, or None."""
    key = keys.parse(text)
    if key is None:
        return None
    if key.deployment is not None:
        valid = account.find_key(key.secret_digest, key.deployment)
        deployment = account.find(name=key.deployment) if valid else None
        if deployment and key.kind in {"admin", deployment["type"]}:
            return Caller("deployment", deployment=key.deployment)
        return None
    project = (account.team["slug"], account.project["slug"])
    if key.kind == "preview" and (key.team, key.project) == project and account.find_key(key.secret_digest, None):
        return Caller("preview")
    return None


def require(caller: Caller, *kinds: str) -> None:
    """403 unless the caller is one of these."""
    if caller.kind not in kinds:
        allowed = " or ".join(kinds)
        raise Refusal(403, "Forbidden", f"A {caller.kind} key may not do this; it takes a {allowed} key or token.")
