"""One Convex deployment, by its HTTP API: environment variables and what functions run on it.

The CLI would go over a WebSocket that reconnects for ever; these calls end in time. Values are sent in bodies only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from deployer.adapters.guard import Guard
from deployer.adapters.http import Http
from deployer.errors import ServiceFailed, StepFailed

_SERVICE = "Convex"
# What Convex answers when a function has thrown; the open backend says 200, and both say it in the body.
_FUNCTION_FAILED: Final = 560
# The server lists them among the modules, also those of a project without any function.
_WITHOUT_FUNCTIONS: Final = frozenset({"convex.config.js", "schema.js", "auth.config.js"})


@dataclass(frozen=True)
class ConvexDeployment:
    """The deployment at `url`."""

    http: Http
    url: str
    key: str = field(repr=False)
    # Asked before a variable is set.
    guard: Guard | None = None

    def variables(self) -> dict[str, str]:
        """All environment variables with their values."""
        data = self._get("/api/v1/list_environment_variables")
        found = data.get("environmentVariables")
        if not isinstance(found, dict):
            raise ServiceFailed(f"{_SERVICE} did not list its environment variables", place=self.url)
        return found

    def update_variables(self, values: Mapping[str, str | None]) -> None:
        """Set, or with None remove, several variables in one request. Doing it twice is the same as once."""
        kind, typed, _ = self.key.partition("|")[0].partition(":")
        if self.guard is not None and typed:
            # An administrator's key bears no type; whose deployment it is was asked for by name then.
            self.guard.credential(kind, place=self.url)
        self.http.request(
            "POST",
            f"{self.url}/api/v1/update_environment_variables",
            service=_SERVICE,
            headers=self._headers,
            data={"changes": [{"name": name, "value": value} for name, value in values.items()]},
            repeatable=True,
        )

    def site_url(self) -> str:
        """Where the deployment's HTTP actions answer."""
        return str(self._get("/api/v1/get_canonical_urls")["convexSiteUrl"]).rstrip("/")

    def module_hashes(self) -> tuple[tuple[str, str, str], ...]:
        """Path, environment and hash of every module that is live, in order."""
        data = self.http.request(
            "POST",
            f"{self.url}/api/get_config_hashes",
            service=_SERVICE,
            headers=self._headers,
            data={"version": "1.48.0", "adminKey": self.key},
            repeatable=True,
        ).json()
        found = data.get("moduleHashes")
        if not isinstance(found, list):
            raise ServiceFailed(f"{_SERVICE} did not list its modules", place=self.url)
        return tuple(sorted((each["path"], each["environment"] or "isolate", each["hash"]) for each in found))

    def holds_functions(self) -> bool:
        """Whether anything is live besides what every push brings: the definition, a schema, shared code."""
        return any(
            path not in _WITHOUT_FUNCTIONS and not path.startswith("_deps/") for path, _, _ in self.module_hashes()
        )

    def modules_digest(self) -> str:
        """One digest over all live modules; of nothing if nothing was pushed."""
        return hashlib.sha256(repr(self.module_hashes()).encode()).hexdigest()

    def run(self, function: str) -> None:
        """Run a function without arguments, an internal one too; never twice, since nobody knows what it does."""
        answer = self.http.request(
            "POST",
            f"{self.url}/api/function",
            service=_SERVICE,
            headers=self._headers,
            data={"path": function, "format": "json", "args": {}},
            accept={_FUNCTION_FAILED},
            repeatable=False,
        ).json()
        if not isinstance(answer, dict) or answer.get("status") != "success":
            said = str(answer.get("errorMessage") or "") if isinstance(answer, dict) else ""
            raise StepFailed(
                f"the function `{function}` failed",
                place=self.url,
                hint="mend it, push again; it runs again on the next deploy",
                details=said.splitlines()[:5],
            )

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Convex {self.key}"}

    def _get(self, path: str) -> dict[str, object]:
        data = self.http.request("GET", f"{self.url}{path}", service=_SERVICE, headers=self._headers).json()
        if not isinstance(data, dict):
            raise ServiceFailed(f"{_SERVICE} did not answer with an object", place=f"{self.url}{path}")
        return data
