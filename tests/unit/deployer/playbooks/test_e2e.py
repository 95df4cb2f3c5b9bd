"""End-to-end tests of an environment: nobody tests the release before, and what they need reaches the tests only."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.adapters.redact import Redactor
from deployer.adapters.target import cloudflare_target
from deployer.engine.stop import Stop
from deployer.errors import ConfigError, SecretMissing, ToolFailed, Unverified
from deployer.playbooks.e2e import recorded_release, run_e2e
from deployer.playbooks.wiring import Wiring
from deployer.steps.ledger import Ledger
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory
from tests.support.ledgers import closed, open_run
from tests.support.loopback import Answer, Loopback, loopback

TESTS = "import json, os; print(json.dumps(dict(os.environ)))"
SERVED = {"GET /release.json": Answer(200, {"digest": "d1"}), "GET /health": Answer(200, "fine")}
BYPASS = 'bypass = { CF-Access-Client-Id = { env = "ACCESS_ID" } }'


def wiring(folder: Path, server: Loopback, *, tests: str = TESTS, more: str = "", **variables: str) -> Wiring:
    """An environment that answers on loopback, of an application whose tests are a line of Python."""
    app = folder / "app"
    (app / "node_modules").mkdir(parents=True)
    (app / "package-lock.json").write_text("{}")
    command = json.dumps([sys.executable, "-c", tests])
    loaded = inventory(
        ('path = "example"', f'path = "{app}"'),
        ('install = ["npm", "ci"]', 'install = ["true"]'),
        ('e2e = { command = ["npm", "run", "e2e"] }', f"e2e = {{ command = {command}{', ' + more if more else ''} }}"),
        ("proof_seconds = 60", "proof_seconds = 1"),
    )
    target = cloudflare_target({"PATH": "/usr/bin:/bin", **variables}, account_id="0" * 32)
    return Wiring(
        loaded=loaded,
        environment=loaded.environment("pr-12"),
        target=replace(target, edge_url=server.url),
        folder=folder / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def test_the_tests_get_address_and_folder_and_no_credential(tmp_path: Path) -> None:
    """What they print is passed on as it comes."""
    said: list[str] = []
    with loopback(routes=SERVED) as server:
        run = wiring(tmp_path, server, CLOUDFLARE_API_TOKEN="cf-secret-of-ours", R2_SECRET_ACCESS_KEY="r2-secret")
        url = run_e2e(run, release="d1", out=tmp_path / "report", say=said.append)
    seen = json.loads(next(line for line in said if line.startswith("{")))

    assert seen["BASE_URL"] == url
    assert seen["E2E_REPORT"] == str(tmp_path / "report")
    assert "E2E_HEADERS" not in seen
    assert not {"CLOUDFLARE_API_TOKEN", "R2_SECRET_ACCESS_KEY"} & set(seen)


def test_another_release_is_not_tested(tmp_path: Path) -> None:
    """Its tests would say nothing of this one."""
    said: list[str] = []
    with loopback(routes=SERVED) as server, pytest.raises(Unverified):
        run_e2e(wiring(tmp_path, server), release="d2", out=tmp_path / "report", say=said.append)

    assert not (tmp_path / "report").exists()


def test_tests_that_fail_are_a_tool_that_failed(tmp_path: Path) -> None:
    """With the end of what they printed, and the folder there for whoever uploads it."""
    with loopback(routes=SERVED) as server:
        run = wiring(tmp_path, server, tests="print('one is red'); raise SystemExit(1)")
        with pytest.raises(ToolFailed) as caught:
            run_e2e(run, release="d1", out=tmp_path / "report", say=lambda _text: None)

    assert "one is red" in caught.value.details
    assert (tmp_path / "report").is_dir()


def test_a_protected_site_is_passed_by_headers_that_nobody_sees(tmp_path: Path) -> None:
    """The proof sends them as well; in every text they are masked."""
    said: list[str] = []
    with loopback(routes=SERVED) as server:
        run = wiring(tmp_path, server, more=BYPASS, ACCESS_ID="the-way-through")
        run_e2e(run, release="d1", out=tmp_path / "report", say=said.append)
        assert {asked.headers["cf-access-client-id"] for asked in server.asked} == {"the-way-through"}
    seen = json.loads(next(line for line in said if line.startswith("{")))

    assert json.loads(seen["E2E_HEADERS"]) == {"CF-Access-Client-Id": "***"}


def test_a_header_without_a_value_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    """The site would answer with its login page."""
    with loopback(routes=SERVED) as server:
        with pytest.raises(SecretMissing, match="CF-Access-Client-Id"):
            run_e2e(wiring(tmp_path, server, more=BYPASS), release="d1", out=tmp_path, say=lambda _text: None)
        assert server.asked == []


def test_an_application_without_tests_has_none_to_run(tmp_path: Path) -> None:
    """It is said where they would be named."""
    with loopback() as server:
        run = wiring(tmp_path, server)
        object.__setattr__(run.loaded.inventory.app, "e2e", None)
        with pytest.raises(ConfigError, match="no end-to-end tests"):
            run_e2e(run, release="d1", out=tmp_path, say=lambda _text: None)


def test_the_release_to_wait_for_is_the_one_that_the_ledger_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the last run which ended; one that is at work has none yet."""
    bucket = MemoryBucket()
    with loopback() as server:
        run = wiring(tmp_path, server, CLOUDFLARE_API_TOKEN="t", R2_ACCESS_KEY_ID="k", R2_SECRET_ACCESS_KEY="s")
    monkeypatch.setattr(Wiring, "state_bucket", bucket)
    ledger = Ledger(bucket, run.named)
    with pytest.raises(Unverified, match="knows no release"):
        recorded_release(run)

    for name, digest in (("aa", "d1"), ("bb", "d2")):
        entry = open_run(ledger, name)
        ledger.append(closed(name, entry.sequence, worker={"digest": digest, "version": "v"}), after=ledger.head())
    open_run(ledger, "cc")

    assert recorded_release(run) == "d2"
