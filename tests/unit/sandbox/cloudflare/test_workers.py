"""Workers: versions, deployments, bindings and secrets, whichever API they come through."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support.cloudflare import Api

WORKERS = "/accounts/{account}/workers/workers"
SCRIPTS = "/accounts/{account}/workers/scripts"
TERRAFORM = "terraform-provider-cloudflare/5.22.0 terraform-plugin-framework terraform/1.11.4"


def _version(**fields: Any) -> dict[str, Any]:
    code = base64.b64encode(b"export default {}").decode()
    module = {"name": "index.js", "content_type": "application/javascript+module", "content_base64": code}
    return {
        "main_module": "index.js",
        "compatibility_date": "2026-01-01",
        "modules": [module],
        "bindings": [],
        **fields,
    }


def _secret(name: str, text: str = "dummy") -> dict[str, str]:
    return {"name": name, "type": "secret_text", "text": text}


def test_an_unknown_worker_is_10007_everywhere(api: Api) -> None:
    """Wrangler takes the code, and nothing else, for "does not exist yet"."""
    for path in (
        "services/none",
        "scripts/none/secrets",
        "scripts/none/deployments",
        "scripts/none/settings",
        "workers/none",
    ):
        answer = api.get(f"/accounts/{{account}}/workers/{path}")
        assert (answer.status, answer.code) == (404, 10007)


def test_one_store_for_both_apis(api: Api) -> None:
    """A Worker is the same by id and by name, and its classic view names the same object."""
    made = api.post(WORKERS, {"name": "web", "tags": ["a"]}).result
    version = api.post(f"{WORKERS}/{made['id']}/versions", _version()).result
    share = {"version_id": version["id"], "percentage": 100}
    deployment = api.post(f"{SCRIPTS}/web/deployments", {"strategy": "percentage", "versions": [share]}).result
    assert api.get(f"{WORKERS}/web").result["id"] == made["id"]
    script = api.get("/accounts/{account}/workers/services/web").result["default_environment"]["script"]
    assert (script["tag"], script["tags"]) == (made["id"], ["a"])
    assert api.get(f"{SCRIPTS}/web/versions/{version['id']}").result["number"] == 1
    assert api.get(f"{SCRIPTS}/web/deployments/{deployment['id']}").result["versions"] == [share]
    assert api.get(f"{SCRIPTS}/web/settings").result["placement"] == {}


def test_classic_upload_is_live_at_once(api: Api) -> None:
    """PUT makes a version and deploys it; its deployment id is the version's without hyphens."""
    answer = api.upload("web", annotations={"workers/tag": "one"}).result
    live = api.get(f"{SCRIPTS}/web/deployments").result["deployments"][0]
    assert live["versions"][0]["version_id"].replace("-", "") == answer["deployment_id"]
    assert live["annotations"]["workers/tag"] == "one"
    assert api.get(f"{WORKERS}/web").result["deployed_on"]


def test_content_is_exact(api: Api) -> None:
    """What was uploaded comes back byte for byte; Terraform hashes it."""
    code = "export default { fetch() { return new Response('\\u00e9\\r\\n') } }\r\n"
    api.upload("web", code=code)
    answer = api.get(f"{SCRIPTS}/web/content/v2")
    assert answer.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert answer.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0] == code.encode()


@pytest.mark.parametrize("name", ["No", "with space", "a" * 64, "-a", ""])
def test_names(api: Api, name: str) -> None:
    """Only what can be part of a host name."""
    assert api.post(WORKERS, {"name": name}).code == 10016


def test_names_are_unique_and_can_change(api: Api) -> None:
    """A renamed Worker keeps its id, its versions and its routes."""
    made = api.post(WORKERS, {"name": "web"}).result
    api.post(WORKERS, {"name": "other"})
    assert api.post(WORKERS, {"name": "web"}).code == 10043
    api.upload("web")
    api.post("/zones/{zone}/workers/routes", {"pattern": "vibechecc.app/*", "script": "web"})
    assert api.put(f"{WORKERS}/{made['id']}", {"name": "other"}).code == 10043
    assert api.put(f"{WORKERS}/{made['id']}", {"name": "site"}).result["name"] == "site"
    assert api.get(f"{SCRIPTS}/site/deployments").result["deployments"]
    assert api.get("/zones/{zone}/workers/routes").result[0]["script"] == "site"


def test_script_settings_are_merged(api: Api) -> None:
    """Wrangler does not send what it does not know of; Terraform's part stays."""
    traces = {"enabled": False, "persist": True}
    api.post(WORKERS, {"name": "web", "observability": {"enabled": False, "traces": traces}, "tags": ["b", "a"]})
    api.patch(f"{SCRIPTS}/web/script-settings", {"observability": {"enabled": True, "logs": {"enabled": True}}})
    shown = api.get(f"{WORKERS}/web").result
    assert shown["observability"] == {"enabled": True, "traces": traces, "logs": {"enabled": True}}
    assert shown["tags"] == ["b", "a"]
    assert api.patch(f"{SCRIPTS}/web/script-settings", {"nonsense": 1}).code == 10021


