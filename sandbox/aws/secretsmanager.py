"""AWS Secrets Manager: moto's, with one region, the covered actions only, and secrets kept over a restart."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.aws import access, backends, sessions
from sandbox.faults import Fault
from sandbox.home import read_json, write_json
from sandbox.requestlog import mark
from sandbox.seed import Reference, Seed
from sandbox.service import Context, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCESS_KEY = Reference(env="AWS_ACCESS_KEY_ID")
SECRET_KEY = Reference(env="AWS_SECRET_ACCESS_KEY")

# Action, and whether it changes anything.
_ACTIONS = {
    "BatchGetSecretValue": False,
    "CreateSecret": True,
    "DeleteSecret": True,
    "DescribeSecret": False,
    "GetRandomPassword": False,
    "GetSecretValue": False,
    "ListSecretVersionIds": False,
    "ListSecrets": False,
    "PutSecretValue": True,
    "RestoreSecret": True,
    "TagResource": True,
    "UntagResource": True,
    "UpdateSecret": True,
    "UpdateSecretVersionStage": True,
}


class SecretsManagerService(Service):
    """Port `secretsmanager`."""

    name = "secretsmanager"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._file = context.folder / "secrets.json"
        self._lock = threading.RLock()
        self._moto: Any = backends.application("secretsmanager")
        self.app = self._answer
        if context.vault.value(ACCESS_KEY) is None:
            context.vault.assign(ACCESS_KEY, "AKIA" + secrets.token_hex(8).upper())
        context.vault.invent(SECRET_KEY)
        self._restore()

    def apply_seed(self, seed: Seed) -> None:
        """Every secret with every key; what somebody has changed since is left alone."""
        for secret in seed.secrets:
            for key in secret.keys:
                self.context.vault.invent(Reference(aws=secret.id, key=key))
        with self._lock:
            for name, wanted in self.context.vault.documents().items():
                _complete_secret(name, wanted)
            self.flush()

    def flush(self) -> None:
        """All secrets, every version."""
        with self._lock:
            write_json(self._file, [_describe(secret) for secret in backends.secretsmanager().secrets.values()])

    def reset(self) -> None:
        """No secrets."""
        with self._lock:
            backends.secretsmanager().secrets.clear()
            self.flush()

    def environment(self) -> Mapping[str, str]:
        """The endpoint; the keys are in the vault."""
        return {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.context.url(self.name)}

    def coverage(self) -> Iterable[str]:
        """Actions."""
        return _ACTIONS

    def mutating(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """By action: all of them are POST."""
        return _ACTIONS.get(_action(headers), False)

    def logged_path(self, path: str, headers: Mapping[str, str]) -> str:
        """The action is in a header; it is what a reader of the log wants to see."""
        return f"/?Action={headers.get('x-amz-target', '')}"

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """AWS's JSON error."""
        return _error(str(fault.code or "InternalServiceError"), fault.message or "injected by sandbox fault")

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        action = _action({"x-amz-target": environ.get("HTTP_X_AMZ_TARGET", "")})
        found = access.access_key_id({"authorization": authorization}, {})
        if found != self.context.vault.value(ACCESS_KEY) and not sessions.find(
            self.context.home, found, environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
        ):
            mark(environ, mutating=False)
            code = "UnrecognizedClientException" if found else "MissingAuthenticationTokenException"
            return _refuse(start_response, code, "The security token included in the request is invalid.")
        if action not in _ACTIONS:
            mark(environ, unknown=True)
            return _refuse(start_response, "UnknownOperationException", f"the sandbox does not cover `{action}`")
        environ["HTTP_AUTHORIZATION"] = access.in_region(authorization, backends.REGION)
        with self._lock:
            return list(self._moto(environ, start_response))

    def _restore(self) -> None:
        from moto.secretsmanager.models import FakeSecret

        backend = backends.secretsmanager()
        for fields in read_json(self._file) or []:
            secret = FakeSecret.__new__(FakeSecret)
            secret.__dict__.update(fields, replicas=[])
            backend.secrets[fields["name"]] = secret


def _complete_secret(name: str, wanted: Mapping[str, str]) -> None:
    backend = backends.secretsmanager()
    existing = backend.secrets.get(name)
    if existing is None:
        backend.create_secret(
            name=name,
            secret_string=_document(wanted),
            secret_binary=None,
            description=None,
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return
    if existing.is_deleted():
        return
    try:
        present = json.loads(existing.versions[existing.default_version_id]["secret_string"])
    except (KeyError, TypeError, ValueError):
        return  # somebody stored something else there
    if missing := {key: value for key, value in wanted.items() if key not in present}:
        backend.put_secret_value(
            secret_id=name,
            secret_string=_document({**present, **missing}),
            secret_binary=None,
            client_request_token=None,
            version_stages=["AWSCURRENT"],
        )


def _document(value: Mapping[str, str]) -> str:
    return json.dumps(dict(value), separators=(",", ":"))


def _describe(secret: Any) -> dict[str, Any]:
    return {key: value for key, value in secret.__dict__.items() if key != "replicas"}


def _action(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").removeprefix("secretsmanager.")


def _error(code: str, message: str) -> tuple[str, bytes]:
    body = json.dumps({"__type": code, "message": message}, separators=(",", ":"))
    return "application/x-amz-json-1.1", body.encode()


def _refuse(start_response: StartResponse, code: str, message: str) -> Iterable[bytes]:
    kind, body = _error(code, message)
    start_response("400 Bad Request", [("Content-Type", kind), ("x-amzn-ErrorType", code)])
    return [body]


def create(context: Context) -> Service:
    """See `sandbox`."""
    return SecretsManagerService(context)
