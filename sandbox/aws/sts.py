"""AWS STS and the roles of IAM, as far as jobs of GitHub Actions need them: a web identity token for temporary keys.

Not moto's, which takes any token for any role. A token must be signed by the issuer that the GitHub stand-in is, be for
AWS and not have expired, and the role's trust policy must let its subject in.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from sandbox.aws import access, sessions, trust
from sandbox.aws.secretsmanager import ACCESS_KEY
from sandbox.faults import Fault
from sandbox.requestlog import mark
from sandbox.service import Context, Service
from sandbox.store import Snapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCOUNT = "123456789012"
AUDIENCE = "sts.amazonaws.com"
PROVIDER = "token.actions.githubusercontent.com"
# There is one account, whichever a client names.
_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]{1,64})")
_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_SHORTEST, _LONGEST, _USUAL = 900, 43_200, 3600
_FETCH_SECONDS = 5
Fields = Mapping[str, str]


class _Refusal(Exception):
    """AWS says no."""

    def __init__(self, status: int, code: str, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.unknown = status, code, message, unknown


class StsService(Service):
    """Port `sts`; IAM's roles are asked for there as well."""

    name = "sts"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._store = Snapshot(context.folder / "state.json", lambda: {"roles": {}, "sessions": {}})
        self.app = self._answer
        # Action, and whether it changes anything.
        self._actions: Mapping[str, tuple[Callable[[Fields, WSGIEnvironment], str], bool]] = {
            "AssumeRoleWithWebIdentity": (self._assume, True),
            "GetCallerIdentity": (self._who, False),
            "CreateRole": (self._create_role, True),
            "GetRole": (self._get_role, False),
            "UpdateAssumeRolePolicy": (self._update_role, True),
            "DeleteRole": (self._delete_role, True),
        }

    def flush(self) -> None:
        """Roles and sessions."""
        self._store.flush()

    def reset(self) -> None:
        """No roles, no sessions."""
        self._store.clear()

    def environment(self) -> Mapping[str, str]:
        """The endpoints."""
        url = self.context.url(self.name)
        return {"AWS_ENDPOINT_URL_STS": url, "AWS_ENDPOINT_URL_IAM": url}

    def coverage(self) -> Iterable[str]:
        """Actions."""
        return list(self._actions)

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """AWS's XML error."""
        return "text/xml", _error(str(fault.code or "InternalFailure"), fault.message or "injected by sandbox fault")

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        fields = dict(parse_qsl(environ["wsgi.input"].read().decode(errors="replace"), keep_blank_values=True))
        action = fields.get("Action", "")
        try:
            status, body = 200, _result(action, self._perform(action, fields, environ))
        except _Refusal as refusal:
            mark(environ, mutating=False, unknown=refusal.unknown)
            status, body = refusal.status, _error(refusal.code, refusal.message)
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "text/xml")])
        return [body]

    def _perform(self, action: str, fields: Fields, environ: WSGIEnvironment) -> str:
        if action not in self._actions:
            raise _Refusal(400, "InvalidAction", f"the sandbox does not cover `{action}`", unknown=True)
        handler, mutating = self._actions[action]
        mark(environ, mutating=mutating)
        with self._store.lock:
            return handler(fields, environ)

    # --- STS -----------------------------------------------------------------------------------------------------

    def _assume(self, fields: Fields, _: WSGIEnvironment) -> str:
        arn, session_name = _required(fields, "RoleArn"), _required(fields, "RoleSessionName")
        token = _required(fields, "WebIdentityToken")
        wish = fields.get("DurationSeconds") or str(_USUAL)
        duration = int(wish) if wish.isdigit() else 0
        if not _NAME.fullmatch(session_name) or not _SHORTEST <= duration <= _LONGEST:
            raise _Refusal(400, "ValidationError", "RoleSessionName or DurationSeconds is not valid")
        claims = self._verified(token)
        found = _ROLE.fullmatch(arn)
        role = self._store.data["roles"].get(found[2]) if found else None
        if not found or not role or not trust.admits(role["policy"], claims, provider=PROVIDER, account=found[1]):
            raise _Refusal(403, "AccessDenied", f"Not authorized to perform {trust.ACTION}")
        key, secret, session = "ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_hex(64)
        expires = (datetime.now(UTC) + timedelta(seconds=duration)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assumed = f"arn:aws:sts::{found[1]}:assumed-role/{role['name']}/{session_name}"
        identifier = f"{role['id']}:{session_name}"
        self._store.data["sessions"][key] = {"token": session, "expires": expires, "arn": assumed, "id": identifier}
        self._store.changed()
        credentials = {
            "AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": session, "Expiration": expires,
        }  # fmt: skip
        return _xml(
            {
                "Credentials": credentials,
                "SubjectFromWebIdentityToken": claims["sub"],
                "AssumedRoleUser": {"AssumedRoleId": identifier, "Arn": assumed},
                "Provider": f"arn:aws:iam::{found[1]}:oidc-provider/{PROVIDER}",
                "Audience": AUDIENCE,
            }
        )

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that the issuer signed, for AWS, and that is valid now."""
        try:
            head, body, signature = token.split(".")
            header, claims = json.loads(_decode(head)), json.loads(_decode(body))
            kid, issuer, audience = header["kid"], claims["iss"], claims["aud"]
        except (ValueError, KeyError, TypeError):
            raise _invalid("The ID Token provided is not a valid JWT.") from None
        if issuer != f"https://{PROVIDER}":
            raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
        key = next((each for each in self._keys() if each["kid"] == kid), None)
        if header.get("alg") != "RS256" or key is None or not _signed(f"{head}.{body}", signature, key):
            raise _invalid("Couldn't retrieve verification key from your identity provider")
        if audience != AUDIENCE:
            raise _invalid("Incorrect token audience")
        if not claims.get("nbf", 0) <= time.time() < claims.get("exp", 0):
            raise _Refusal(400, "ExpiredTokenException", "Token expired")
        verified: Mapping[str, Any] = claims
        return verified

    def _keys(self) -> list[Mapping[str, str]]:
        """The issuer's public keys, asked for as AWS does."""
        url = f"{self.context.url('github')}/.well-known/jwks"
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url, timeout=_FETCH_SECONDS) as answer:
                keys: list[Mapping[str, str]] = json.load(answer)["keys"]
                return keys
        except (OSError, ValueError, KeyError):
            raise _Refusal(400, "IDPCommunicationError", f"cannot read the issuer's keys at {url}") from None

    def _who(self, _: Fields, environ: WSGIEnvironment) -> str:
        key = access.access_key_id({"authorization": environ.get("HTTP_AUTHORIZATION", "")}, {})
        if key == self.context.vault.value(ACCESS_KEY):
            return _xml({"Arn": f"arn:aws:iam::{ACCOUNT}:user/sandbox", "UserId": "AIDASANDBOX", "Account": ACCOUNT})
        session = sessions.find(self.context.home, key, environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
        if session is None:
            raise _Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        return _xml({"Arn": session["arn"], "UserId": session["id"], "Account": ACCOUNT})

    # --- IAM's roles ---------------------------------------------------------------------------------------------

    def _create_role(self, fields: Fields, environ: WSGIEnvironment) -> str:
        self._who(fields, environ)
        name, policy = _required(fields, "RoleName"), _policy(fields, "AssumeRolePolicyDocument")
        if not _NAME.fullmatch(name):
            raise _Refusal(400, "ValidationError", f"`{name}` is not a name of a role")
        if name in self._store.data["roles"]:
            raise _Refusal(409, "EntityAlreadyExists", f"Role with name {name} already exists.")
        role = {
            "name": name,
            "id": "AROA" + secrets.token_hex(8).upper(),
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "policy": policy,
        }
        self._store.data["roles"][name] = role
        self._store.changed()
        return _xml({"Role": _role(role)})

    def _get_role(self, fields: Fields, environ: WSGIEnvironment) -> str:
        self._who(fields, environ)
        return _xml({"Role": _role(self._find_role(fields))})

    def _update_role(self, fields: Fields, environ: WSGIEnvironment) -> str:
        self._who(fields, environ)
        self._find_role(fields)["policy"] = _policy(fields, "PolicyDocument")
        self._store.changed()
        return ""

    def _delete_role(self, fields: Fields, environ: WSGIEnvironment) -> str:
        self._who(fields, environ)
        del self._store.data["roles"][self._find_role(fields)["name"]]
        self._store.changed()
        return ""

    def _find_role(self, fields: Fields) -> dict[str, Any]:
        name = _required(fields, "RoleName")
        found: dict[str, Any] | None = self._store.data["roles"].get(name)
        if found is None:
            raise _Refusal(404, "NoSuchEntity", f"The role with name {name} cannot be found.")
        return found


def _required(fields: Fields, name: str) -> str:
    if not fields.get(name):
        raise _Refusal(400, "ValidationError", f"Value at '{name}' failed to satisfy constraint: must not be null")
    return fields[name]


def _policy(fields: Fields, name: str) -> dict[str, Any]:
    """A trust policy that IAM would take; moto knows its grammar."""
    from moto.iam.exceptions import MalformedPolicyDocument
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    text = _required(fields, name)
    try:
        IAMTrustPolicyDocumentValidator(text).validate()
    except MalformedPolicyDocument as error:
        raise _Refusal(400, "MalformedPolicyDocument", str(error.message)) from None
    policy: dict[str, Any] = json.loads(text)
    return policy


def _role(role: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Path": "/",
        "RoleName": role["name"],
        "RoleId": role["id"],
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/{role['name']}",
        "CreateDate": role["created"],
        "AssumeRolePolicyDocument": quote(json.dumps(role["policy"])),
    }


def _signed(text: str, signature: str, key: Mapping[str, str]) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    exponent, modulus = (int.from_bytes(_decode(key[name]), "big") for name in ("e", "n"))
    try:
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        public.verify(_decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _invalid(message: str) -> _Refusal:
    return _Refusal(400, "InvalidIdentityToken", message)


def _xml(value: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_xml(each) if isinstance(each, Mapping) else escape(str(each))}</{name}>"
        for name, each in value.items()
    )


def _result(action: str, result: str) -> bytes:
    identifier = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    return f"<{action}Response><{action}Result>{result}</{action}Result>{identifier}</{action}Response>".encode()


def _error(code: str, message: str) -> bytes:
    error = _xml({"Error": {"Type": "Sender", "Code": code, "Message": message}, "RequestId": uuid.uuid4()})
    return f"<ErrorResponse>{error}</ErrorResponse>".encode()


def create(context: Context) -> Service:
    """See `sandbox`."""
    return StsService(context)
