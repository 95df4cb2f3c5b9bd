"""Where Workers answer, the upload of their assets, and what the edge is told."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.cloudflare.answers import Refusal
from sandbox.cloudflare.workers.files import Files, checked_manifest
from tests.support.cloudflare import Api

DOMAINS = "/accounts/{account}/workers/domains"
ROUTES = "/zones/{zone}/workers/routes"
SCRIPT = "/accounts/{account}/workers/scripts/web"
SESSION = f"{SCRIPT}/assets-upload-session"
UPLOAD = "/accounts/{account}/workers/assets/upload?base64=true"
HOST = {"hostname": "web.vibechecc.app", "service": "web"}


def test_nothing_leads_to_a_worker_that_never_ran(api: Api) -> None:
    """A domain or route of a Worker without a deployment fails with the internal error 10013, and is not repeated."""
    api.post("/accounts/{account}/workers/workers", {"name": "web"})
    for answer in (api.put(DOMAINS, HOST), api.post(ROUTES, {"pattern": "vibechecc.app/*", "script": "web"})):
        assert (answer.status, answer.code) == (500, 10013)
        assert answer.headers["x-should-retry"] == "false"
    assert api.get("/zones/{zone}/dns_records").result == []
    api.upload("web")
    assert api.put(DOMAINS, HOST).status == 200
    assert api.post(ROUTES, {"pattern": "vibechecc.app/*", "script": "web"}).status == 200


def test_domains_are_upserted_by_host(api: Api) -> None:
    """The same request again changes nothing; for another Worker the host moves."""
    api.upload("web")
    api.upload("other")
    first = api.put(DOMAINS, HOST).result
    assert api.put(DOMAINS, HOST).result == first
    moved = api.put(DOMAINS, {**HOST, "service": "other"}).result
    assert [(d["id"], d["service"]) for d in api.get(DOMAINS).result] == [(moved["id"], "other")]
    assert api.get(f"{DOMAINS}?service=web").result == []
    assert len(api.get("/zones/{zone}/dns_records").result) == 1
    assert api.get(f"{DOMAINS}/{first['id']}").code == 100115


def test_domains_lie_in_a_zone_and_respect_its_records(api: Api) -> None:
    """Another zone's host is refused, and so is one with a record that somebody made, unless overridden."""
    api.upload("web")
    assert api.put(DOMAINS, {**HOST, "hostname": "web.example.net"}).code == 100114
    assert api.put(DOMAINS, {**HOST, "zone_id": "0" * 32}).code == 100114
    api.post("/zones/{zone}/dns_records", {"type": "A", "name": "web", "content": "192.0.2.1", "ttl": 1})
    assert api.put(DOMAINS, HOST).code == 100117
    origins = [{"hostname": HOST["hostname"]}]
    changes = api.post(f"{SCRIPT}/domains/changeset?replace_state=true", origins).result
    assert [origin["hostname"] for origin in changes["conflicting"]] == [HOST["hostname"]]
    body: dict[str, Any] = {"override_existing_dns_record": True, "override_existing_origin": True, "origins": origins}
    assert api.put(f"{SCRIPT}/domains/records", body).status == 200
    assert [record["type"] for record in api.get("/zones/{zone}/dns_records").result] == ["AAAA"]


def test_setting_the_domains_of_a_worker(api: Api) -> None:
    """Wrangler's changeset tells what its next request does: hosts are added, moved and removed."""
    api.upload("web")
    api.upload("other")
    for host, service in (("a", "web"), ("b", "other")):
        api.put(DOMAINS, {"hostname": f"{host}.vibechecc.app", "service": service})
    origins = [{"hostname": "b.vibechecc.app"}, {"hostname": "c.vibechecc.app"}]
    changes = api.post(f"{SCRIPT}/domains/changeset?replace_state=true", origins).result
    told = {kind: [item["hostname"][0] for item in items] for kind, items in changes.items()}
    assert told == {"added": ["c"], "removed": ["a"], "updated": ["b"], "conflicting": []}
    assert changes["updated"][0]["modified"] is True
    assert api.put(f"{SCRIPT}/domains/records", {"origins": origins}).code == 100116
    api.put(f"{SCRIPT}/domains/records", {"origins": origins, "override_existing_origin": True})
    assert {domain["hostname"][0]: domain["service"] for domain in api.get(DOMAINS).result} == {"b": "web", "c": "web"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"pattern": "example.net/*", "script": "web"}, 10022),
        ({"pattern": "", "script": "web"}, 10022),
        ({"pattern": "vibechecc.app/*", "script": "none"}, 10007),
        ({"pattern": "taken.vibechecc.app/*", "script": "web"}, 10020),
    ],
)
def test_refused_routes(api: Api, body: dict[str, str], code: int) -> None:
    """Outside the zone, without a Worker, or there already."""
    api.upload("web")
    api.post(ROUTES, {"pattern": "taken.vibechecc.app/*", "script": "web"})
    assert api.post(ROUTES, body).code == code


