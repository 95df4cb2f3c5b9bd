"""Real Wrangler against the stand-in: every command that a deployer or its user has a reason to type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.account import Account
from tests.support.sandbox import running_sandbox
from tests.support.wrangler import MODULE, Wrangler

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
SEED = {"schema": 1, "account": {"id": ACCOUNT, "name": "vibechecc"}, "zones": ["vibechecc.app"]}
SERVICES = ("cloudflare", "s3")
CANARY = "canary-3f1c-value"
SECRETS = json.dumps({"SESSION_SECRET": CANARY, "SIGNING_KEY": CANARY})


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One sandbox; each test has a Worker of its own."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), seed=SEED, only=SERVICES) as running:
        yield Account(running, ACCOUNT)
        strange = [entry for entry in running.requests() if entry["unknown"]]
        assert not strange, "Wrangler asked for something that the stand-in does not know"


@pytest.fixture
def wrangler(account: Account, tmp_path: Path) -> Wrangler:
    """Wrangler in a folder of its own."""
    names = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_BASE_URL")
    environment = {name: account.sandbox.environment[name] for name in names}
    return Wrangler(folder=tmp_path, account=ACCOUNT, environment=environment)


def _script(name: str) -> str:
    return f"/accounts/{{account}}/workers/scripts/{name}"


def _live(account: Account, name: str) -> dict[str, Any]:
    """The version that all traffic goes to."""
    shares = account.get(f"{_script(name)}/deployments")["deployments"][0]["versions"]
    assert [share["percentage"] for share in shares] == [100]
    version: dict[str, Any] = account.get(f"{_script(name)}/versions/{shares[0]['version_id']}")
    return version


def _deploy(wrangler: Wrangler, name: str, *arguments: str, **settings: Any) -> str:
    """Deploy with secrets; gives the id of the new version."""
    path = wrangler.configure(name, **settings)
    wrangler.run("deploy", "--config", str(path), *arguments, "--secrets-file", "/dev/stdin", stdin=SECRETS)
    return str(wrangler.records("deploy")[-1]["version_id"])


def test_first_deploy(account: Account, wrangler: Wrangler) -> None:
    """A Worker that nobody knew is live with its tag, message, variables, secrets and exact code."""
    version_id = _deploy(wrangler, "first", "--tag", "release-1", "--message", "the first one")
    version = _live(account, "first")
    assert version["id"] == version_id
    assert version["annotations"]["workers/tag"] == "release-1"
    assert version["annotations"]["workers/message"] == "the first one"
    bindings = {binding["name"]: binding for binding in version["resources"]["bindings"]}
    assert bindings["GREETING"]["text"] == "hello"
    assert bindings["SESSION_SECRET"] == {"name": "SESSION_SECRET", "type": "secret_text"}
    assert bindings["ASSETS"]["type"] == "assets"
    kept = account.sandbox.home.folder("cloudflare")
    assert MODULE.encode() in [file.read_bytes() for file in (kept / "modules").iterdir()]
    assert b"hello from an asset\n" in [file.read_bytes() for file in (kept / "blobs").iterdir()]


def test_deploy_of_a_worker_that_terraform_made(account: Account, wrangler: Wrangler) -> None:
    """The named Worker keeps what Terraform owns: id, tags, and what Wrangler does not send of observability."""
    logs = {"enabled": True, "head_sampling_rate": 0.5, "invocation_logs": True, "persist": True, "destinations": []}
    traces = {"enabled": False, "head_sampling_rate": 1, "persist": True, "destinations": []}
    observability = {"enabled": True, "head_sampling_rate": 0.5, "logs": logs, "traces": traces}
    body = {"name": "named", "tags": ["team:web", "a"], "observability": observability, "subdomain": {"enabled": False}}
    before = account.call("POST", "/accounts/{account}/workers/workers", body)
    _deploy(wrangler, "named", observability={"enabled": True, "head_sampling_rate": 0.5, "logs": logs})
    _deploy(wrangler, "named", observability={"enabled": True, "head_sampling_rate": 0.5, "logs": logs})
    after = account.get(f"/accounts/{{account}}/workers/workers/{before['id']}")
    ours = ("id", "name", "tags", "observability", "subdomain", "logpush", "tail_consumers")
    assert {key: after[key] for key in ours} == {key: before[key] for key in ours}
    assert after["deployed_on"] is not None


def test_repeated_deploy_keeps_secrets_that_are_not_sent(account: Account, wrangler: Wrangler) -> None:
    """A second upload replaces the code; secrets that it does not name stay, until they are removed explicitly."""
    first = _deploy(wrangler, "again", "--tag", "one")
    path = wrangler.configure("again", vars={"GREETING": "hi"})
    wrangler.run("deploy", "--config", str(path), "--tag", "two", "--secrets-file", "/dev/stdin", stdin="{}")
    version = _live(account, "again")
    assert version["id"] != first
    assert version["annotations"]["workers/tag"] == "two"
    assert [secret["name"] for secret in wrangler.json("secret", "list", "--name", "again")] == [
        "SESSION_SECRET",
        "SIGNING_KEY",
    ]
    wrangler.run("secret", "bulk", "--name", "again", stdin=json.dumps({"SIGNING_KEY": None, "OTHER": "x"}))
    assert [s["name"] for s in wrangler.json("secret", "list", "--name", "again")] == ["SESSION_SECRET", "OTHER"]


def test_a_changed_secret_is_a_new_live_version(account: Account, wrangler: Wrangler) -> None:
    """`secret put` and `secret delete` make versions of their own, live at once, with the same code."""
    first = _deploy(wrangler, "secretive")
    wrangler.run("secret", "put", "EXTRA", "--name", "secretive", stdin=CANARY)
    with_extra = _live(account, "secretive")
    assert with_extra["id"] != first
    assert with_extra["annotations"]["workers/triggered_by"] == "secret"
    assert "EXTRA" in [binding["name"] for binding in with_extra["resources"]["bindings"]]
    wrangler.run("secret", "delete", "EXTRA", "--name", "secretive")
    without = _live(account, "secretive")
    assert "EXTRA" not in [binding["name"] for binding in without["resources"]["bindings"]]
    assert without["resources"]["script"]["etag"] == with_extra["resources"]["script"]["etag"]


def test_secret_put_makes_a_draft_of_an_unknown_worker(account: Account, wrangler: Wrangler) -> None:
    """Without a Worker Wrangler asks for one first; the stand-in's 10007 leads it there."""
    wrangler.run("secret", "put", "EARLY", "--name", "draft", stdin=CANARY)
    assert "EARLY" in [binding["name"] for binding in _live(account, "draft")["resources"]["bindings"]]


