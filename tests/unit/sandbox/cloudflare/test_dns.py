"""DNS records: what is accepted, what may stand together, and what belongs to Workers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudflare import Api

PATH = "/zones/{zone}/dns_records"


def _record(**fields: Any) -> dict[str, Any]:
    return {"type": "A", "name": "api", "content": "192.0.2.1", "ttl": 1, **fields}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"content": "not an address"}, 9005),
        ({"type": "AAAA"}, 9006),
        ({"type": "CNAME", "content": "-bad-"}, 9007),
        ({"type": "CNAME", "content": "api.vibechecc.app"}, 9039),
        ({"type": "MX", "content": "mx.example.net"}, 9100),
        ({"type": "TXT", "content": "x", "proxied": True}, 9004),
        ({"type": "NONSENSE"}, 9009),
        ({"ttl": 5}, 9021),
        ({"name": "not a name"}, 9000),
        ({"content": ""}, 9020),
        ({"type": "CAA", "data": {"flags": 0, "tag": "issue"}}, 9101),
    ],
)
def test_refused_records(api: Api, fields: dict[str, Any], code: int) -> None:
    """Each kind of wrong record has its code, and leaves nothing behind."""
    answer = api.post(PATH, _record(**fields))
    assert (answer.status, answer.code) == (400, code)
    assert api.get(PATH).result == []


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("api", "api.vibechecc.app"),
        ("@", "vibechecc.app"),
        ("vibechecc.app", "vibechecc.app"),
        ("API.vibechecc.app.", "api.vibechecc.app"),
        ("*.pr", "*.pr.vibechecc.app"),
        ("_dmarc", "_dmarc.vibechecc.app"),
    ],
)
def test_names_are_completed(api: Api, given: str, full: str) -> None:
    """Whatever form the name has, the answer has the full one."""
    assert api.post(PATH, _record(name=given)).result["name"] == full


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (_record(), _record(), 81058),
        (_record(), _record(type="CNAME", content="a.example.net"), 81053),
        (_record(type="CNAME", content="a.example.net"), _record(), 81054),
        (_record(type="CNAME", content="a.example.net"), _record(type="CNAME", content="b.example.net"), 81054),
        (_record(type="NS", content="ns.example.net"), _record(), 81056),
    ],
)
def test_neighbours(api: Api, first: dict[str, Any], second: dict[str, Any], code: int) -> None:
    """A CNAME stands alone among addresses, and nothing stands twice; updates obey the same rules."""
    api.post(PATH, first)
    assert api.post(PATH, second).code == code
    elsewhere = api.post(PATH, {**second, "name": "elsewhere"}).result
    assert api.put(f"{PATH}/{elsewhere['id']}", second).code == code


def test_several_addresses_of_one_name(api: Api) -> None:
    """Different contents, and addresses beside mail, are fine."""
    for body in (
        _record(),
        _record(content="192.0.2.2"),
        _record(type="TXT", content="x"),
        _record(type="AAAA", content="::1"),
    ):
        assert api.post(PATH, body).status == 200


def test_data_becomes_content(api: Api) -> None:
    """Structured records are written out."""
    caa = _record(type="CAA", data={"flags": 0, "tag": "issue", "value": "ca.example"})
    srv = _record(
        type="SRV", name="_sip._tcp", data={"priority": 1, "weight": 2, "port": 5060, "target": "sip.example.net"}
    )
    assert api.post(PATH, caa).result["content"] == '0 issue "ca.example"'
    assert api.post(PATH, srv).result["content"] == "1 2 5060 sip.example.net"


def test_put_replaces_and_patch_keeps(api: Api) -> None:
    """PUT without a comment removes it; PATCH leaves what it does not name."""
    made = api.post(PATH, _record(comment="why", tags=["a:b"])).result
    path = f"{PATH}/{made['id']}"
    patched = api.patch(path, {"ttl": 300}).result
    assert (patched["comment"], patched["tags"], patched["ttl"]) == ("why", ["a:b"], 300)
    replaced = api.put(path, {**_record(), "comment": None}).result
    assert (replaced["comment"], replaced["tags"], replaced["created_on"]) == (None, [], made["created_on"])


def test_proxied_records_have_automatic_ttl(api: Api) -> None:
    """The API ignores another one."""
    assert api.post(PATH, _record(proxied=True, ttl=300)).result["ttl"] == 1


def test_filters(api: Api) -> None:
    """Lists can be narrowed as data sources and Wrangler do."""
    for name, kind, content in (("a", "A", "192.0.2.1"), ("b", "A", "192.0.2.2"), ("a", "TXT", "x")):
        api.post(PATH, _record(name=name, type=kind, content=content))

    def names(query: str) -> list[str]:
        return [f"{r['type']} {r['name'].split('.')[0]}" for r in api.get(f"{PATH}?{query}").result]

    assert names("type=A") == ["A a", "A b"]
    assert names("name=a.vibechecc.app") == ["A a", "TXT a"]
    assert names("name.contains=b.vibe") == ["A b"]
    assert names("name=b.vibechecc.app&type=TXT&match=any") == ["A b", "TXT a"]
    assert names("order=name&direction=desc&type=A") == ["A b", "A a"]


def test_records_of_custom_domains_are_read_only(api: Api) -> None:
    """A Worker's host has a record that only the Worker's domain can remove."""
    api.upload("web")
    domain = api.put("/accounts/{account}/workers/domains", {"hostname": "web.vibechecc.app", "service": "web"}).result
    record = api.get(f"{PATH}?name=web.vibechecc.app").result[0]
    assert record["meta"]["read_only"] is True
    assert api.delete(f"{PATH}/{record['id']}").code == 1043
    assert api.put(f"{PATH}/{record['id']}", _record(name="web")).code == 1043
    assert api.post(PATH, _record(name="web")).code == 81053
    api.delete(f"/accounts/{{account}}/workers/domains/{domain['id']}")
    assert api.get(f"{PATH}?name=web.vibechecc.app").result == []
    assert api.post(PATH, _record(name="web", meta={"read_only": True})).result["meta"] == {}