def test_versions_do_not_change_what_is_live(api: Api) -> None:
    """An uploaded version waits for a deployment, and leaves the Worker's own settings alone."""
    api.upload("web")
    live = api.get(f"{SCRIPTS}/web/deployments").result["deployments"][0]
    version = api.upload("web", version=True, code="export default 2", observability={"enabled": True}).result
    assert api.get(f"{SCRIPTS}/web/deployments").result["deployments"][0] == live
    listed = api.get(f"{SCRIPTS}/web/versions?deployable=true").result["items"]
    assert listed[0]["id"] == version["id"]
    assert api.get(f"{WORKERS}/web").result["observability"]["enabled"] is False
    assert api.upload("none", version=True).code == 10007


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ([], 10045),
        ([(0, 50)], 10045),
        ([(0, 60), (1, 60)], 10045),
        ([(0, 150), (1, -50)], 10045),
        ([(None, 100)], 10008),
    ],
)
def test_refused_deployments(api: Api, shares: list[tuple[int | None, int]], code: int) -> None:
    """One or two known versions whose shares add up to 100."""
    api.upload("web")
    api.upload("web", version=True)
    ids = [item["id"] for item in api.get(f"{SCRIPTS}/web/versions").result["items"]]
    versions = [{"version_id": "none" if i is None else ids[i], "percentage": share} for i, share in shares]
    assert api.post(f"{SCRIPTS}/web/deployments", {"strategy": "percentage", "versions": versions}).code == code


def test_kept_bindings_survive_an_upload(api: Api) -> None:
    """`keep_bindings` carries secrets over; what is named anew wins; the rest goes."""
    api.upload(
        "web", bindings=[_secret("A", "one"), _secret("B", "one"), {"name": "V", "type": "plain_text", "text": "x"}]
    )
    api.upload("web", bindings=[_secret("A", "two")], keep_bindings=["secret_text"])
    version = api.state.all("versions", api.get(f"{WORKERS}/web").result["id"])[-1]
    assert [(b["name"], b["text"]) for b in version["bindings"]] == [("A", "two"), ("B", "one")]
    api.upload("web")
    assert api.get(f"{SCRIPTS}/web/secrets").result == []


def test_inherited_bindings(api: Api) -> None:
    """They come from the newest version; when strict, one that is not there is 10057."""
    api.upload("web", bindings=[{"name": "OLD", "type": "plain_text", "text": "x"}])
    wanted = [{"name": "NEW", "type": "inherit", "old_name": "OLD"}]
    api.upload("web", bindings=wanted)
    assert api.get(f"{SCRIPTS}/web/settings").result["bindings"] == [{"name": "NEW", "type": "plain_text", "text": "x"}]
    missing = [{"name": "GONE", "type": "inherit"}]
    assert api.upload("web", bindings=missing, query="?bindings_inherit=strict").code == 10057
    assert api.upload("web", bindings=missing).status == 200


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        ({"type": "kv_namespace", "namespace_id": "0" * 32}, 10041),
        ({"type": "r2_bucket", "bucket_name": "none"}, 10085),
        ({"type": "d1", "id": "none"}, 10181),
        ({"type": "queue", "queue_name": "none"}, 11000),
        ({"type": "service", "service": "none"}, 10143),
        ({"type": "secret_text"}, 10021),
    ],
)
def test_bindings_name_what_exists(api: Api, binding: dict[str, str], code: int) -> None:
    """A binding to nothing is refused, and so the whole upload."""
    assert api.upload("web", bindings=[{"name": "X", **binding}]).code == code
    assert api.get(f"{WORKERS}").result == []


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"main_module": "missing.js"}, 10021),
        ({"main_module": None}, 10021),
        ({"compatibility_date": "2999-01-01"}, 10021),
        ({"compatibility_date": "soon"}, 10021),
        ({"bindings": [{"name": "A", "type": "plain_text"}] * 2}, 10053),
        ({"assets": {"jwt": "a.b.c"}}, 10000),
        ({"migrations": {"old_tag": "v1", "new_tag": "v2"}}, 10079),
    ],
)
def test_refused_uploads(api: Api, metadata: dict[str, Any], code: int) -> None:
    """What the upload says about itself must hold."""
    assert api.upload("web", **metadata).code == code


