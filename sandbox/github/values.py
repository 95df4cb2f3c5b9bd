"""Identifiers, times and the shapes that many answers share: people, and links to GitHub's pages."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import Any

HTML = "https://github.com"
BOT = "github-actions[bot]"
_BOT_ID, _APP_ID = 41898282, 15368
_USER_LINKS = {
    "followers": "followers",
    "following": "following{/other_user}",
    "gists": "gists{/gist_id}",
    "starred": "starred{/owner}{/repo}",
    "subscriptions": "subscriptions",
    "organizations": "orgs",
    "repos": "repos",
    "events": "events{/privacy}",
    "received_events": "received_events",
}
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:\[bot\])?")
_SHA = re.compile(r"[0-9a-f]{40}")


def now() -> str:
    """RFC 3339 in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(text: str) -> str:
    """How values that are only ever compared are kept."""
    return sha256(text.encode()).hexdigest()


def token_value() -> str:
    """The value of a new token in GitHub's form."""
    return "ghs_" + secrets.token_hex(18)


def derived_number(*parts: str) -> int:
    """An identifier that is the same in every sandbox."""
    return int(sha256("\0".join(parts).encode()).hexdigest()[:7], 16)


def derived_sha(*parts: str) -> str:
    """A commit id for a commit that nobody named."""
    return sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()


def is_sha(text: Any) -> bool:
    """True for a full commit id."""
    return isinstance(text, str) and _SHA.fullmatch(text) is not None


def is_login(text: Any) -> bool:
    """True for what may be the name of an account."""
    return isinstance(text, str) and _LOGIN.fullmatch(text) is not None


def node_id(kind: str, identifier: int | str) -> str:
    """GraphQL's identifier; clients only pass it on."""
    return base64.b64encode(f"{kind}:{identifier}".encode()).decode().rstrip("=")


def user(login: str, url: str) -> dict[str, Any]:
    """A person or a bot, as GitHub embeds it. `url` is the API's address."""
    identifier = user_id(login)
    return {
        "login": login,
        "id": identifier,
        "node_id": node_id("User", identifier),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{identifier}?v=4",
        "gravatar_id": "",
        "url": f"{url}/users/{login}",
        **{f"{name}_url": f"{url}/users/{login}/{path}" for name, path in _USER_LINKS.items()},
        "html_url": f"{HTML}/apps/{login.removesuffix('[bot]')}" if login.endswith("[bot]") else f"{HTML}/{login}",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def app(login: str, url: str) -> dict[str, Any] | None:
    """The app behind a bot that wrote something; None for a person."""
    if not login.endswith("[bot]"):
        return None
    slug = login.removesuffix("[bot]")
    identifier = _APP_ID if login == BOT else derived_number("app", slug)
    return {
        "id": identifier,
        "slug": slug,
        "node_id": node_id("Integration", identifier),
        "owner": user("github", url),
        "name": "GitHub Actions" if login == BOT else slug,
        "description": "",
        "external_url": f"{HTML}/apps/{slug}",
        "html_url": f"{HTML}/apps/{slug}",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2018-07-30T09:30:17Z",
        "permissions": {},
        "events": [],
    }


def user_id(login: str) -> int:
    """The number of an account: the same in every sandbox; the Actions bot has its real one."""
    return _BOT_ID if login == BOT else derived_number("user", login.lower())
