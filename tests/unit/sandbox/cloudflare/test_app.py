"""What holds for every route: who may call, what is not known, how refusals and lists look."""

from __future__ import annotations

import inspect
import re

import pytest

from sandbox.cloudflare.app import all_routes
from tests.support.cloudflare import ACCOUNT, TOKEN, Api


def test_without_credentials(api: Api) -> None:
    """No header at all is told apart from a wrong one."""
    assert (api.get("/zones", token=None).status, api.get("/zones", token=None).code) == (400, 9106)


def test_wrong_token(api: Api) -> None:
    """A wrong token is refused everywhere with 10000 and 403, on unknown routes too."""
    for path in ("/zones", "/accounts/{account}/tokens", "/nowhere"):
        answer = api.get(path, token="x" * 40)
        assert (answer.status, answer.code) == (403, 10000)


def test_verify_tells_a_wrong_token_so(api: Api) -> None:
    """The one question that a wrong token may ask."""
    assert api.get("/user/tokens/verify", token="x" * 40).code == 1000
    assert api.get("/user/tokens/verify").result["status"] == "active"
    assert api.get("/accounts/{account}/tokens/verify").result["status"] == "active"


def test_another_account(api: Api) -> None:
    """The token is good for its account only."""
    answer = api.get(f"/accounts/{'f' * 32}/workers/scripts")
    assert (answer.status, answer.code) == (403, 10000)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/{account}/stream"),
        ("GET", "/"),
        ("POST", "/zones/{zone}/purge_cache"),
        ("DELETE", "/accounts/{account}"),
    ],
)
def test_unknown_routes_are_refused_loudly(api: Api, method: str, path: str) -> None:
    """What the stand-in does not know is 7003, marked for the request log, and never a 404 that reads as "gone"."""
    answer = api.call(method, path)
    assert (answer.status, answer.code) == (400, 7003)
    assert answer.unknown


def test_known_routes_are_not_marked(api: Api) -> None:
    """A refusal by rule is not an unknown request."""
    answer = api.get("/zones/{zone}/dns_records/" + "0" * 32)
    assert (answer.status, answer.code, answer.unknown) == (404, 81044, False)


def test_unknown_zone(api: Api) -> None:
    """Everything below a zone that is not there is 404 with the zone's code."""
    for path in ("", "/dns_records", "/settings/ssl", "/rulesets"):
        answer = api.get(f"/zones/{'0' * 32}{path}")
        assert (answer.status, answer.code) == (404, 1001)


def test_conflicts_are_not_retried(api: Api) -> None:
    """The Terraform provider repeats 409 for minutes unless the answer forbids it."""
    api.post("/accounts/{account}/r2/buckets", {"name": "twice"})
    answer = api.post("/accounts/{account}/r2/buckets", {"name": "twice"})
    assert (answer.status, answer.code) == (409, 10004)
    assert answer.headers["x-should-retry"] == "false"


def test_malformed_body(api: Api) -> None:
    """What is not JSON, or not an object, is refused."""
    path = "/accounts/{account}/storage/kv/namespaces"
    assert api.call("POST", path, data="{", content_type="application/json").code == 6007
    assert api.post(path, ["title"]).code == 6007


def test_pages_end(api: Api) -> None:
    """The page after the last one is empty, because clients go on until they see an empty one."""
    for number in range(5):
        api.post("/accounts/{account}/storage/kv/namespaces", {"title": f"n{number}"})
    path = "/accounts/{account}/storage/kv/namespaces?per_page=2&page="
    pages = [api.get(path + str(number)).json for number in (1, 2, 3, 4)]
    assert [len(page["result"]) for page in pages] == [2, 2, 1, 0]
    assert pages[0]["result_info"] == {"page": 1, "per_page": 2, "count": 2, "total_count": 5, "total_pages": 3}
    assert api.get(path + "zero").code == 1001


def test_answers_are_compact(api: Api) -> None:
    """Clients compare some JSON texts byte for byte."""
    assert b": " not in api.get("/zones").body
    assert b", " not in api.get("/zones").body


def test_accounts_and_memberships(api: Api) -> None:
    """Wrangler finds the account of a token by these."""
    assert api.get("/accounts?page=1").result[0]["id"] == ACCOUNT
    assert api.get("/memberships?page=1").result[0]["account"]["id"] == ACCOUNT
    assert api.get("/user").result["email"]
    assert api.get("/accounts?name=other").result == []


def test_state_survives_a_restart(api: Api) -> None:
    """What was answered is on disk after a flush, which the core makes before an answer leaves."""
    made = api.post("/accounts/{account}/storage/kv/namespaces", {"title": "kept"}).result
    api.state.flush()
    api.open()
    assert api.get(f"/accounts/{{account}}/storage/kv/namespaces/{made['id']}").result == made


def test_a_refused_request_changes_nothing(api: Api) -> None:
    """Several settings in one request are all taken or none."""
    body = {"items": [{"id": "ssl", "value": "strict"}, {"id": "ssl", "value": "nonsense"}]}
    assert api.patch("/zones/{zone}/settings", body).code == 1007
    assert api.get("/zones/{zone}/settings/ssl").result["value"] == "full"


def test_tokens_in_headers_of_other_schemes(api: Api) -> None:
    """The legacy key and e-mail are refused, not ignored."""
    answer = api.get("/zones", token=None, headers={"X-Auth-Key": TOKEN, "X-Auth-Email": "a@example.test"})
    assert (answer.status, answer.code) == (403, 9103)


def test_every_handler_takes_what_its_path_has() -> None:
    """The parameters of a path are those of its handler; the account is in the call and is handed to none."""
    for route in all_routes():
        names = re.findall(r"<(?:[^:>]*:)?(\w+)>", route.path)
        signature = inspect.signature(route.handler)
        signature.bind(None, **{name: "" for name in names if name != "account_id"})
        assert "account_id" not in signature.parameters, route