def test_versions_are_uploaded_apart_and_share_traffic(account: Account, wrangler: Wrangler) -> None:
    """An uploaded version is not live; deploying versions splits the traffic; rolling back ends the split."""
    first = _deploy(wrangler, "gradual", "--tag", "v1")
    path = wrangler.configure("gradual", vars={"GREETING": "second"})
    wrangler.run("versions", "upload", "--config", str(path), "--tag", "v2", "--message", "next")
    second = str(wrangler.records("version-upload")[-1]["version_id"])
    assert _live(account, "gradual")["id"] == first
    listed = wrangler.json("versions", "list", "--name", "gradual", "--json")
    assert {version["id"]: version["annotations"]["workers/tag"] for version in listed} == {first: "v1", second: "v2"}
    assert "v2" in wrangler.run("versions", "view", second, "--name", "gradual").stdout
    shares = (f"{first}@90%", f"{second}@10%")
    wrangler.run("versions", "deploy", *shares, "--name", "gradual", "--message", "canary", "-y")
    status = wrangler.json("deployments", "status", "--name", "gradual", "--json")
    assert {share["version_id"]: share["percentage"] for share in status["versions"]} == {first: 90, second: 10}
    assert status["annotations"]["workers/message"] == "canary"
    wrangler.run("rollback", first, "--name", "gradual", "--message", "back", "-y")
    assert _live(account, "gradual")["id"] == first
    assert "back" in wrangler.run("deployments", "list", "--name", "gradual").stdout


def test_a_secret_cannot_change_while_the_newest_version_is_not_live(wrangler: Wrangler) -> None:
    """After an upload that is not deployed the API refuses to edit secrets (10215), as it does in reality."""
    _deploy(wrangler, "pending")
    wrangler.run("versions", "upload", "--config", str(wrangler.configure("pending", vars={"GREETING": "next"})))
    refused = wrangler.run("secret", "put", "LATE", "--name", "pending", stdin=CANARY, ok=False)
    assert "latest version of your Worker isn't currently deployed" in refused.stderr
    wrangler.run("versions", "secret", "put", "LATE", "--name", "pending", stdin=CANARY)


