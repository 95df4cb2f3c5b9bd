"""Another team with the same stack edits environments.toml and nothing else."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from deployer.inventory.load import load
from deployer.inventory.seed import seed_text
from tests.support.cli import ROOT, Checkout

OTHERS = textwrap.dedent("""\
    [project]
    name = "moodboard"
    account_id = "ffffffffffffffffffffffffffffffff"
    zone = "mood.example"
    state_bucket = "mood-states"
    location = "enam"
    aws_region = "us-east-1"
    convex_team = "mood"
    convex_project = "board"
    fingerprint_key = { env = "MOOD_FINGERPRINT_KEY" }

    [app]
    path = "../their-app"
    install = ["pnpm", "install"]
    build = ["pnpm", "build"]
    main = "out/worker.js"
    assets = "out/public"
    convex = "backend"
    convex_url_variable = "PUBLIC_BACKEND"
    health = "/alive"

    [defaults]
    stacks = ["site", "hosts"]
    limits = { parallel_steps = 2, tool_seconds = 60, http_seconds = 5, proof_seconds = 5 }
    guards = { protected = false, empty_buckets_on_destroy = true }

    [defaults.worker]
    name = "mood-{environment}"
    compatibility_date = "2026-10-01"
    compatibility_flags = []
    logs = { enabled = false, sampling_rate = 0.0 }
    variables = {}
    kv = {}
    r2 = {}
    secrets = { API_KEY = { env = "MOOD_API_KEY", required = false } }

    [defaults.convex]
    variables = {}
    secrets = {}

    [kinds.live]
    convex = { type = "prod" }
    guards = { protected = true }
    [kinds.trial]
    convex = { type = "preview" }

    [environments.live]
    kind = "live"
    host = "www.{zone}"
    convex = { deployment = "calm-seal-1", deploy_key = { aws = "mood/live", key = "convex" } }

    [environments."trial-{number}"]
    kind = "trial"
    host = "t{number}.{zone}"
    convex = { deploy_key = { env = "MOOD_PREVIEW_KEY" } }
    """)


@pytest.fixture
def theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """Their checkout: our folders, their inventory."""
    for name in ("templates", "terraform"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "environments.toml").write_text(OTHERS)
    return Checkout(tmp_path, capsys)


@pytest.mark.parametrize("name", ["live", "trial-3"])
def test_their_files_are_theirs(theirs: Checkout, name: str) -> None:
    """Everything that other tools read is made of their names; none of ours is left."""
    ran = theirs.inv("render", "--env", name, "--json")

    assert ran.code == 0, ran.err
    files = {each["path"]: each["text"] for each in json.loads(ran.out)["files"]}
    assert json.loads(files["terraform/site/site.tfvars.json"])["worker_name"] == f"mood-{name}"
    assert 'bucket = "mood-states"' in files["terraform/site/backend.tfbackend"]
    assert f"terraform/{name}/hosts.tfstate" in files["terraform/hosts/backend.tfbackend"]
    assert json.loads(files["build/wrangler.json"])["compatibility_date"] == "2026-10-01"
    assert "vibe" not in ran.out.lower()


def test_their_steps_and_sandbox_follow(theirs: Checkout) -> None:
    """Steps are listed and the sandbox's seed is computed for environments that we never heard of."""
    listed = theirs.inv("deploy", "--env", "trial-3", "--list-steps")
    seed = json.loads(seed_text(load(theirs.root)))

    assert listed.code == 0
    assert "terraform hosts" in listed.out
    assert seed["zones"] == ["mood.example"]
    assert seed["environment"] == ["CONVEX_MANAGEMENT_TOKEN", "MOOD_API_KEY", "MOOD_FINGERPRINT_KEY"]
    assert seed["convex"]["preview_keys"] == [{"env": "MOOD_PREVIEW_KEY"}]


def test_their_guards_hold(theirs: Checkout) -> None:
    """Protection is data, whatever the environment is called."""
    assert theirs.inv("destroy", "--env", "live", "--yes").code == 11


def test_no_environment_name_is_in_code() -> None:
    """All differences between environments are data."""
    names = ("production", "development", "ephemeral", "pr-{number}")
    for path in (ROOT / "deployer").rglob("*.py"):
        code = [line.partition("#")[0] for line in path.read_text(encoding="utf-8").splitlines()]
        for word in names:
            quoted = [line for line in code if f'"{word}"' in line or f"'{word}'" in line]
            assert not quoted, f"{path.name}: {quoted}"
