"""Wrangler and the Convex CLI as they are called: arguments, environment, input, and what their failures mean.

The programs are small scripts for the real Node; the real tools are held to in tests/contract and tests/e2e.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deployer.adapters.convex import ConvexCli, parse_key
from deployer.adapters.convex.keys import check_key
from deployer.adapters.node import Node, argv_for, find_node, package_script, program_folder
from deployer.adapters.process import Command, Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.wrangler import Upload, Wrangler
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    GuardRefused,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    ToolFailed,
    ToolMissing,
)

NOTE = """
const fs = require("fs");
const input = fs.readFileSync(0, "utf8");
fs.writeFileSync("seen.json", JSON.stringify({argv: process.argv.slice(2), env: process.env, input}));
"""


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Node:
    return find_node({"PATH": os.environ["PATH"]}, processes=Processes(Redactor()), log=tmp_path / "node.log")


def wrangler(tmp_path: Path, node: Node, script: str) -> Wrangler:
    """A Wrangler whose program is `script`."""
    (tmp_path / "wrangler.cjs").write_text(script)
    return Wrangler(
        node=node,
        script=tmp_path / "wrangler.cjs",
        processes=Processes(Redactor(["canary-secret-1"])),
        environment={"CLOUDFLARE_API_TOKEN": "token"},
        home=tmp_path / "home",
        logs=tmp_path / "logs",
        timeout=30,
    )


UPLOAD_SECRETS = {"SESSION_SECRET": "canary-secret-1"}


def upload(tmp_path: Path) -> Upload:
    """What to deploy."""
    return Upload(config=tmp_path / "wrangler.json", tag="digest", message="release", secrets=UPLOAD_SECRETS)


def test_secrets_go_to_wrangler_by_standard_input_alone(tmp_path: Path, node: Node) -> None:
    """Not by argument, not by environment; the version is read from the records."""
    # The record that the real one writes.
    line = json.dumps(json.dumps({"type": "deploy", "version_id": "v1"}) + "\n")
    record = f"fs.appendFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, {line});"
    assert wrangler(tmp_path, node, NOTE + record).deploy(upload(tmp_path)) == "v1"
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert json.loads(seen["input"]) == UPLOAD_SECRETS
    assert seen["argv"] == [
        "deploy", "--config", str(tmp_path / "wrangler.json"), "--tag", "digest", "--message", "release",
        "--secrets-file", "/dev/stdin",
    ]  # fmt: skip
    assert "canary" not in json.dumps([seen["argv"], seen["env"]])
    assert seen["env"]["WRANGLER_SEND_METRICS"] == "false"
    assert "HOME" not in seen["env"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("A request to the Cloudflare API (/accounts) failed. Authentication error [code: 10000]", CredentialsRefused),
        ("Received a malformed response from the API, status 403", CredentialsRefused),
        ("You are rate limited: API answered 429", RateLimited),
        ("TypeError: fetch failed", ServiceUnreachable),
        ("An unknown error has occurred [code: 10013]", ServiceFailed),
        ("Uncaught SyntaxError: Unexpected token [code: 10021]", ToolFailed),
    ],
)
def test_a_failure_of_wrangler_becomes_the_class_that_says_who_must_act(
    tmp_path: Path, node: Node, said: str, kind: type[DeployError]
) -> None:
    """Its last lines are kept, masked."""
    script = f"process.stderr.write({json.dumps(said + ' canary-secret-1')} + '\\n'); process.exit(1)"
    with pytest.raises(kind) as caught:
        wrangler(tmp_path, node, script).deploy(upload(tmp_path))
    assert type(caught.value) is kind
    assert caught.value.details[-1] == f"{said} ***"


def test_an_exit_code_of_zero_without_a_version_is_not_believed(tmp_path: Path, node: Node) -> None:
    """A tool that says nothing has deployed nothing."""
    with pytest.raises(ToolFailed, match="reports no version"):
        wrangler(tmp_path, node, NOTE).deploy(upload(tmp_path))


def test_the_convex_key_goes_through_the_environment(tmp_path: Path, node: Node) -> None:
    """And the person's home, with their own login, stays out of sight."""
    (tmp_path / "convex.cjs").write_text(NOTE)
    (tmp_path / "app" / "convex" / "_generated").mkdir(parents=True)
    cli = ConvexCli(
        node=node, script=tmp_path / "convex.cjs", processes=Processes(Redactor()), environment={"HOME": "/person"},
        home=tmp_path / "home", logs=tmp_path / "logs", timeout=30,
    )  # fmt: skip
    cli.deploy(tmp_path / "app", functions="convex", key="preview:t:p|canary", message="m", preview="pr-1")
    seen = json.loads((tmp_path / "app" / "seen.json").read_text())
    assert seen["env"]["CONVEX_DEPLOY_KEY"] == "preview:t:p|canary"
    assert seen["env"]["HOME"] == str(tmp_path / "home")
    assert "canary" not in " ".join(seen["argv"])
    assert seen["argv"][-2:] == ["--preview-name", "pr-1"]
    assert "disable" in seen["argv"], "generated files that are checked in are not rewritten"


@pytest.mark.parametrize(
    ("key", "wanted", "deployment"),
    [
        ("prod:polished-heron-217|secret", "preview", None),
        ("prod:polished-heron-217|secret", "dev", "brisk-otter-482"),
        ("dev:other-one-1|secret", "dev", "brisk-otter-482"),
        ("preview:team:other|secret", "preview", None),
        ("dev:brisk-otter-482|secret", "prod", "polished-heron-217"),
    ],
)
def test_a_key_for_something_else_is_refused(key: str, wanted: str, deployment: str | None) -> None:
    """Before any tool starts; the CLI itself would push to production with a preview's flag."""
    with pytest.raises(GuardRefused) as caught:
        check_key(
            parse_key(key, place="p"),
            wanted=wanted,  # type: ignore[arg-type]
            deployment=deployment,
            team="team",
            project="project",
            place="p",
        )
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "secret", "prod:|x", "prod:name", "a:b:c:d|x", "|x"])
def test_what_is_no_key_is_refused_without_showing_it(key: str) -> None:
    """It may be a secret pasted into the wrong place."""
    with pytest.raises(GuardRefused) as caught:
        parse_key(key, place="variable X")
    assert "secret" not in str(caught.value)


def test_npm_works_by_name_for_an_applications_scripts(tmp_path: Path, node: Node) -> None:
    """The wheel's own wrapper does not."""
    folder = program_folder(node, tmp_path / "bin")
    assert argv_for(("npm", "ci"), folder) == [str(folder / "npm"), "ci"]
    assert argv_for(("make", "all"), folder) == ["make", "all"]
    run = Command(
        argv=[str(folder / "npm"), "--version"], title="npm", cwd=tmp_path,
        environment={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)}, log=tmp_path / "l", timeout=60,
    )  # fmt: skip
    assert Processes(Redactor()).run(run).stdout[0].isdigit()


def test_a_package_that_is_not_installed_lists_where_it_was_looked_for(tmp_path: Path) -> None:
    """Every folder that was tried."""
    with pytest.raises(ToolMissing) as caught:
        package_script("wrangler", tmp_path / "app", tmp_path)
    assert len(caught.value.details) == 2
