"""The policies at AWS: exactly the jobs of one GitHub environment, exactly the secrets of one environment."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from deployer.adapters.target import cloudflare_target
from deployer.errors import ConfigError
from deployer.inventory.base import SecretRef
from deployer.playbooks.aws_policies import Role, roles_of
from deployer.playbooks.wiring import Wiring
from tests.support.inventory import ROOT, inventory

WRITTEN = 'roles = { account_id = "123456789012" }'
SECRET = r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-\?{6}$"
# The grammar of AWS, as far as these policies use it: whatever else is in them is a mistake of the template.
STATEMENT = {
    "type": "object",
    "required": ["Sid", "Effect", "Action"],
    "additionalProperties": False,
    "properties": {
        "Sid": {"type": "string", "pattern": "^[A-Za-z0-9]+$"},
        "Effect": {"enum": ["Allow", "Deny"]},
        "Action": {
            "anyOf": [{"$ref": "#/$defs/action"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/action"}}]
        },
        "Principal": {
            "type": "object",
            "required": ["Federated"],
            "additionalProperties": False,
            "properties": {"Federated": {"type": "string", "pattern": r"^arn:aws:iam::\d{12}:oidc-provider/[a-z.]+$"}},
        },
        "Condition": {
            "type": "object",
            "required": ["StringEquals"],
            "additionalProperties": False,
            "properties": {
                "StringEquals": {
                    "type": "object",
                    "minProperties": 2,
                    "maxProperties": 2,
                    "required": [
                        "token.actions.githubusercontent.com:aud",
                        "token.actions.githubusercontent.com:sub",
                    ],
                }
            },
        },
        "Resource": {
            "anyOf": [
                {"const": "*"},
                {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": {
                        "type": "string",
                        "pattern": r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-\?{6}$",
                    },
                },
            ]
        },
    },
}
SCHEMA = {
    "$defs": {"action": {"type": "string", "pattern": r"^[a-z]+:[A-Z][A-Za-z]+$"}},
    "type": "object",
    "required": ["Version", "Statement"],
    "additionalProperties": False,
    "properties": {
        "Version": {"const": "2012-10-17"},
        "Statement": {"type": "array", "minItems": 1, "items": STATEMENT},
    },
}


def roles(name: str, *, said: str = 'account_id = "123456789012"', repository: str = "octo/vibes") -> tuple[Role, ...]:
    """The roles of an environment, with `[ci] roles` as said."""
    from deployer.adapters.redact import Redactor
    from deployer.engine.stop import Stop

    loaded = inventory((WRITTEN, f"roles = {{ {said} }}"))
    target = cloudflare_target({"GITHUB_REPOSITORY": repository}, account_id="0" * 32)
    wiring = Wiring(
        loaded=loaded,
        environment=loaded.environment(name),
        target=target,
        folder=ROOT / ".work" / "tests",
        stop=Stop(),
        redactor=Redactor(),
    )
    return roles_of(wiring)


def subjects(role: Role) -> list[str]:
    """Whom its trust policy lets in."""
    (statement,) = role.trust["Statement"]
    found = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert isinstance(found, list)
    return found


def resources(role: Role) -> list[str]:
    """What it may read."""
    return list(role.permissions["Statement"][0]["Resource"])


@pytest.mark.parametrize("name", ["production", "development", "pr-12"])
def test_both_policies_have_the_form_that_aws_takes(name: str) -> None:
    """And none of them allows everything, or anything to everybody."""
    for role in roles(name):
        for policy in (role.trust, role.permissions):
            jsonschema.validate(policy, SCHEMA)
        allowed = [each for each in role.permissions["Statement"] if each["Effect"] == "Allow"]
        assert all(each["Resource"] != "*" for each in allowed)
        assert "*" not in json.dumps(role.trust)


def test_an_environment_has_a_role_for_plans_and_one_for_changes() -> None:
    """Each for the jobs of its own GitHub environment alone."""
    plan, change = sorted(roles("production"), key=lambda role: len(role.name), reverse=True)

    assert subjects(plan) == ["repo:octo/vibes:environment:production-plan"]
    assert subjects(change) == ["repo:octo/vibes:environment:production"]
    assert (plan.name, change.name) == ("vibechecc-production-plan", "vibechecc-production")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("names", ["repo:octo/vibes:environment:preview"]),
        ("ids", ["repo:octo@583231/vibes@1296269:environment:preview"]),
        ("both", ["repo:octo@583231/vibes@1296269:environment:preview", "repo:octo/vibes:environment:preview"]),
    ],
)
def test_subjects_are_written_as_github_writes_them(form: str, expected: list[str]) -> None:
    """By names, by names with numbers that nobody else ever gets, or both while it changes."""
    said = f'account_id = "123456789012", owner_id = 583231, repository_id = 1296269, subjects = "{form}"'

    assert subjects(roles("pr-12", said=said)[0]) == expected


def test_numbers_that_are_not_known_cannot_be_trusted() -> None:
    """The mistake is named where it stands."""
    with pytest.raises(ConfigError, match="needs `owner_id` and `repository_id`"):
        roles("pr-12", said='account_id = "123456789012", subjects = "ids"')


def test_a_role_reads_its_own_environments_secrets_only() -> None:
    """Production's are not in development's list, nor the reverse."""
    (production, *_), (development, *_) = roles("production"), roles("development")

    assert [each for each in resources(production) if "/development/" in each] == []
    assert [each for each in resources(development) if "/production/" in each] == []
    assert "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vibechecc/production/worker-??????" in resources(
        production
    )


def test_the_role_of_previews_reads_those_of_all_pull_requests() -> None:
    """There is one GitHub environment for all of them."""
    (role,) = roles("pr-12")

    assert "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vibechecc/pr-*/worker-??????" in resources(role)
    assert [each for each in resources(role) if "production" in each or "development" in each] == []


def test_every_secret_that_a_deploy_reads_is_in_the_policy() -> None:
    """Otherwise the first deploy by the role fails half-way through its first step."""
    loaded = inventory()
    wanted: set[Any] = set()
    environment = loaded.environment("production")
    references: list[SecretRef] = [*environment.worker.secrets.values(), *environment.convex.secrets.values()]
    wanted = {reference.aws for reference in references if reference.aws}

    assert wanted
    for identifier in wanted:
        assert any(f":secret:{identifier}-" in each for each in resources(roles("production")[0]))
