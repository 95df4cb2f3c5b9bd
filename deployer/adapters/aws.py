"""Makes boto3 clients and translates their errors; shared by the adapters for secrets and state.

A client is told everything it needs. Against the sandbox nothing of the machine's own AWS configuration may be used,
so a profile that does not exist, or one that does, changes nothing.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployer.errors import (
    CredentialsMissing,
    CredentialsRefused,
    DeployError,
    GuardRefused,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
)

if TYPE_CHECKING:
    import botocore.loaders
    import botocore.session

_lock = threading.Lock()

_REFUSED = frozenset({
    "AccessDenied", "AccessDeniedException", "Forbidden", "403", "401", "Unauthorized", "InvalidAccessKeyId",
    "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredToken",
    "ExpiredTokenException", "InvalidClientTokenId", "MissingAuthenticationToken", "IncompleteSignature",
    "InvalidIdentityToken",
})  # fmt: skip
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown", "RequestLimitExceeded"}
)

LOCKED = "ObjectLockedByBucketPolicy"
"""R2's word for an object that a lock rule of its bucket keeps as it is; it comes with status 403."""


@dataclass(frozen=True, kw_only=True)
class AwsAccess:
    """How to reach one service. Without keys, boto3 looks for credentials in its own usual places."""

    service: str
    region: str
    endpoint: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    # Against stand-ins: ignore the machine's AWS configuration altogether.
    isolated: bool = False
    # For the one call that is made before there are keys.
    unsigned: bool = False
    timeout: float = 30.0

    def client(self) -> Any:
        """A client; making one is slow enough to be worth keeping it."""
        if self.access_key == "" or self.secret_key == "":
            raise CredentialsMissing(f"no keys for {self.service}", hint="`inv doctor` lists the credentials")
        try:
            return self._make_client()
        except boto_errors() as error:
            # A profile that does not exist, a configuration file that cannot be read.
            raise translate(error, service=self.service, place="the AWS configuration of this machine") from None

    def _make_client(self) -> Any:
        # Session and loader are not safe to use from several threads.
        with _lock:
            from botocore import UNSIGNED
            from botocore.config import Config

            # Its debug log holds whole answers, secret strings among them; `inv --debug` would print it.
            logging.getLogger("botocore").setLevel(logging.INFO)
            return _maker(isolated=self.isolated)(
                self.service,
                region_name=self.region,
                endpoint_url=self.endpoint,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                config=Config(
                    signature_version=UNSIGNED if self.unsigned else None,
                    connect_timeout=min(self.timeout, 10),
                    read_timeout=self.timeout,
                    retries={"mode": "standard", "total_max_attempts": 4},
                    # R2 does not know the checksums that newer SDKs add to every request.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    s3={"addressing_style": "path"},
                    # A plain-HTTP stand-in on loopback must not be looked for through a proxy.
                    proxies={} if self.isolated else None,
                ),
            )


def _maker(*, isolated: bool) -> Callable[..., Any]:
    if isolated:
        # Everything is given: what boto3 adds to a session (resources, transfers) is only loaded where it finds keys.
        return _isolated_session().create_client
    import boto3.session

    return boto3.session.Session().client


@functools.cache
def _isolated_session() -> botocore.session.Session:
    """One for all: it knows no credentials, and making another costs as much as making a client."""
    import botocore.session

    session = botocore.session.Session()
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    session.set_config_variable("profile", None)
    session.set_config_variable("metadata_service_num_attempts", 0)
    session.register_component("data_loader", _loader())
    return session


def _loader() -> botocore.loaders.Loader:
    """What reads the descriptions of services, without looking into the folders of all of them.

    botocore does so only to find that it knows the one that is asked for.
    """
    import botocore.loaders

    class OurServices(botocore.loaders.Loader):
        """Knows the services that we use."""

        def list_available_services(self, type_name: str) -> list[str]:
            return ["s3", "secretsmanager", "sts"]

    return OurServices()


def boto_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises, for an `except` clause; a function because importing it is slow."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def error_code(error: Exception) -> str:
    """The service's word for what went wrong, empty if there was no answer."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def is_refusal(code: str) -> bool:
    """Whether this word of a service means that the credentials are not allowed to do it."""
    return code in _REFUSED


def _http_status(error: Exception) -> int:
    response = getattr(error, "response", None)
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) if isinstance(response, dict) else 0


def translate(error: Exception, *, service: str, place: str) -> DeployError:
    """The typed error for what boto3 raised."""
    import botocore.exceptions as known

    code = error_code(error)
    again = "run the same command again; it goes on from here"
    status = _http_status(error)
    if code == LOCKED:
        return locked(place)
    if code in _REFUSED or status in (401, 403):
        return CredentialsRefused(
            f"{service} refuses the credentials ({code or status})",
            place=place,
            hint="`inv doctor` names the credential in use, docs/guide/credentials.md what it must be allowed to do",
        )
    if code in _THROTTLED or status == 429:
        return RateLimited(f"{service} refuses because of its rate limit", place=place, hint=f"wait, then {again}")
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError | known.ProfileNotFound):
        return CredentialsRefused(f"{service}: {error}", place=place, hint="`inv doctor` lists the credentials")
    if isinstance(error, known.HTTPClientError | known.ConnectionError | known.ConnectTimeoutError):
        return ServiceUnreachable(
            f"{service} does not answer", place=place, hint=f"check the network, then {again}", details=[str(error)]
        )
    return ServiceFailed(f"{service} failed: {error}", place=place, hint=again)


def locked(place: str) -> DeployError:
    """The error for an object that a lock rule keeps as it is."""
    return GuardRefused(
        "a lock rule of the bucket keeps this object as it is",
        place=place,
        hint="it ends by itself; `project.state.copies_locked_days` says when, and `inv state.bootstrap` sets it",
    )