def test_routes_can_exclude(api: Api) -> None:
    """A route without a script keeps Workers away from its pattern; the edge has nothing to serve there."""
    made = api.post(ROUTES, {"pattern": "*.vibechecc.app/static/*"}).result
    assert made["script"] is None
    assert api.published[-1] == []


def _asset(text: str) -> tuple[str, dict[str, Any]]:
    return f"{abs(hash(text)):032x}"[:32], {"hash": f"{abs(hash(text)):032x}"[:32], "size": len(text)}


def _send(api: Api, token: str, *texts: str, encoded: bool = True) -> Any:
    parts = {}
    for text in texts:
        name, _ = _asset(text)
        raw = base64.b64encode(text.encode()) if encoded else text.encode()
        parts[name] = (io.BytesIO(raw), name, "text/html")
    return api.post(UPLOAD, token=token, data=parts, content_type="multipart/form-data")


def test_assets_are_uploaded_once(api: Api) -> None:
    """A session asks for what is missing; the last upload answers with the token of the complete set."""
    manifest = {"/index.html": _asset("one")[1], "/a/b.html": _asset("two")[1]}
    session = api.post(SESSION, {"manifest": manifest}).result
    assert sorted(name for bucket in session["buckets"] for name in bucket) == sorted(
        m["hash"] for m in manifest.values()
    )
    partial = _send(api, session["jwt"], "one")
    assert (partial.status, partial.json["result"]) == (202, {})
    assert api.upload("web", assets={"jwt": session["jwt"]}).code == 10021
    resumed = api.post(SESSION, {"manifest": manifest}).result
    assert resumed["buckets"] == [[_asset("two")[0]]]
    complete = _send(api, resumed["jwt"], "two")
    assert complete.status == 201
    again = api.post(SESSION, {"manifest": manifest}).result
    assert again["buckets"] == []
    for token in (complete.json["result"]["jwt"], again["jwt"]):
        assert api.upload("web", assets={"jwt": token, "config": {"html_handling": "none"}}).status == 200


@pytest.mark.parametrize(
    "paths",
    [
        ("/a%00b",),
        ("/%2e%2e/%2e%2e/x",),
        ("/" + "x" * 256,),
        ("/a", "/a/b"),
        ("/a/b/c", "/a"),
        ("/a b", "/a%20b"),
    ],
)
def test_assets_that_cannot_lie_side_by_side_are_refused(api: Api, paths: tuple[str, ...]) -> None:
    """What no file system could hold is the client's mistake, seen before anything is uploaded."""
    manifest = {path: _asset("one")[1] for path in paths}
    assert api.post(SESSION, {"manifest": manifest}).code == 10021


def test_a_missing_asset_leaves_no_half_folder(api: Api) -> None:
    """When a file cannot be laid out, what was laid out before it goes."""
    files = Files(api.folder)
    files.put_blob(_asset("one")[0], b"one")
    manifest = files.put_manifest({"/a": _asset("one")[1], "/b": _asset("two")[1]})
    with pytest.raises(OSError, match=_asset("two")[0]):
        files.assets_folder(manifest)
    assert list((api.folder / "assets").iterdir()) == []


def test_refused_assets(api: Api) -> None:
    """Uploads need their session's token, name what the manifest names, and have the size that it says."""
    manifest = {"/index.html": _asset("one")[1]}
    token = api.post(SESSION, {"manifest": manifest}).result["jwt"]
    assert _send(api, "a.b.c", "one").code == 10000
    assert _send(api, token[:-2] + "xx", "one").code == 10000
    assert _send(api, token, "two").code == 10021
    assert _send(api, token, "one", encoded=False).code == 10021
    assert _send(api, token).code == 10021
    assert api.post(SESSION, {"manifest": {"/../../x": _asset("one")[1]}}).code == 10021
    assert api.post(SESSION, {"manifest": {"/x": {"hash": "../../../etc", "size": 1}}}).code == 10021
    assert api.post(SESSION, {"manifest": {}}).code == 10021