def test_migrations_count_on(api: Api) -> None:
    """The tag of the last step is remembered and told; the next step starts from it."""
    api.upload("web", migrations={"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Room"]}]})
    script = api.get("/accounts/{account}/workers/services/web").result["default_environment"]["script"]
    assert script["migration_tag"] == "v1"
    assert api.upload("web", migrations={"old_tag": "v1", "new_tag": "v2", "steps": []}).result["migration_tag"] == "v2"


def test_secrets_are_versions(api: Api) -> None:
    """A secret is listed by name, never shown, and removed with null; a Worker without a script has none to change."""
    api.post(WORKERS, {"name": "empty"})
    assert api.put(f"{SCRIPTS}/empty/secrets", _secret("A")).code == 10007
    assert api.get(f"{SCRIPTS}/empty/secrets").result == []
    api.upload("web")
    api.put(f"{SCRIPTS}/web/secrets", _secret("A", "canary"))
    api.patch(f"{SCRIPTS}/web/secrets-bulk", {"secrets": {"A": None, "B": _secret("B", "canary")}})
    assert api.get(f"{SCRIPTS}/web/secrets").result == [{"name": "B", "type": "secret_text"}]
    assert api.get(f"{SCRIPTS}/web/secrets/B").result["name"] == "B"
    assert api.get(f"{SCRIPTS}/web/secrets/A").code == 10056
    assert api.patch(f"{SCRIPTS}/web/secrets-bulk", {"secrets": {"B": {"name": "B"}}}).code == 10021
    live = api.get(f"{SCRIPTS}/web/deployments").result["deployments"][0]
    for path in (
        f"{SCRIPTS}/web/settings",
        f"{SCRIPTS}/web/versions/{live['versions'][0]['version_id']}",
        f"{WORKERS}/web/versions/latest",
    ):
        assert b"canary" not in api.get(path).body


def test_secrets_wait_for_the_newest_version(api: Api) -> None:
    """While it is not fully deployed they cannot be changed on the live one (10215), only on it."""
    api.upload("web")
    api.upload("web", version=True)
    assert api.put(f"{SCRIPTS}/web/secrets", _secret("A")).code == 10215
    made = api.patch(f"{WORKERS}/web/versions/latest", {"env": {"A": {"type": "secret_text", "text": "x"}}}).result
    assert [binding["name"] for binding in made["bindings"]] == ["A"]
    api.post(WORKERS, {"name": "empty"})
    assert api.patch(f"{WORKERS}/empty/versions/latest", {"env": {}}).code == 10222


def test_bindings_of_versions_are_sorted_for_the_newer_api(api: Api) -> None:
    """The provider matches them by position; the classic view keeps the order of the upload."""
    bindings = [{"name": name, "type": "plain_text", "text": name} for name in ("Z", "A")]
    worker = api.post(WORKERS, {"name": "web"}).result["id"]
    version = api.post(f"{WORKERS}/{worker}/versions", _version(bindings=bindings), agent=TERRAFORM).result
    assert [binding["name"] for binding in version["bindings"]] == ["A", "Z"]
    assert version["source"] == "terraform"
    shown = api.get(f"{WORKERS}/{worker}/versions/{version['id']}?include=modules").result
    assert base64.b64decode(shown["modules"][0]["content_base64"]) == b"export default {}"
    assert [b["name"] for b in api.get(f"{SCRIPTS}/web/settings").result["bindings"]] == ["Z", "A"]


def test_a_deployed_version_cannot_be_deleted(api: Api) -> None:
    """Others can."""
    api.upload("web")
    old = api.get(f"{WORKERS}/web/versions/latest").result["id"]
    api.upload("web")
    new = api.get(f"{WORKERS}/web/versions/latest").result["id"]
    assert api.delete(f"{WORKERS}/web/versions/{new}").code == 10045
    assert api.delete(f"{WORKERS}/web/versions/{old}").status == 200


def test_deleting_a_worker_leaves_nothing(api: Api) -> None:
    """Versions, hosts, DNS records and routes go with it; a Worker that others call stays unless forced."""
    api.upload("web")
    api.upload("caller", bindings=[{"name": "WEB", "type": "service", "service": "web"}])
    api.put("/accounts/{account}/workers/domains", {"hostname": "web.vibechecc.app", "service": "web"})
    api.post("/zones/{zone}/workers/routes", {"pattern": "vibechecc.app/*", "script": "web"})
    worker = api.get(f"{WORKERS}/web").result["id"]
    assert api.delete(f"{SCRIPTS}/web").code == 10064
    assert api.delete("/accounts/{account}/workers/services/web?force=true").status == 200
    assert api.state.all("versions", worker) == api.state.all("deployments", worker) == []
    assert api.get("/accounts/{account}/workers/domains").result == []
    assert api.get("/zones/{zone}/dns_records").result == []
    assert api.get("/zones/{zone}/workers/routes").result == []
