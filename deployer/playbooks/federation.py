"""From the identity that GitHub gives a job to a role of AWS, without any key that is kept anywhere.

The token is tried at once: a role that does not trust this job is found here, with the subject that it would have to
trust, and not in the middle of a deploy. boto3 exchanges the token by itself afterwards.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.adapters.aws import AwsAccess, boto_errors, translate
from deployer.adapters.target import AWS_KEYS, Target
from deployer.errors import CredentialsRefused, ServiceFailed, UsageError
from deployer.playbooks.aws_policies import SAMPLE_ACCOUNT
from deployer.playbooks.github_wiring import API_URL

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring

ROLE: Final = "AWS_ROLE_ARN"
TOKEN_FILE: Final = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 -- the name of a variable
SESSION_NAME: Final = "AWS_ROLE_SESSION_NAME"
REGION: Final = "AWS_REGION"
AUDIENCE: Final = "sts.amazonaws.com"
_REQUEST_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
_REQUEST_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 -- the name of a variable
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_SECONDS: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Federated:
    """A role that this job may take, and the token by which it does."""

    role: str
    session: str
    subject: str
    until: str
    token: str = field(repr=False)


def federated(wiring: Wiring, *, role: str) -> Federated:
    """Ask GitHub for a token and AWS whether it is good for `role`."""
    if not _ARN.fullmatch(role):
        raise UsageError(
            f"{ROLE} is not the name of a role" if role else f"{ROLE} is not set",
            place=wiring.target.place,
            hint=f"a variable of the GitHub environment, e.g. arn:aws:iam::{SAMPLE_ACCOUNT}:role/vibechecc-preview; "
            "`inv ci.aws-policy --env NAME` prints what the role needs",
        )
    token = _token(wiring)
    subject = str(_claims(token).get("sub", "unknown"))
    session = f"github-{wiring.target.process_environment.get('GITHUB_RUN_ID', 'local')}"
    until = _assume(wiring, role=role, session=session, token=token, subject=subject)
    return Federated(role=role, session=session, subject=subject, until=until, token=token)


def _token(wiring: Wiring) -> str:
    url, key = _request(wiring.target)
    wiring.redactor.add(key)
    joint = "&" if urllib.parse.urlsplit(url).query else "?"
    answer = wiring.http.request(
        "GET", f"{url}{joint}audience={AUDIENCE}", service="GitHub", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        token = str(json.loads(answer.body)["value"])
        _claims(token)
    except (ValueError, KeyError, TypeError):
        raise ServiceFailed("GitHub's answer holds no token", place=_REQUEST_URL) from None
    wiring.redactor.add(token)
    return token


def _request(target: Target) -> tuple[str, str]:
    """Where and with what the job asks. In a rehearsal the job has its own, at the stand-in's address only."""
    variables = target.process_environment
    url, key = variables.get(_REQUEST_URL), variables.get(_REQUEST_TOKEN)
    if target.name == "sandbox" and url and key and url.startswith(target.credential(API_URL) + "/"):
        return url, key
    target.require(
        {
            _REQUEST_URL: "where GitHub hands out the job's identity (the job needs `id-token: write`)",
            _REQUEST_TOKEN: "asks for the job's identity (the job needs `id-token: write`)",
        }
    )
    return target.credential(_REQUEST_URL), target.credential(_REQUEST_TOKEN)


def role_arn(wiring: Wiring, name: str) -> str:
    """The whole name of a role in the account of the inventory."""
    roles = wiring.loaded.inventory.ci.roles
    return f"arn:aws:iam::{roles.account_id if roles else SAMPLE_ACCOUNT}:role/{name}"


def ensure_role(wiring: Wiring, *, name: str, subjects: Sequence[str]) -> None:
    """Make a role in the sandbox that trusts these subjects: what an administrator does at AWS."""
    assert wiring.target.name == "sandbox"
    account = role_arn(wiring, name).split(":")[4]
    policy = wiring.templates.render(
        "aws/trust-policy.json.j2", {"account": account, "subjects": list(dict.fromkeys(subjects))}
    )
    common = {"RoleName": name, "Version": "2010-05-08"}
    for fields in (
        {"Action": "CreateRole", "AssumeRolePolicyDocument": policy, **common},
        {"Action": "UpdateAssumeRolePolicy", "PolicyDocument": policy, **common},
    ):
        keys = {name: wiring.target.credential(name) for name in AWS_KEYS}
        answer = wiring.http.request(
            "POST",
            f"{wiring.target.sts_url}/",
            service="the sandbox's IAM",
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={keys[AWS_KEYS[0]]}/20260101/us-east-1/iam/aws4_request",
            },
            body=urllib.parse.urlencode(fields).encode(),
            accept=(409,),
        )
        if answer.status != 409:
            return


def _claims(token: str) -> dict[str, Any]:
    """What the token says. Nobody here relies on it: AWS checks the signature."""
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if isinstance(claims, dict) else {}


def _assume(wiring: Wiring, *, role: str, session: str, token: str, subject: str) -> str:
    access = AwsAccess(
        service="sts",
        region=wiring.loaded.inventory.project.aws_region,
        endpoint=wiring.target.sts_url,
        isolated=True,
        unsigned=True,
        timeout=float(wiring.environment.limits.http_seconds),
    )
    try:
        answer = access.client().assume_role_with_web_identity(
            RoleArn=role, RoleSessionName=session, WebIdentityToken=token, DurationSeconds=_SECONDS
        )
    except boto_errors() as error:
        failure = translate(error, service="AWS STS", place=role)
        if isinstance(failure, CredentialsRefused):
            failure.details = (f"the job's subject is {subject}", *failure.details)
            failure.hint = "the role's trust policy must name this subject: `inv ci.aws-policy --env NAME` prints it"
        raise failure from None
    credentials = answer["Credentials"]
    for name in ("SecretAccessKey", "SessionToken"):
        wiring.redactor.add(str(credentials[name]))
    return str(credentials["Expiration"])
