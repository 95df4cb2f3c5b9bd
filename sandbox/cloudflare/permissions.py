"""Permission groups of tokens: those whose ids are publicly known, and others under ids of this sandbox's own.

The latter is safe because clients look groups up by name.
"""

from __future__ import annotations

from typing import Any

from sandbox.cloudflare.values import derived_id

_ACCOUNT = "com.cloudflare.api.account"
_ZONE = "com.cloudflare.api.account.zone"
_USER = "com.cloudflare.api.user"
_BUCKET = "com.cloudflare.edge.r2.bucket"

_KNOWN = (
    ("c1fde68c7bcc44588cbb6ddbc16d6480", "Account Settings Read", _ACCOUNT),
    ("b89a480218d04ceb98b4fe57ca29dc1f", "Account Analytics Read", _ACCOUNT),
    ("1a71c399035b4950a1bd1466bbe4f420", "Workers Scripts Read", _ACCOUNT),
    ("e086da7e2179491d91ee5f35b3ca210a", "Workers Scripts Write", _ACCOUNT),
    ("05880cd1bdc24d8bae0be2136972816b", "Workers Tail Read", _ACCOUNT),
    ("66c1ed49f4ed46098b75696a6d4ee3c9", "Workers Observability Read", _ACCOUNT),
    ("f7f0eda5697f475c90846e879bab8666", "Workers KV Storage Write", _ACCOUNT),
    ("b4992e1108244f5d8bfbd5744320c2e1", "Workers R2 Storage Read", _ACCOUNT),
    ("bf7481a1826f439697cb59a20b22293e", "Workers R2 Storage Write", _ACCOUNT),
    ("7cf72faf220841aabcfdfab81c43c4f6", "Billing Read", _ACCOUNT),
    ("eb56a6953c034b9d97dd838155666f06", "Account API Tokens Read", _ACCOUNT),
    ("5bc3f8b21c554832afc660159ab75fa4", "Account API Tokens Write", _ACCOUNT),
    ("6a315a56f18441e59ed03352369ae956", "Logs Read", _ACCOUNT),
    ("c8fed203ed3043cba015a93ad1616f1f", "Zone Read", _ZONE),
    ("82e64a83756745bbbb1c9c2701bf816b", "DNS Read", _ZONE),
    ("4755a26eedb94da69e1066d98aa820be", "DNS Write", _ZONE),
    ("9c88f9c5bce24ce7af9a958ba9c504db", "Analytics Read", _ZONE),
    ("dbc512b354774852af2b5a5f4ba3d470", "Zone WAF Read", _ZONE),
    ("c4a30cd58c5d42619c86a3c36c441e2d", "Logs Read", _ZONE),
    ("fac65912d42144aa86b7dd33281bf79e", "Health Checks Read", _ZONE),
    ("e17beae8b8cb423a99b1730f21238bed", "Cache Purge", _ZONE),
    ("6a018a9f2fc74eb6b293b0c548f38b39", "Workers R2 Storage Bucket Item Read", _BUCKET),
    ("0cc3a61731504c89b99ec1be78b77aa0", "API Tokens Read", _USER),
)
_BY_NAME = (
    ("Access: Apps and Policies Write", _ACCOUNT),
    ("Access: Service Tokens Write", _ACCOUNT),
    ("Account Rulesets Read", _ACCOUNT),
    ("Account Rulesets Write", _ACCOUNT),
    ("Account Settings Write", _ACCOUNT),
    ("D1 Read", _ACCOUNT),
    ("D1 Write", _ACCOUNT),
    ("Notifications Read", _ACCOUNT),
    ("Notifications Write", _ACCOUNT),
    ("Queues Read", _ACCOUNT),
    ("Queues Write", _ACCOUNT),
    ("Workers KV Storage Read", _ACCOUNT),
    ("Bot Management Write", _ZONE),
    ("Cache Settings Write", _ZONE),
    ("Config Settings Write", _ZONE),
    ("Dynamic URL Redirects Write", _ZONE),
    ("Firewall Services Write", _ZONE),
    ("Health Checks Write", _ZONE),
    ("Managed headers Write", _ZONE),
    ("Origin Write", _ZONE),
    ("SSL and Certificates Read", _ZONE),
    ("SSL and Certificates Write", _ZONE),
    ("Transform Rules Write", _ZONE),
    ("Workers Routes Read", _ZONE),
    ("Workers Routes Write", _ZONE),
    ("Zone Settings Read", _ZONE),
    ("Zone Settings Write", _ZONE),
    ("Zone WAF Write", _ZONE),
    ("Zone Write", _ZONE),
    ("Workers R2 Storage Bucket Item Write", _BUCKET),
    ("API Tokens Write", _USER),
    ("Memberships Read", _USER),
    ("User Details Read", _USER),
)

GROUPS: tuple[dict[str, Any], ...] = tuple(
    {"id": identifier, "name": name, "scopes": [scope]}
    for identifier, name, scope in (
        *_KNOWN,
        *((derived_id("permission", name, scope), name, scope) for name, scope in _BY_NAME),
    )
)
NAMES: dict[str, str] = {str(group["id"]): str(group["name"]) for group in GROUPS}
