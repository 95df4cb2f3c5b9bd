"""AWS STS as boto3 meets it: the OIDC token of a job for temporary keys, only where the role's trust policy says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from deployer.adapters.templates import Templates
from tests.support.documents import ROOT
from tests.support.github_world import REPOSITORY, SEED, Client
from tests.support.sandbox import Running, running_sandbox

ONLY = ("github", "sts", "secretsmanager")
SECRETS = [{"id": "app/production/worker", "keys": ["SESSION_SECRET"]}]
ROLE = "arn:aws:iam::123456789012:role/deploy-production"
PROVIDER = "token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """GitHub, STS and Secrets Manager, with a role for `production` as `inv ci.aws-policy` prints it."""
    folder = tmp_path_factory.mktemp("sts")
    with running_sandbox(folder, only=ONLY, seed={**SEED, "secrets": SECRETS}) as running:
        iam = aws(running, "iam")
        values = {"account": "123456789012", "subjects": [f"repo:{REPOSITORY}:environment:production"]}
        document = Templates(ROOT / "templates").render("aws/trust-policy.json.j2", values)
        iam.create_role(RoleName="deploy-production", AssumeRolePolicyDocument=document)
        yield running


def policy(subject: str) -> dict[str, Any]:
    """Who may take a role, as it is written for the real AWS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{PROVIDER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{PROVIDER}:aud": "sts.amazonaws.com"},
                    "StringLike": {f"{PROVIDER}:sub": subject},
                },
            }
        ],
    }


def aws(running: Running, service: str, **keys: Any) -> Any:
    """Boto3 with the sandbox's keys, or with others."""
    port = "sts" if service == "iam" else service
    own = {
        "aws_access_key_id": running.environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": running.environment["AWS_SECRET_ACCESS_KEY"],
    }
    config = keys.pop("config", Config(retries={"total_max_attempts": 1}))
    url = running.url(port)
    make: Any = boto3.client
    return make(service, endpoint_url=url, region_name="eu-central-1", config=config, **(keys or own))


def token(running: Running, *, audience: str = "sts.amazonaws.com", **job: Any) -> str:
    """What a job gets from its token endpoint."""
    github = Client(running)
    asked = github.world("oidc", job)
    bearer = {"Authorization": f"bearer {asked['token']}"}
    return str(github.get(f"{asked['url']}&audience={audience}", headers=bearer).json()["value"])


def assume(running: Running, value: str, *, role: str = ROLE) -> Any:
    """Ask without keys, as the first step of a job does."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    client = aws(running, "sts", config=config)
    return client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=value)


def code(running: Running, value: str, *, role: str = ROLE) -> str:
    """The refusal's code."""
    with pytest.raises(ClientError) as refused:
        assume(running, value, role=role)
    return str(refused.value.response["Error"]["Code"])


def test_a_job_of_the_environment_reads_its_secrets(world: Running) -> None:
    """The temporary keys work with their session token, and not without it."""
    answer = assume(world, token(world, environment="production"))
    assert answer["SubjectFromWebIdentityToken"] == f"repo:{REPOSITORY}:environment:production"
    made = answer["Credentials"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    session = {**keys, "aws_session_token": made["SessionToken"]}
    found = aws(world, "secretsmanager", **session).get_secret_value(SecretId="app/production/worker")
    assert "SESSION_SECRET" in json.loads(found["SecretString"])
    arn = "arn:aws:sts::123456789012:assumed-role/deploy-production/job"
    assert aws(world, "sts", **session).get_caller_identity()["Arn"] == arn
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        aws(world, "secretsmanager", **keys).get_secret_value(SecretId="app/production/worker")


@pytest.mark.parametrize(
    "job",
    [
        {"environment": "pr-12"},
        {"pull": 12},
        {"ref": "refs/heads/main"},
        {"environment": "production", "immutable": True},
        {"environment": "production:main"},
    ],
)
def test_other_jobs_do_not_get_the_role(world: Running, job: dict[str, Any]) -> None:
    """The subject has to be the one of the trust policy, in the form that the repository uses."""
    assert code(world, token(world, **job)) == "AccessDenied"
    token(world, immutable=False)


def test_a_pattern_of_the_policy_holds(world: Running) -> None:
    """A role for previews takes every environment whose name begins so, and no other."""
    iam = aws(world, "iam")
    document = json.dumps(policy(f"repo:{REPOSITORY}:environment:pr-*"))
    iam.create_role(RoleName="deploy-previews", AssumeRolePolicyDocument=document)
    role = ROLE.replace("production", "previews")
    assert assume(world, token(world, environment="pr-12"), role=role)["Credentials"]
    assert code(world, token(world, environment="production"), role=role) == "AccessDenied"


def test_tokens_that_are_not_right_are_refused(world: Running) -> None:
    """For somebody else, not signed by the issuer, no token at all; a role that nobody made."""
    value = token(world, environment="production")
    head, body, signature = value.split(".")
    assert (
        code(world, token(world, environment="production", audience="https://example.test")) == "InvalidIdentityToken"
    )
    assert code(world, f"{head}.{body[:-4]}AAAA.{signature}") == "InvalidIdentityToken"
    assert code(world, f"{head}.{body}.{signature[:-8]}AAAAAAAA") == "InvalidIdentityToken"
    assert code(world, "none") == "InvalidIdentityToken"
    assert code(world, value, role=f"{ROLE}-2") == "AccessDenied"


def test_a_policy_must_be_one(world: Running) -> None:
    """IAM's grammar; what the stand-in does not cover is refused and marked."""
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        aws(world, "iam").create_role(RoleName="broken", AssumeRolePolicyDocument='{"Statement": []}')
    with pytest.raises(ClientError, match="InvalidAction"):
        aws(world, "sts").get_session_token()
    assert [entry["service"] for entry in world.requests() if entry["unknown"]] == ["sts"]


def test_roles_and_sessions_stay(world: Running) -> None:
    """Over a restart, not over a reset."""
    value = token(world, environment="production")
    world.restart(only=ONLY)
    assert assume(world, value)["Credentials"]
    world.control("POST", "/reset")
    assert code(world, token(world, environment="production")) == "AccessDenied"
