"""Calls to Cloudflare's v4 API: which Worker version is live, names of secrets, removal of a Worker.

What exists and where it answers is Terraform's, what runs is Wrangler's; here is only what would cost a Node process to
ask, or what neither of them offers.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.cloudflare.doors import named_by
from deployer.adapters.guard import Guard
from deployer.adapters.http import Http, Response, said_by
from deployer.errors import CredentialsRefused, ServiceFailed

_SERVICE = "Cloudflare"
# "This Worker does not exist on your account", in the two spellings of the API.
_NO_WORKER = frozenset({10007, 10090})


@dataclass(frozen=True)
class LiveVersion:
    """The version that gets all the traffic. `tag` is what the upload was annotated with."""

    id: str
    tag: str | None
    message: str | None


@dataclass(frozen=True)
class CloudflareApi:
    """One account. `base` includes `/client/v4`."""

    http: Http
    base: str
    account: str
    token: Callable[[], str] = field(repr=False)
    # Asked before anything is changed.
    guard: Guard | None = None

    def live_version(self, worker: str) -> LiveVersion | None:
        """The version now live; None if nothing was deployed, or if traffic is split between several."""
        answer = self._get(f"{self._script(worker)}/deployments", absent=_NO_WORKER)
        deployments = (answer or {}).get("deployments") or []
        if not deployments or len(deployments[0].get("versions", ())) != 1:
            return None
        version = deployments[0]["versions"][0]["version_id"]
        # The annotations of an upload are on the version, those of the deployment hold only its message.
        found = self._get(f"{self._script(worker)}/versions/{version}", absent=_NO_WORKER) or {}
        annotations = found.get("annotations") or {}
        return LiveVersion(version, annotations.get("workers/tag"), annotations.get("workers/message"))

    def secret_names(self, worker: str) -> frozenset[str]:
        """Names of the Worker's secrets; empty if there is no such Worker."""
        answer = self._get(f"{self._script(worker)}/secrets", absent=_NO_WORKER) or []
        return frozenset(secret["name"] for secret in answer)

    def delete_secret(self, worker: str, name: str) -> None:
        """Remove one secret; one that is gone already is no error."""
        quoted = urllib.parse.quote(name, safe="")
        self._call("DELETE", f"{self._script(worker)}/secrets/{quoted}?url_encoded=true", accept={404})

    def worker_exists(self, worker: str) -> bool:
        """Whether the account has this Worker, with or without a version."""
        return self._get(f"/accounts/{self.account}/workers/services/{_quoted(worker)}", absent=_NO_WORKER) is not None

    def worker_tags(self, worker: str) -> frozenset[str]:
        """The tags of a Worker; none if it does not exist."""
        found = self.get(f"/accounts/{self.account}/workers/workers/{_quoted(worker)}") or {}
        return frozenset(found.get("tags") or ())

    def delete_worker(self, worker: str) -> None:
        """Remove a Worker with all its versions; one that is gone already is no error."""
        self._call("DELETE", f"/accounts/{self.account}/workers/services/{_quoted(worker)}?force=true", accept={404})

    def token_status(self) -> str:
        """What Cloudflare says about the token: `active`, `disabled`, `expired`."""
        try:
            return str(self._call("GET", "/user/tokens/verify").get("status"))
        except (CredentialsRefused, ServiceFailed) as refused:
            # A token that belongs to the account and to no user is unknown there.
            try:
                found = self.get(f"/accounts/{self.account}/tokens/verify")
            except (CredentialsRefused, ServiceFailed):
                raise refused from None
            if found is None:
                raise
            return str(found.get("status"))

    def zone_exists(self, name: str) -> bool:
        """Whether the token sees this zone."""
        return self.zone_id(name) is not None

    def zone_id(self, name: str) -> str | None:
        """By what a zone is called in the API; None if the token does not see it."""
        found = self._call("GET", f"/zones?name={urllib.parse.quote(name)}&account.id={self.account}")
        return str(found[0]["id"]) if found else None

    def require_zone_id(self, name: str) -> str:
        """The same for those who cannot go on without: what is not seen is not nothing."""
        found = self.zone_id(name)
        if found is None:
            raise CredentialsRefused(
                f"the token does not see the zone `{name}`",
                place=name,
                hint="docs/guide/credentials.md says what the token must be allowed to do",
            )
        return found

    def total(self, path: str) -> int:
        """How many things a listing has, without reading all of them where the API counts them itself."""
        found, info = self.listed(path)
        return int(info["total_count"]) if "total_count" in info else len(found or ())

    def get(self, path: str) -> Any:
        """The result of any GET; None if the thing does not exist."""
        response = self._send("GET", path, accept={404})
        return None if response.status == 404 else _result(response)

    def listed(self, path: str) -> tuple[Any, Mapping[str, Any]]:
        """The result of a listing, and what it says of its pages."""
        response = self._send("GET", path, accept=())
        found = _result(response)
        info = response.json().get("result_info")
        return found, info if isinstance(info, dict) else {}

    def put(self, path: str, data: object) -> None:
        """Replace a thing as a whole."""
        _result(self._send("PUT", path, accept=(), data=data))

    def delete(self, path: str) -> None:
        """Remove a thing; one that is gone already is no error."""
        self._call("DELETE", path, accept={404})

    def _script(self, worker: str) -> str:
        return f"/accounts/{self.account}/workers/scripts/{_quoted(worker)}"

    def _get(self, path: str, *, absent: Collection[int]) -> Any:
        """The result of a GET, None for a 404 whose code says that the thing itself is not there."""
        response = self._send("GET", path, accept={404})
        if response.status != 404:
            return _result(response)
        if _codes(response) & set(absent):
            return None
        # Another 404 (a path that is not known) must not pass for "nothing there".
        raise ServiceFailed(f"{_SERVICE} does not know this (status 404)", place=path, details=[said_by(response)])

    def _call(self, method: str, path: str, *, accept: Collection[int] = ()) -> Any:
        response = self._send(method, path, accept=accept)
        return None if response.status in accept else _result(response)

    def _send(self, method: str, path: str, *, accept: Collection[int], data: object = None) -> Response:
        if method != "GET" and self.guard is not None:
            self._ask(self.guard, method, path)
        return self.http.request(
            method,
            f"{self.base}{path}",
            service=_SERVICE,
            headers={"Authorization": f"Bearer {self.token()}", "Accept": "application/json"},
            accept=accept,
            data=data,
        )

    def _ask(self, guard: Guard, method: str, path: str) -> None:
        found = named_by(path, self.get)
        if found is not None:
            what, name = found
            guard.thing(what, name, place=f"{method} {path.partition('?')[0]}")


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _result(response: Response) -> Any:
    if not response.body:
        return None
    data = response.json()
    if not isinstance(data, dict) or data.get("success") is False:
        raise ServiceFailed(f"{_SERVICE} reports a failure", place=response.url, details=[said_by(response)])
    return data.get("result")


def _codes(response: Response) -> set[int]:
    try:
        return {error["code"] for error in json.loads(response.body)["errors"]}
    except (ValueError, KeyError, TypeError):
        return set()