def test_triggers(account: Account, wrangler: Wrangler) -> None:
    """Custom domains, routes and crons come with a deploy; a later `triggers deploy` replaces them."""
    routes = [
        {"pattern": "triggered.vibechecc.app", "custom_domain": True},
        {"pattern": "vibechecc.app/triggered/*", "zone_name": "vibechecc.app"},
    ]
    _deploy(wrangler, "triggered", routes=routes, triggers={"crons": ["*/5 * * * *"]})
    zone = account.zone("vibechecc.app")
    assert account.hosts() == {"triggered.vibechecc.app": "triggered"}
    record = account.get(f"{zone}/dns_records?name=triggered.vibechecc.app")[0]
    assert record["meta"]["read_only"] is True
    assert [route["pattern"] for route in account.get(f"{zone}/workers/routes")] == ["vibechecc.app/triggered/*"]
    assert [item["cron"] for item in account.get(f"{_script('triggered')}/schedules")["schedules"]] == ["*/5 * * * *"]
    changed = [{"pattern": "other.vibechecc.app", "custom_domain": True}]
    path = wrangler.configure("triggered", routes=changed, triggers={"crons": ["0 3 * * *"]})
    wrangler.run("triggers", "deploy", "--config", str(path))
    assert account.hosts() == {"other.vibechecc.app": "triggered"}
    assert account.get(f"{zone}/dns_records?name=triggered.vibechecc.app") == []
    assert [item["cron"] for item in account.get(f"{_script('triggered')}/schedules")["schedules"]] == ["0 3 * * *"]
    wrangler.run("delete", "--name", "triggered", "--force")
    assert account.hosts() == {}
    assert account.get(f"{zone}/workers/routes") == []


def test_bindings_must_exist(account: Account, wrangler: Wrangler) -> None:
    """A KV namespace that is not there is refused with its code; a bucket and a namespace that are there are bound."""
    missing = wrangler.configure("bound", kv_namespaces=[{"binding": "CACHE", "id": "0" * 32}])
    refused = wrangler.run("deploy", "--config", str(missing), ok=False)
    assert "10041" in refused.stdout + refused.stderr
    namespace = account.call("POST", "/accounts/{account}/storage/kv/namespaces", {"title": "bound"})["id"]
    account.call("POST", "/accounts/{account}/r2/buckets", {"name": "bound-uploads"})
    _deploy(
        wrangler,
        "bound",
        kv_namespaces=[{"binding": "CACHE", "id": namespace}],
        r2_buckets=[{"binding": "UPLOADS", "bucket_name": "bound-uploads"}],
    )
    bindings = {binding["name"]: binding for binding in _live(account, "bound")["resources"]["bindings"]}
    assert bindings["CACHE"]["namespace_id"] == namespace
    assert bindings["UPLOADS"]["bucket_name"] == "bound-uploads"


def test_delete(account: Account, wrangler: Wrangler) -> None:
    """A deleted Worker is gone; deleting it again fails with 10007."""
    _deploy(wrangler, "doomed")
    wrangler.run("delete", "--name", "doomed", "--force")
    assert "doomed" not in [worker["name"] for worker in account.get("/accounts/{account}/workers/workers")]
    assert "10007" in wrangler.run("delete", "--name", "doomed", "--force", ok=False).stderr


def test_who_am_i(wrangler: Wrangler) -> None:
    """The account is named; a wrong token is refused."""
    assert ACCOUNT in wrangler.run("whoami").stdout
    stranger = Wrangler(
        folder=wrangler.folder, account=ACCOUNT, environment={**wrangler.environment, "CLOUDFLARE_API_TOKEN": "x" * 40}
    )
    refused = stranger.run("deployments", "list", "--name", "first", ok=False)
    assert "10000" in refused.stdout + refused.stderr


def test_secrets_are_written_down_nowhere_else(account: Account, wrangler: Wrangler) -> None:
    """Neither Wrangler's logs and reports nor the request log hold a secret's value."""
    _deploy(wrangler, "discreet", "--tag", "t", "--message", "m")
    said = [file.read_bytes() for file in wrangler.folder.rglob("*") if file.is_file()]
    asked = json.dumps(account.sandbox.requests()).encode()
    assert not any(CANARY.encode() in text for text in [*said, asked])
