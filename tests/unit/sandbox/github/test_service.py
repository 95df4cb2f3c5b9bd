"""The stand-in as a part of the sandbox: seed, restart, reset, injected errors, OIDC."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.faults import Fault


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_state_stays_over_a_restart_and_goes_with_a_reset(api: Any) -> None:
    """Tokens stay valid in both."""
    api.world("pulls", {"number": 1})
    api.service.flush()
    api.start()
    assert api.get("/pulls/1").status == 200
    api.service.reset()
    api.start()
    assert api.get("/pulls").json == []
    assert api.get("/environments/production").status == 200


def test_the_seed_leaves_alone_what_was_changed(api: Any) -> None:
    """An environment whose rules somebody changed keeps them."""
    api.world("environments", {"name": "production", "reviewers": ["olga"]})
    api.service.flush()
    api.start()
    rules = api.get("/environments/production").json["protection_rules"]
    assert [each["reviewer"]["login"] for each in rules[0]["reviewers"]] == ["olga"]


def test_clients_are_pointed_here(api: Any) -> None:
    """What a job of GitHub Actions has; values only by name anywhere else."""
    environment = api.service.environment()
    assert environment["GITHUB_API_URL"] == api.service.context.url("github")
    assert environment["GITHUB_REPOSITORY"] == "vibechecc/vibechecc"
    assert environment["GITHUB_TOKEN"].startswith("ghs_")
    api.service.flush()
    state = (api.home.folder("github") / "state.json").read_text()
    assert environment["GITHUB_TOKEN"] not in state


@pytest.mark.parametrize(
    ("fault", "word", "remaining"),
    [
        (Fault(1, "github", status=403), "Resource not accessible", None),
        (Fault(1, "github", status=403, retry_after_ms=2000), "secondary rate limit", None),
        (Fault(1, "github", status=429, retry_after_ms=2000), "secondary rate limit", None),
        (Fault(1, "github", status=403, code="rate_limit", retry_after_ms=2000), "API rate limit exceeded", "0"),
        (Fault(1, "github", status=401), "Bad credentials", None),
    ],
)
def test_injected_errors_have_githubs_form(api: Any, fault: Fault, word: str, remaining: str | None) -> None:
    """A lack of rights and the two rate limits differ in words and headers, as they do there."""
    kind, body = api.service.fault_body(fault)
    assert kind.startswith("application/json")
    document = json.loads(body)
    assert word in document["message"]
    assert document["status"] == str(fault.status)
    assert api.service.fault_headers(fault).get("x-ratelimit-remaining") == remaining


@pytest.mark.parametrize(
    ("job", "subject"),
    [
        ({}, "repo:vibechecc/vibechecc:ref:refs/heads/main"),
        ({"environment": "production"}, "repo:vibechecc/vibechecc:environment:production"),
        ({"environment": "pr-12", "pull": 12}, "repo:vibechecc/vibechecc:environment:pr-12"),
        ({"pull": 12}, "repo:vibechecc/vibechecc:pull_request"),
        ({"environment": "a:b"}, "repo:vibechecc/vibechecc:environment:a%3Ab"),
        ({"ref": "refs/tags/v1"}, "repo:vibechecc/vibechecc:ref:refs/tags/v1"),
    ],
)
def test_subjects_of_tokens(api: Any, job: dict[str, Any], subject: str) -> None:
    """By environment, else for pull requests, else by reference."""
    asked = api.world("oidc", job)
    assert asked["sub"] == subject
    answer = api.get("//_apis/actions/idtoken?audience=a", headers={"Authorization": f"bearer {asked['token']}"})
    said = claims(answer.json["value"])
    assert (said["sub"], said["aud"], said["iss"]) == (subject, "a", "https://token.actions.githubusercontent.com")
    assert said["nbf"] < said["iat"] < said["exp"]
    assert said["repository"] == "vibechecc/vibechecc"


def test_immutable_subjects(api: Any) -> None:
    """Owner and repository with their numbers, once the repository wants it so."""
    path = "/actions/oidc/customization/sub"
    assert api.get(path).json["sub_claim_prefix"] == "repo:vibechecc/vibechecc"
    wish = {"use_default": True, "use_immutable_subject": True}
    assert api.call("PUT", path, wish).status == 201
    repository = api.get("").json
    prefix = f"repo:vibechecc@{repository['owner']['id']}/vibechecc@{repository['id']}"
    assert api.get(path).json == {**wish, "sub_claim_prefix": prefix}
    assert api.world("oidc", {"environment": "production"})["sub"] == f"{prefix}:environment:production"


def test_tokens_are_only_for_jobs(api: Any) -> None:
    """Another token is nobody there; the sandbox's own asks for the job that was said last."""
    assert api.get("//_apis/actions/idtoken").status == 401
    variable = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
    api.service.environment()
    first = api.get("//_apis/actions/idtoken", variable=variable)
    assert claims(first.json["value"])["aud"] == "https://github.com/vibechecc"
    api.world("oidc", {"environment": "pr-1"})
    api.world("oidc", {"environment": "pr-2", "default": False})
    said = claims(api.get("//_apis/actions/idtoken", variable=variable).json["value"])
    assert said["environment"] == "pr-1"
    assert api.get("//.well-known/openid-configuration").json["jwks_uri"].endswith("/.well-known/jwks")


def test_the_issuers_key_stays(api: Any) -> None:
    """For nobody else to read, and the same after a restart."""
    before = api.get("//.well-known/jwks").json
    assert (api.home.folder("github") / "oidc-key.pem").stat().st_mode & 0o077 == 0
    api.start()
    assert api.get("//.well-known/jwks").json == before
