"""Plugs the stand-in into the sandbox: seed, environment, persistence, coverage and the form of injected errors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping

from werkzeug.wrappers import Request

from sandbox.faults import Fault
from sandbox.github import callers, commits, environments, oidc, repository
from sandbox.github.answers import refusal_body
from sandbox.github.app import App, all_routes
from sandbox.github.call import Call, World
from sandbox.github.labels import label_names
from sandbox.github.signer import Signer
from sandbox.github.values import BOT, derived_sha, token_value
from sandbox.seed import GitHub as Wishes
from sandbox.seed import Reference, Seed
from sandbox.service import Context, Service
from sandbox.store import Snapshot
from sandbox.tables import Tables

TOKEN = Reference(env="GITHUB_TOKEN")
REQUEST_TOKEN = Reference(env="ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
PRIMARY, SECONDARY = "rate_limit", "secondary_rate_limit"
_MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    422: "Validation Failed",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    503: "Service unavailable",
}


class GitHubService(Service):
    """Port `github`: the REST API, and the OIDC issuer."""

    name = "github"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._state = Tables(Snapshot(context.folder / "state.json"))
        url = context.url(self.name)
        self._world = World(self._state, url, lambda: self._token(REQUEST_TOKEN), Signer(context.folder))
        self._app = App(self._world)
        self.app = self._app

    def apply_seed(self, seed: Seed) -> None:
        """The repository, its environments and tokens; what somebody changed since stays."""
        wishes = seed.github
        with self._state.transaction():
            call = Call(self._world, Request({}))
            self._ensure_repository(call, wishes)
            for environment in wishes.environments:
                if self._state.get("environments", "-", environment.name.lower()) is None:
                    wish = {
                        "reviewers": list(environment.reviewers),
                        "prevent_self_review": environment.prevent_self_review,
                        "wait_timer": environment.wait_timer,
                        "branches": list(environment.branches),
                    }
                    environments.configure(call, environment.name, wish)
            label_names(call, list(wishes.labels))
            everything = callers.normal(wishes.permissions) if wishes.permissions else callers.EVERYTHING
            callers.remember(self._state, self._token(TOKEN), BOT, everything)
            for token in wishes.tokens:
                value = self._token(Reference(env=token.env))
                callers.remember(self._state, value, token.user, callers.normal(token.permissions))
        self._state.flush()

    def flush(self) -> None:
        """Write the state."""
        self._state.flush()

    def reset(self) -> None:
        """Forget the state; the issuer's key stays."""
        self._state.clear()
        self._app.limit.clear()

    def close(self) -> None:
        """State is on disk after every request."""
        self._state.flush()

    def environment(self) -> Mapping[str, str]:
        """What a job of GitHub Actions has, and what the deployer looks for."""
        url = self.context.url(self.name)
        found = self._state.get("repository", "-", "repository")
        return {
            "GITHUB_API_URL": url,
            "GITHUB_TOKEN": self._token(TOKEN),
            "GITHUB_REPOSITORY": str(found["full_name"]) if found else Wishes().repository,
            "ACTIONS_ID_TOKEN_REQUEST_URL": url + oidc.REQUEST_PATH + oidc.REQUEST_QUERY,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._token(REQUEST_TOKEN),
        }

    def coverage(self) -> Iterable[str]:
        """Every route."""
        return sorted(route.method + " " + _PARAMETER.sub(r"{\1}", route.full_path) for route in all_routes())

    def fault_body(self, fault: Fault) -> tuple[str, bytes]:
        """An injected error in GitHub's form."""
        status = fault.status or 500
        message = fault.message or _MESSAGES.get(status, "Server Error")
        if fault.code == PRIMARY and not fault.message:
            message = "API rate limit exceeded for installation."
        elif not fault.message and (fault.code == SECONDARY or (status == 403 and fault.retry_after_ms is not None)):
            message = _MESSAGES[429]
        return "application/json; charset=utf-8", refusal_body(status, message)

    def fault_headers(self, fault: Fault) -> Mapping[str, str]:
        """A primary rate limit says when it ends by headers of its own; the secondary one by `Retry-After`."""
        if fault.code != PRIMARY:
            return {}
        reset = int(time.time()) + -(-(fault.retry_after_ms or 0) // 1000)
        return {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-used": "5000",
            "x-ratelimit-reset": str(reset),
            "x-ratelimit-resource": "core",
        }

    def _token(self, reference: Reference) -> str:
        """The value behind a variable, made up in GitHub's form the first time."""
        known = self.context.vault.value(reference)
        if known is None:
            known = token_value()
            self.context.vault.assign(reference, known)
        return known

    def _ensure_repository(self, call: Call, wishes: Wishes) -> None:
        found = self._state.get("repository", "-", "repository")
        if found is None or found["full_name"] != wishes.repository:
            fresh = repository.new(wishes.repository, wishes.default_branch, call.time)
            self._state.put("repository", "-", "repository", {**(found or {}), **fresh})
        else:
            self._state.put("repository", "-", "repository", {**found, "default_branch": wishes.default_branch})
        if commits.resolve(call, wishes.default_branch) is None:
            commits.set_branch(call, wishes.default_branch, derived_sha("branch", wishes.default_branch))


def create(context: Context) -> Service:
    """The service, as the core asks for it."""
    return GitHubService(context)