@settings(deadline=None, max_examples=60)  # each example makes folders
@given(path=st.text(min_size=1, max_size=60))
def test_asset_paths_never_leave_their_folder(path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the manifest says, a file lands below its folder or the manifest is refused."""
    folder = tmp_path_factory.mktemp("files", numbered=True)
    files = Files(folder)
    try:
        manifest = checked_manifest({"/" + path: {"hash": "0" * 32, "size": 1}})
    except Refusal:
        return
    files.put_blob("0" * 32, b"x")
    try:
        laid_out = files.assets_folder(files.put_manifest(manifest))
    except OSError:  # a name that the file system does not take
        return
    found = [file for file in folder.rglob("*") if file.is_file()]
    assert all(file.is_relative_to(folder) for file in found)
    assert len([file for file in laid_out.rglob("*") if file.is_file()]) == 1


def _served(api: Api) -> dict[str, Any]:
    return {site["worker"]: site for site in api.published[-1]}


def test_the_edge_is_told_what_runs(api: Api) -> None:
    """Only when something leads to a Worker, with its files, bindings and hosts; and again when any of it changes."""
    api.upload("web", bindings=[{"name": "KEY", "type": "secret_text", "text": "one"}], compatibility_date="2026-01-01")
    assert api.published[-1] == []
    api.put(DOMAINS, HOST)
    site = _served(api)["web"]
    assert (site["hosts"], site["routes"], site["weight"]) == (["web.vibechecc.app"], [], 100)
    assert site["bindings"] == [{"name": "KEY", "type": "secret_text", "text": "one"}]
    module = site["modules"][0]
    assert (module["name"], module["type"]) == ("index.js", "application/javascript+module")
    assert Path(module["path"]).read_text() == "export default {}"
    api.put(f"{SCRIPT}/secrets", {"name": "KEY", "type": "secret_text", "text": "two"})
    assert _served(api)["web"]["bindings"][0]["text"] == "two"
    api.put(f"{SCRIPT}/schedules", [{"cron": "0 3 * * *"}])
    assert _served(api)["web"]["crons"] == ["0 3 * * *"]
    api.delete("/accounts/{account}/workers/services/web?force=true")
    assert api.published[-1] == []


def test_the_edge_is_not_told_twice(api: Api) -> None:
    """What changes nothing that runs does not restart it."""
    api.upload("web")
    api.put(DOMAINS, HOST)
    count = len(api.published)
    api.put(DOMAINS, HOST)
    api.upload("web", version=True)
    api.patch(f"{SCRIPT}/script-settings", {"tags": ["a"]})
    api.post(f"{SCRIPT}/subdomain", {"enabled": False})
    api.get(DOMAINS)
    assert len(api.published) == count


def test_shared_traffic_and_called_workers_are_served(api: Api) -> None:
    """Both versions of a split with their weight; a Worker that only another one calls; the name below workers.dev."""
    api.upload("backend")
    api.upload("web", bindings=[{"name": "BACK", "type": "service", "service": "backend"}])
    api.post(f"{SCRIPT}/subdomain", {"enabled": True})
    assert {site["worker"]: site["hosts"] for site in api.published[-1]} == {
        "backend": [],
        "web": ["web.vibechecc.workers.dev"],
    }
    api.upload("web", version=True)
    items = api.get(f"{SCRIPT}/versions").result["items"]
    shares = [{"version_id": item["id"], "percentage": share} for item, share in zip(items, (10, 90), strict=True)]
    api.post(f"{SCRIPT}/deployments", {"strategy": "percentage", "versions": shares})
    assert [site["weight"] for site in api.published[-1] if site["worker"] == "web"] == [10, 90]


def test_assets_reach_the_edge_as_files(api: Api) -> None:
    """The folder has the files under their names; the configuration goes along."""
    manifest = {"/index.html": _asset("one")[1], "/with%20space.html": _asset("two")[1]}
    token = api.post(SESSION, {"manifest": manifest}).result["jwt"]
    token = _send(api, token, "one", "two").json["result"]["jwt"]
    config = {"not_found_handling": "404-page", "_headers": "/*\n  X-A: b"}
    api.upload("web", assets={"jwt": token, "config": config})
    api.put(DOMAINS, HOST)
    site = _served(api)["web"]
    assert {file.name: file.read_text() for file in Path(site["assets_dir"]).iterdir()} == {
        "index.html": "one",
        "with space.html": "two",
    }
    assert site["assets_config"] == config
