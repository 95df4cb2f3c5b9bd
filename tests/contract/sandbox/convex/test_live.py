"""Live queries over WebSocket with Convex's browser client, and who the caller is."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.convex import MESSAGES, PRODUCTION, Client, Convex

ISSUER = "https://issuer.example"


@pytest.fixture(scope="module")
def deployment(convex: Convex, app: Path) -> Client:
    """The development deployment with the small application."""
    convex.cli(app, "deploy", key=convex.key())
    return convex.deployment()


def test_subscription_follows_mutations(deployment: Client) -> None:
    """A live query shows what the own connection, another client, an action and a scheduled function change."""
    *_, seen = deployment.javascript(
        [
            {"do": "subscribe", "name": "mine", "path": "messages:count"},
            {"do": "until", "name": "mine", "last": 0},
            {"do": "live mutation", "path": "messages:send", "args": {"author": "ws", "body": "1"}},
            {"do": "until", "name": "mine", "last": 1},
            {"do": "mutation", "path": "messages:send", "args": {"author": "http", "body": "2"}},
            {"do": "until", "name": "mine", "last": 2},
            {"do": "live action", "path": "messages:sendByAction", "args": {"body": "3"}},
            {"do": "live mutation", "path": "messages:sendLater", "args": {"milliseconds": 50, "body": "4"}},
            {"do": "until", "name": "mine", "last": 4},
        ]
    )
    assert seen == [0, 1, 2, 3, 4]


def test_failures_over_the_socket(deployment: Client) -> None:
    """Failing queries, mutations and actions arrive as errors of their own; the connection goes on."""
    _, thrown, unfit, after, refused = deployment.javascript(
        [
            {"do": "subscribe", "name": "no", "path": "messages:refuse"},
            {"do": "live mutation", "path": "messages:fail"},
            {"do": "live action", "path": "messages:send", "args": {}},
            {"do": "live mutation", "path": "messages:send", "args": {"author": "after", "body": "x"}},
            {"do": "updates", "name": "no"},
        ]
    )
    assert "Uncaught Error: kaboom" in thrown["error"]
    assert "as Action, but it is defined as Mutation" in unfit["error"]
    assert after.endswith("messages")
    assert [one["data"] for one in refused] == [{"code": "too_late", "minutes": 5}]


def test_push_and_environment_reach_subscribers(convex: Convex) -> None:
    """A changed variable and newly pushed code are seen by a page that is open, without a reload."""
    deployment = convex.deployment(PRODUCTION)
    deployment.push({"messages.js": MESSAGES})
    deployment.variables(COLOR="red").raise_for_status()
    with deployment.watching("messages:env", {"name": "COLOR"}) as watched:
        assert watched.next() == "red"
        deployment.variables(COLOR="blue").raise_for_status()
        assert watched.next() == "blue"
        deployment.push({"messages.js": MESSAGES.replace("?? null", '+ "!"')})
        assert watched.next() == "blue!"


def test_pages_of_a_live_query_keep_their_end(deployment: Client) -> None:
    """A page that is watched grows when a document is added within it, instead of pushing one out to nowhere."""
    for body in ("p1", "p2", "p3"):
        deployment.value("mutation", "messages:send", {"author": "pages", "body": body})
    args = {"paginationOpts": {"numItems": 2, "cursor": None}}
    with deployment.watching("messages:bodies", args) as watched:
        assert watched.next()["page"] == ["p3", "p2"]
        deployment.value("mutation", "messages:send", {"author": "pages", "body": "p4"})
        assert watched.next()["page"] == ["p4", "p3", "p2"]


def test_user_by_token(convex: Convex) -> None:
    """A JWT of a pushed provider is the identity that functions see; a wrong signature, audience or age is refused."""
    deployment = convex.deployment(PRODUCTION)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider = {"type": "customJwt", "issuer": ISSUER, "applicationID": "app", "algorithm": "RS256", "jwks": _jwks(key)}
    whoami = "export const whoami = query(async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null);"
    auth = f"export default {{ providers: [{json.dumps(provider)}] }};"
    deployment.push({"auth.config.js": auth, "users.js": whoami})

    def ask(token: str) -> httpx.Response:
        body = {"path": "users:whoami", "args": {}, "format": "json"}
        return httpx.post(f"{deployment.url}/api/query", json=body, headers={"Authorization": f"Bearer {token}"})

    good = _token(key)
    assert ask(good).json()["value"] == "Ann"
    assert deployment.value("query", "users:whoami") is None
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for wrong in (_token(other), _token(key, aud="another"), _token(key, exp=1), "no token"):
        assert ask(wrong).status_code == 401

    _, by_http, _, seen = deployment.javascript(
        [
            {"do": "authenticate", "token": good},
            {"do": "query", "path": "users:whoami"},
            {"do": "subscribe", "name": "me", "path": "users:whoami"},
            {"do": "until", "name": "me", "last": "Ann"},
        ]
    )
    assert by_http == "Ann"
    assert seen[-1] == "Ann"


def test_browsers_of_other_origins(deployment: Client) -> None:
    """Pages of any origin may call the API with credentials, as with the real one."""
    origin = "http://dev.vibechecc.app.localhost:8080"
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = httpx.options(f"{deployment.url}/api/query", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == origin
    assert allowed.headers["access-control-allow-headers"] == "content-type"
    answer = httpx.post(
        f"{deployment.url}/api/query", json={"path": "messages:count", "args": {}}, headers={"Origin": origin}
    )
    assert answer.headers["access-control-allow-origin"] == origin


def _jwks(key: rsa.RSAPrivateKey) -> str:
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "kid": "one", "alg": "RS256", "n": _number(numbers.n), "e": _number(numbers.e)}
    return f"data:text/plain;charset=utf-8;base64,{base64.b64encode(json.dumps({'keys': [jwk]}).encode()).decode()}"


def _token(key: rsa.RSAPrivateKey, **claims: Any) -> str:
    payload = {"iss": ISSUER, "aud": "app", "sub": "user-1", "name": "Ann", "exp": int(time.time()) + 600, **claims}
    head = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, payload))
    return f"{head}.{_text(key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
