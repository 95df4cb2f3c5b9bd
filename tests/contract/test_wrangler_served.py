"""What Wrangler deploys is what the edge answers: code, secrets, assets, a rollback, and nothing once deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.account import Account
from tests.support.sandbox import running_sandbox
from tests.support.wrangler import Wrangler

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
SEED = {"schema": 1, "account": {"id": ACCOUNT, "name": "vibechecc"}, "zones": ["vibechecc.app"]}
HOST = "served.vibechecc.app"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A sandbox with its edge."""
    home = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(home, seed=SEED, only=("cloudflare", "s3", "edge")) as running:
        yield Account(running, ACCOUNT)


def _get(account: Account, path: str) -> httpx.Response:
    return httpx.get(account.sandbox.url("edge") + path, headers={"Host": HOST}, trust_env=False, timeout=30)


def _soon(account: Account, expected: str) -> str:
    """The answer of the Worker, given a moment to become the expected one."""
    answer = ""
    for _ in range(50):
        answer = _get(account, "/").text
        if answer == expected:
            break
        time.sleep(0.1)
    return answer


def test_a_deployed_worker_answers(account: Account, tmp_path: Path) -> None:
    """From the first deploy over a changed secret and a rollback to deletion, the host shows what is live."""
    names = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL")
    environment = {name: account.sandbox.environment[name] for name in names}
    wrangler = Wrangler(folder=tmp_path, account=ACCOUNT, environment=environment)
    path = wrangler.configure("served")
    secrets = json.dumps({"SESSION_SECRET": "first"})
    wrangler.run("deploy", "--config", str(path), "--secrets-file", "/dev/stdin", stdin=secrets)
    assert _get(account, "/").status_code == 530  # nothing leads there yet

    domain = account.call("PUT", "/accounts/{account}/workers/domains", {"hostname": HOST, "service": "served"})
    assert _soon(account, "hello first") == "hello first"
    assert _get(account, "/hello.txt").text == "hello from an asset\n"

    wrangler.run("secret", "put", "SESSION_SECRET", "--name", "served", stdin="second")
    assert _soon(account, "hello second") == "hello second"
    wrangler.run("rollback", str(wrangler.records("deploy")[-1]["version_id"]), "--name", "served", "-y")
    assert _soon(account, "hello first") == "hello first"

    account.call("DELETE", f"/accounts/{{account}}/workers/workers/{domain['service']}")
    assert _get(account, "/").status_code == 530
