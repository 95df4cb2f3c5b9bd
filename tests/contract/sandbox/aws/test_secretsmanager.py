"""AWS Secrets Manager as boto3 meets it: invented secrets, refusals, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.sandbox import Running, running_sandbox

ONLY = ("secretsmanager",)
SEED = {
    "schema": 1,
    "secrets": [{"id": "app/dev/worker", "keys": ["SESSION_SECRET", "SIGNING_KEY"]}],
    "environment": ["SOME_TOKEN"],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Secrets Manager alone, seeded."""
    with running_sandbox(tmp_path_factory.mktemp("secrets"), only=ONLY, seed=SEED) as running:
        yield running


def client(world: Running, *, key: str | None = None, region: str = "eu-central-1") -> Any:
    """Boto3 with the sandbox's keys."""
    return closing(
        boto3.client(
            "secretsmanager",
            endpoint_url=world.url("secretsmanager"),
            region_name=region,
            aws_access_key_id=key or world.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=world.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )
    )


def document(world: Running) -> dict[str, str]:
    """The JSON secret string."""
    with client(world) as secrets:
        return dict(json.loads(secrets.get_secret_value(SecretId="app/dev/worker")["SecretString"]))


def test_seeded_secrets_are_random_and_stay(world: Running) -> None:
    """Every key of the seed has a value of its own, the same after another seed, a reset and a restart."""
    first = document(world)
    assert set(first) == {"SESSION_SECRET", "SIGNING_KEY"}
    assert len(set(first.values())) == 2
    assert all(len(value) >= 32 for value in first.values())
    token = world.environment["SOME_TOKEN"]
    world.control("POST", "/seed", SEED)
    world.control("POST", "/reset")
    world.restart(ONLY)
    assert document(world) == first
    assert world.environment["SOME_TOKEN"] == token


def test_what_somebody_changed_is_left_alone_until_a_reset(world: Running) -> None:
    """A new value survives another seed and a restart; a key that the seed adds is added beside it."""
    with client(world) as secrets:
        secrets.put_secret_value(SecretId="app/dev/worker", SecretString='{"SESSION_SECRET": "mine"}')
        secrets.create_secret(Name="other", SecretString="plain", Tags=[{"Key": "a", "Value": "b"}])
    world.restart(ONLY)
    world.control("POST", "/seed", SEED)
    changed = document(world)
    assert changed["SESSION_SECRET"] == "mine"
    assert "SIGNING_KEY" in changed
    with client(world) as secrets:
        assert secrets.get_secret_value(SecretId="other")["SecretString"] == "plain"
        assert secrets.describe_secret(SecretId="other")["Tags"] == [{"Key": "a", "Value": "b"}]
    world.control("POST", "/reset")
    assert document(world)["SESSION_SECRET"] != "mine"


@pytest.mark.parametrize(
    ("key", "call", "arguments", "code"),
    [
        ("AKIA0000000000000000", "get_secret_value", {"SecretId": "app/dev/worker"}, "UnrecognizedClientException"),
        (None, "get_secret_value", {"SecretId": "absent"}, "ResourceNotFoundException"),
        (None, "rotate_secret", {"SecretId": "app/dev/worker"}, "UnknownOperationException"),
    ],
)
def test_refusals(world: Running, key: str | None, call: str, arguments: dict[str, str], code: str) -> None:
    """A stranger, a secret that is not there and an action that is not covered: each has AWS's own code."""
    with client(world, key=key) as secrets, pytest.raises(ClientError) as error:
        getattr(secrets, call)(**arguments)
    assert error.value.response["Error"]["Code"] == code


def test_the_request_log_names_actions_and_no_values(world: Running) -> None:
    """All requests are POST; the log tells by action which of them would change something, and what is unknown."""
    world.control("POST", "/reset")
    value = document(world)["SESSION_SECRET"]
    with client(world) as secrets:
        secrets.tag_resource(SecretId="app/dev/worker", Tags=[{"Key": "k", "Value": "v"}])
        with pytest.raises(ClientError):
            secrets.rotate_secret(SecretId="app/dev/worker")
    entries = world.requests()
    assert [(entry["path"], entry["mutating"], entry["unknown"]) for entry in entries] == [
        ("/?Action=secretsmanager.GetSecretValue", False, False),
        ("/?Action=secretsmanager.TagResource", True, False),
        ("/?Action=secretsmanager.RotateSecret", False, True),
    ]
    assert value not in json.dumps(entries)
    unknown = world.control("GET", "/requests?unknown=1")["requests"]
    assert [entry["path"] for entry in unknown] == ["/?Action=secretsmanager.RotateSecret"]


def test_an_injected_error_has_the_services_own_form(world: Running) -> None:
    """A fault is felt as the SDK's exception with the code that was asked for, as often as was asked for."""
    fault = {"service": "secretsmanager", "path": "*GetSecretValue*", "status": 400, "code": "ThrottlingException"}
    world.control("POST", "/faults", fault)
    with client(world) as secrets:
        with pytest.raises(ClientError) as error:
            secrets.get_secret_value(SecretId="app/dev/worker")
        assert error.value.response["Error"]["Code"] == "ThrottlingException"
        assert secrets.get_secret_value(SecretId="app/dev/worker")["SecretString"]
