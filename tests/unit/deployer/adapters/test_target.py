"""Targets: who sees which credentials, and what is said when some are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.adapters.target import cloudflare_target, sandbox_target
from deployer.errors import ConfigError, CredentialsMissing

ACCOUNT = "0" * 32


def connection(tmp_path: Path, **services: str) -> Path:
    """A connection.json as the sandbox writes it."""
    names = ("cloudflare", "s3", "secretsmanager", "edge", "convex", "github", "sts")
    addresses = {name: f"http://127.0.0.1:{9000 + index}" for index, name in enumerate(names)}
    path = tmp_path / "connection.json"
    path.write_text(
        json.dumps(
            {
                "control": "http://127.0.0.1:8999",
                "services": addresses | services,
                "environment": {"CLOUDFLARE_API_TOKEN": "made-up", "TF_REATTACH_PROVIDERS": "{}"},
            }
        )
    )
    return path


def test_the_sandbox_never_uses_the_persons_credentials(tmp_path: Path) -> None:
    """Also those that it has no stand-in for: what is not in connection.json is missing."""
    target = sandbox_target(connection(tmp_path), {"CLOUDFLARE_API_TOKEN": "real", "R2_ACCESS_KEY_ID": "real"})
    assert target.credential("CLOUDFLARE_API_TOKEN") == "made-up"
    with pytest.raises(CredentialsMissing, match="R2_ACCESS_KEY_ID"):
        target.credential("R2_ACCESS_KEY_ID")


def test_the_cloud_never_uses_the_sandbox() -> None:
    """Its addresses are the real ones, whatever the environment says."""
    target = cloudflare_target({"CLOUDFLARE_BASE_URL": "http://127.0.0.1:1"}, account_id=ACCOUNT)
    assert target.cloudflare_url == "https://api.cloudflare.com/client/v4"
    assert target.s3_url == f"https://{ACCOUNT}.r2.cloudflarestorage.com"
    assert target.convex_url == "https://api.convex.dev"
    assert target.addresses == {}


def test_all_missing_names_are_one_error_with_the_other_way_on() -> None:
    """Each with its purpose and where it is looked for."""
    target = cloudflare_target({"A_TOKEN": "x"}, account_id=ACCOUNT)
    with pytest.raises(CredentialsMissing) as caught:
        target.require({"A_TOKEN": "first", "B_TOKEN": "second", "C_TOKEN": "third"})
    error = caught.value
    assert error.message == "2 credentials are missing: B_TOKEN, C_TOKEN"
    assert error.details == (
        "B_TOKEN  second; looked for in the process environment",
        "C_TOKEN  third; looked for in the process environment",
    )
    assert "--sandbox" in (error.hint or "")


def test_aws_credentials_may_come_from_where_boto3_looks(tmp_path: Path) -> None:
    """A profile, a role or the shared files do as well as keys; nothing at all is missing."""
    nowhere = {"HOME": str(tmp_path)}
    assert list(cloudflare_target(nowhere, account_id=ACCOUNT).missing_aws()) == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ]
    assert not cloudflare_target({**nowhere, "AWS_PROFILE": "team"}, account_id=ACCOUNT).missing_aws()
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").touch()
    assert not cloudflare_target(nowhere, account_id=ACCOUNT).missing_aws()


def test_a_tool_sees_the_named_credentials_and_no_others() -> None:
    """What happens to be in the environment is not handed on."""
    environment = {"PATH": "/bin", "LC_ALL": "C", "GITHUB_TOKEN": "real", "CLOUDFLARE_API_TOKEN": "t", "FOO": "bar"}
    target = cloudflare_target(environment, account_id=ACCOUNT)
    assert target.tool_environment() == {"PATH": "/bin", "LC_ALL": "C"}
    with_token = target.tool_environment(credentials=["CLOUDFLARE_API_TOKEN"])
    assert with_token == {"PATH": "/bin", "LC_ALL": "C", "CLOUDFLARE_API_TOKEN": "t"}


def test_a_host_of_the_sandbox_is_reached_without_a_resolver(tmp_path: Path) -> None:
    """By the Host header at the edge's address; people get a name under localhost."""
    target = sandbox_target(connection(tmp_path), {})
    assert target.reach("dev.vibechecc.app") == ("http://127.0.0.1:9003", {"Host": "dev.vibechecc.app"})
    assert target.public_url("dev.vibechecc.app") == "http://dev.vibechecc.app.localhost:9003"


@pytest.mark.parametrize("address", ["https://api.cloudflare.com/client/v4", "http://10.0.0.1:80"])
def test_a_sandbox_that_is_not_on_this_machine_is_refused(tmp_path: Path, address: str) -> None:
    """A connection file that points outside would let a rehearsal touch the world."""
    with pytest.raises(ConfigError, match="not on this machine"):
        sandbox_target(connection(tmp_path, cloudflare=address), {})


def test_a_sandbox_that_does_not_run_is_named(tmp_path: Path) -> None:
    """With the command that starts it; nothing falls back on the cloud."""
    with pytest.raises(ConfigError, match="not running") as caught:
        sandbox_target(tmp_path / "connection.json", {})
    assert "sandbox.up" in (caught.value.hint or "")
    (tmp_path / "connection.json").write_text('{"services"')
    with pytest.raises(ConfigError, match="cannot be read"):
        sandbox_target(tmp_path / "connection.json", {})


def test_credentials_do_not_show_in_a_representation(tmp_path: Path) -> None:
    """A target in an error or a log tells nothing."""
    assert "made-up" not in repr(sandbox_target(connection(tmp_path), {}))
