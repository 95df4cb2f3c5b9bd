"""Secrets: all of them or one error, and never a value where a fingerprint does."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from deployer.adapters.redact import Redactor
from deployer.adapters.secrets import SecretsManager
from deployer.errors import CredentialsMissing, SecretMissing
from deployer.inventory.base import SecretRef
from deployer.steps.missing_secrets import SecretPlaces
from deployer.steps.secrets import ResolveSecrets, Secrets
from tests.support.s3 import access


def ref(text: str, *, required: bool = True) -> SecretRef:
    """`NAME` of the environment, or `id#key` of AWS."""
    if "#" not in text:
        return SecretRef(env=text, required=required)
    identifier, key = text.split("#")
    return SecretRef(aws=identifier, key=key, required=required)


def step(aws: str, references: dict[str, SecretRef], environment: dict[str, str] | None = None) -> ResolveSecrets:
    """The step with a real client."""
    redactor = Redactor()
    return ResolveSecrets(
        name="secrets", provides=("secrets",), references=references, check_credentials=lambda: None,
        manager=lambda: SecretsManager(access(aws, "secretsmanager")), environment=environment or {},
        places=SecretPlaces(environment="the process environment", region="eu-central-1", sandbox=False),
        redactor=redactor,
    )  # fmt: skip


@pytest.fixture(name="stored")
def _stored(aws: str) -> str:
    identifier = f"team/{uuid.uuid4().hex[:8]}"
    client = access(aws, "secretsmanager").client()
    client.create_secret(Name=identifier, SecretString=json.dumps({"A": "value-of-a", "EMPTY": ""}))
    return identifier


def test_values_come_from_both_places_and_are_masked_from_then_on(aws: str, stored: str, context: Any) -> None:
    """Optional ones without a value are left out."""
    resolve = step(
        aws,
        {
            "worker.secrets.A": ref(f"{stored}#A"),
            "worker.secrets.E": ref("FROM_ENV"),
            "worker.secrets.O": ref(f"{stored}#NOT_THERE", required=False),
            "convex.secrets.A": ref(f"{stored}#A"),
        },
        {"FROM_ENV": "value-of-env"},
    )
    found = resolve.observe(context.of())
    assert found.table("worker.secrets") == {"A": "value-of-a", "E": "value-of-env"}
    assert found.table("convex.secrets") == {"A": "value-of-a"}
    assert resolve.redactor.text("value-of-a value-of-env") == "*** ***"
    assert "value-of" not in repr(found)


def test_every_missing_one_is_listed_with_the_command_that_mends_it(aws: str, stored: str, context: Any) -> None:
    """A secret that is not there, a key that is not in it, an empty value and a variable."""
    resolve = step(
        aws,
        {
            "worker.secrets.A": ref(f"{stored}#A"),
            "worker.secrets.EMPTY": ref(f"{stored}#EMPTY"),
            "worker.secrets.KEY": ref(f"{stored}#OTHER"),
            "convex.secrets.ID": ref("team/nowhere#KEY"),
            "convex.deploy_key": ref("NOT_SET"),
        },
    )
    with pytest.raises(SecretMissing, match="4 required secrets have no value; nothing was touched") as caught:
        resolve.observe(context.of())
    text = "\n".join(caught.value.details)
    assert text.count(f"put-secret-value --region eu-central-1 --secret-id {stored}") == 1
    assert text.count("create-secret --region eu-central-1 --name team/nowhere") == 1
    assert "export NOT_SET" in text
    assert "value-of-a" not in text


def test_missing_credentials_come_first(aws: str, context: Any) -> None:
    """Before any service is asked."""

    def refuse() -> None:
        raise CredentialsMissing("1 credential is missing: X")

    resolve = step("http://127.0.0.1:9", {"worker.secrets.A": ref("team/a#A")})
    object.__setattr__(resolve, "check_credentials", refuse)
    with pytest.raises(CredentialsMissing):
        resolve.observe(context.of())


def test_a_secret_that_is_no_json_object_is_not_shown(aws: str, context: Any) -> None:
    """Its text may be the secret itself."""
    identifier = f"team/{uuid.uuid4().hex[:8]}"
    access(aws, "secretsmanager").client().create_secret(Name=identifier, SecretString="plain-canary")
    with pytest.raises(SecretMissing) as caught:
        step(aws, {"worker.secrets.A": ref(f"{identifier}#A")}).observe(context.of())
    assert "plain-canary" not in f"{caught.value}{caught.value.details}{caught.value.hint}"


def test_a_fingerprint_depends_on_key_name_and_value() -> None:
    """Two secrets with one value do not look alike, and without the key nobody can try values."""
    one = Secrets({"project.fingerprint_key": "key-one"})
    two = Secrets({"project.fingerprint_key": "key-two"})
    prints = {
        one.fingerprints({"A": "x"})["A"],
        one.fingerprints({"B": "x"})["B"],
        one.fingerprints({"A": "y"})["A"],
        two.fingerprints({"A": "x"})["A"],
    }
    assert len(prints) == 4
    assert one.fingerprints({"A": "x"}) == one.fingerprints({"A": "x"})
