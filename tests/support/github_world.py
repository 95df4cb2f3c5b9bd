"""The GitHub stand-in as a plain HTTP client meets it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.sandbox import Running

REPOSITORY = "vibechecc/vibechecc"
SEED = {
    "schema": 1,
    "github": {
        "repository": REPOSITORY,
        "environments": [
            {"name": "production", "reviewers": ["mira", "noor"], "branches": ["main"], "prevent_self_review": True}
        ],
        "labels": ["preview"],
        "tokens": [
            {"env": "GITHUB_READ_TOKEN", "user": "github-actions[bot]", "permissions": {"pull-requests": "read"}},
            {"env": "GITHUB_MIRA_TOKEN", "user": "mira", "permissions": {"actions": "read", "deployments": "write"}},
        ],
    },
}


class Client:
    """Requests with one token; paths are below the repository unless they begin with the address."""

    def __init__(self, running: Running, *, variable: str = "GITHUB_TOKEN", token: str | None = None) -> None:
        self.url = running.environment["GITHUB_API_URL"]
        self._token = token or running.environment[variable]

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One request."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            **options.pop("headers", {}),
        }
        url = path if path.startswith("http") else f"{self.url}/repos/{REPOSITORY}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=30, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """POST."""
        return self.call("POST", path, {} if body is None else body, **options)

    def patch(self, path: str, body: Any) -> httpx.Response:
        """PATCH."""
        return self.call("PATCH", path, body)

    def put(self, path: str, body: Any) -> httpx.Response:
        """PUT."""
        return self.call("PUT", path, body)

    def delete(self, path: str) -> httpx.Response:
        """DELETE."""
        return self.call("DELETE", path)

    def world(self, path: str, body: Any) -> Any:
        """What a person or GitHub itself does (`/__sandbox/...`)."""
        answer = httpx.post(f"{self.url}/__sandbox/{path}", json=body, timeout=30)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()
