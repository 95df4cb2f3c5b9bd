"""OIDC tokens of jobs: what a job may ask for, the claims it gets, and the issuer's public documents.

The issuer's name is GitHub's own, so that a trust policy is tried as it is written for the real one; only its documents
are served here. Which job asks is said by `POST /__sandbox/oidc`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.github import fields
from sandbox.github.answers import Answer, Refusal, missing, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import HTML, digest, token_value, user_id
from sandbox.tables import Body

ISSUER = "https://token.actions.githubusercontent.com"
REQUEST_PATH = "/_apis/actions/idtoken"
REQUEST_QUERY = "?api-version=2.0"
_JOB_FIELDS = (
    "environment", "event", "ref", "sha", "workflow", "actor", "run_id", "run_number", "run_attempt", "head_ref",
    "base_ref", "pull", "immutable", "default",
)  # fmt: skip
_BEFORE_SECONDS, _VALID_SECONDS = 600, 300


def say_job(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """A job that may ask: its address and token. It is also the one of the sandbox's own token, unless told not to."""
    fields.only(body, _JOB_FIELDS)
    if "immutable" in body:
        immutable = fields.flag(body, "immutable", default=False)
        repository = {**call.repository, "immutable_subject": immutable}
        call.state.put("repository", "-", "repository", repository)
    job = {name: value for name, value in body.items() if name not in ("immutable", "default") and value is not None}
    if "pull" in job:
        number = job.pop("pull")
        job = {"event": "pull_request", "ref": f"refs/pull/{number}/merge", **job}
    value = token_value()
    call.state.put("jobs", "-", digest(value), job)
    if fields.flag(body, "default", default=True):
        call.state.put("jobs", "-", "default", job)
    return {"url": call.world.url + REQUEST_PATH + REQUEST_QUERY, "token": value, "sub": claims_of(call, job)["sub"]}


def claims_of(call: Call, job: Mapping[str, Any]) -> dict[str, Any]:
    """The claims about the job, all of them texts as GitHub's are."""
    repository = call.repository
    name = str(repository["full_name"])
    owner = name.partition("/")[0]
    branch = repository["default_branch"]
    event, ref = str(job.get("event", "push")), str(job.get("ref") or f"refs/heads/{branch}")
    sha = str(job.get("sha") or (call.state.get("branches", "-", branch) or {}).get("sha", "0" * 40))
    file = f"{name}/{job.get('workflow') or '.github/workflows/workflow.yml'}@{ref}"
    actor = str(job.get("actor") or owner)
    claims = {
        "ref": ref,
        "sha": sha,
        "repository": name,
        "repository_owner": owner,
        "repository_owner_id": str(repository["owner_id"]),
        "repository_id": str(repository["id"]),
        "repository_visibility": "private",
        "run_id": str(job.get("run_id", 1)),
        "run_number": str(job.get("run_number", 1)),
        "run_attempt": str(job.get("run_attempt", 1)),
        "actor": actor,
        "actor_id": str(user_id(actor)),
        "workflow": str(job.get("workflow") or "workflow"),
        "workflow_ref": file,
        "workflow_sha": sha,
        "job_workflow_ref": file,
        "job_workflow_sha": sha,
        "head_ref": str(job.get("head_ref") or ""),
        "base_ref": str(job.get("base_ref") or ""),
        "event_name": event,
        "ref_protected": str(ref == f"refs/heads/{branch}").lower(),
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "runner_environment": "self-hosted",
    }
    if job.get("environment"):
        claims["environment"] = str(job["environment"])
    return {"sub": _subject(repository, claims), **claims}


def _subject(repository: Body, claims: Mapping[str, str]) -> str:
    """`repo:OWNER/NAME:` and the environment, else the word for pull requests, else the reference."""
    prefix = subject_prefix(repository)
    if environment := claims.get("environment"):
        context = f"environment:{quote(environment, safe='/ ')}" if ":" in environment else f"environment:{environment}"
    elif claims["event_name"] == "pull_request":
        context = "pull_request"
    else:
        context = f"ref:{claims['ref']}"
    if not repository["subject_keys"]:
        return f"{prefix}:{context}"
    parts = {"repo": prefix, "context": context}
    return ":".join(parts.get(key) or f"{key}:{claims.get(key, '')}" for key in repository["subject_keys"])


def subject_prefix(repository: Body) -> str:
    """What every default subject begins with; immutable ones carry the numbers that are never given out again."""
    owner, _, name = str(repository["full_name"]).partition("/")
    if repository["immutable_subject"]:
        return f"repo:{owner}@{repository['owner_id']}/{name}@{repository['id']}"
    return f"repo:{owner}/{name}"


def _token(call: Call) -> Answer:
    scheme, _, value = call.request.headers.get("Authorization", "").partition(" ")
    known = call.state.get("jobs", "-", digest(value))
    if scheme.lower() != "bearer" or (known is None and value != call.world.request_token()):
        raise Refusal(401, "Unauthorized")
    job = known if known is not None else call.state.get("jobs", "-", "default") or {}
    claims = claims_of(call, job)
    audience = call.query.get("audience") or f"{HTML}/{claims['repository_owner']}"
    at = int(time.time())
    token = call.world.signer.sign(
        {
            "jti": str(uuid.uuid4()),
            "aud": audience,
            "iss": ISSUER,
            "nbf": at - _BEFORE_SECONDS,
            "iat": at,
            "exp": at + _VALID_SECONDS,
            **claims,
        }
    )
    return ok({"count": len(token), "value": token})


def _discovery(call: Call) -> Answer:
    return ok(
        {
            "issuer": ISSUER,
            "jwks_uri": f"{call.world.url}/.well-known/jwks",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": sorted({"aud", "exp", "iat", "iss", "jti", "nbf", "environment", *claims_of(call, {})}),
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }
    )


def _keys(call: Call) -> Answer:
    return ok({"keys": [call.world.signer.public()]})


def _read_customization(call: Call) -> Answer:
    repository = call.repository
    document: dict[str, Any] = {"use_default": not repository["subject_keys"]}
    if repository["subject_keys"]:
        document["include_claim_keys"] = repository["subject_keys"]
    immutable, prefix = repository["immutable_subject"], subject_prefix(repository)
    return ok({**document, "use_immutable_subject": immutable, "sub_claim_prefix": prefix})


def _put_customization(call: Call) -> Answer:
    body = call.object()
    fields.only(body, ("use_default", "include_claim_keys", "use_immutable_subject"))
    if "use_default" not in body:
        raise missing("use_default")
    keys = fields.texts(body, "include_claim_keys")
    repository = dict(call.repository)
    repository["subject_keys"] = None if fields.flag(body, "use_default", default=True) else keys
    repository["immutable_subject"] = fields.flag(
        body, "use_immutable_subject", default=repository["immutable_subject"]
    )
    call.state.put("repository", "-", "repository", repository)
    return ok({}, status=201)


_SUBJECT = "/actions/oidc/customization/sub"
ROUTES = (
    Route("GET", REQUEST_PATH, _token, bare=True, anonymous=True),
    Route("GET", "/.well-known/openid-configuration", _discovery, bare=True, anonymous=True),
    Route("GET", "/.well-known/jwks", _keys, bare=True, anonymous=True),
    Route("GET", _SUBJECT, _read_customization, needs("actions:read")),
    Route("PUT", _SUBJECT, _put_customization, needs("actions:write")),
)
