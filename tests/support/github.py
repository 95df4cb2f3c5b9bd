"""A repository on GitHub in memory behind a loopback server, as far as the deployer asks it; and shapes of answers.

It is small on purpose: the sandbox's stand-in is the strict one. A test changes its fields as people in a browser do.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deployer.adapters.github import GitHub
from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor

REPOSITORY = "acme/shop"
BOT = "github-actions[bot]"
NOW = "Wed, 25 Nov 2026 12:00:00 GMT"
TOKEN = "ghs_canary-token-of-a-job"


def pull_data(number: int, **more: Any) -> dict[str, Any]:
    """A pull request of our own repository as `GET /pulls` tells it."""
    return {
        "number": number,
        "state": "open",
        "merged_at": None,
        "draft": False,
        "title": f"change {number}",
        "user": {"login": "octocat"},
        "html_url": f"https://github.com/{REPOSITORY}/pull/{number}",
        "updated_at": "2026-11-25T10:00:00Z",
        "labels": [],
        "head": {"sha": f"{number:040x}", "ref": f"topic-{number}", "repo": {"full_name": REPOSITORY}},
        "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        **more,
    }


def run_data(number: int, **more: Any) -> dict[str, Any]:
    """A run that ended at 11:50, ten minutes before `NOW`."""
    return {
        "id": number,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "cancelled",
        "event": "push",
        "head_sha": "a" * 40,
        "html_url": f"https://github.com/{REPOSITORY}/actions/runs/{number}",
        "created_at": "2026-11-25T11:00:00Z",
        "updated_at": "2026-11-25T11:50:00Z",
        "actor": {"login": "octocat"},
        "repository": {"full_name": REPOSITORY},
        **more,
    }


def review_data(login: str, *, environment: str = "production", state: str = "approved") -> dict[str, Any]:
    """What a person said at an environment."""
    return {"user": {"login": login}, "state": state, "comment": "", "environments": [{"name": environment}]}


@dataclass
class Repository:
    """What there is, by number; `refuse` answers a request before anything else, by "METHOD /path" as a pattern."""

    url: str = ""
    login: str | None = None
    visible: bool = True
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    deployment_statuses: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refuse: list[tuple[str, int, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def comment(self, body: str, *, by: str = BOT, on: int = 12) -> int:
        """Somebody writes one; its id."""
        number = max(self.comments, default=0) + 1
        url = f"https://github.com/{REPOSITORY}/pull/{on}#issuecomment-{number}"
        self.comments[number] = {"id": number, "user": {"login": by}, "body": body, "html_url": url, "on": on}
        return number

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Everything that was asked and changes something."""
        return [each for each in self.asked if each[0] != "GET"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], data: Any) -> tuple[int, Any]:
        """Status and body."""
        if path == "/user":
            return (
                (403, {"message": "Resource not accessible by integration"})
                if self.login is None
                else (
                    200,
                    {"login": self.login},
                )
            )
        below = path.removeprefix(f"/repos/{REPOSITORY}")
        if below == path or not self.visible:
            return 404, {"message": "Not Found"}
        return self._below(method, below, query, data)

    def _below(self, method: str, path: str, query: dict[str, list[str]], data: Any) -> tuple[int, Any]:
        absent = (404, {"message": "Not Found"})
        numbers = [int(each) for each in re.findall(r"\d+", path)]
        if path == "":
            return 200, {"full_name": REPOSITORY}
        if path == "/pulls":
            return 200, _page([each for each in self.pulls.values() if each["state"] == "open"], query)
        if re.fullmatch(r"/pulls/\d+", path):
            found = self.pulls.get(numbers[0])
            return (200, found) if found else absent
        if re.fullmatch(r"/issues/\d+/comments", path):
            if method == "POST":
                return 201, self.comments[self.comment(data["body"], by=self.login or BOT, on=numbers[0])]
            return 200, _page([each for each in self.comments.values() if each["on"] == numbers[0]], query)
        if re.fullmatch(r"/issues/comments/\d+", path):
            if numbers[0] not in self.comments:
                return absent
            if method == "DELETE":
                del self.comments[numbers[0]]
                return 204, None
            self.comments[numbers[0]]["body"] = data["body"]
            return 200, self.comments[numbers[0]]
        if path == "/deployments" and method == "POST":
            made = {"id": len(self.deployments) + 1, "sha": "c" * 40, **data}
            self.deployments.insert(0, made)
            return 201, made
        if path == "/deployments":
            return 200, _page([e for e in self.deployments if e["environment"] == query["environment"][0]], query)
        if path.endswith("/statuses"):
            ours = [each for each in self.deployment_statuses if each["deployment"] == numbers[0]]
            if method == "GET":
                return 200, ours[::-1]
            self.deployment_statuses.append({"deployment": numbers[0], **data})
            return 201, data
        if path.startswith("/statuses/"):
            self.statuses.append({"sha": path.rpartition("/")[2], **data})
            return 201, data
        if path.endswith("/approvals"):
            return 200, self.reviews.get(numbers[0], [])
        if "/attempts/" in path:
            found = self.attempts.get((numbers[0], numbers[1]))
            return (200, found) if found else absent
        found = self.runs.get(numbers[0]) if path.startswith("/actions/runs/") else None
        return (200, found) if found else absent

    def hub(self, *, attempts: int = 1, repository: str = REPOSITORY) -> GitHub:
        """A client with the token of a job."""
        return GitHub(Http(Redactor([TOKEN]), timeout=5.0, attempts=attempts), self.url, TOKEN, repository)


def _page(items: list[Any], query: dict[str, list[str]]) -> list[Any]:
    size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
    return items[(page - 1) * size : page * size]


@contextlib.contextmanager
def github() -> Iterator[Repository]:
    """Serve an empty repository until the block ends."""
    repository = Repository()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            repository.asked.append((self.command, self.path))
            headers: dict[str, str] = {}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                query, data = urllib.parse.parse_qs(parts.query), json.loads(body or b"null")
                for planned in repository.refuse:
                    if re.fullmatch(planned[0], f"{self.command} {parts.path}"):
                        _, status, answer, headers = planned
                        break
                else:
                    status, answer = repository.answer(self.command, parts.path, query, data)
            text = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response_only(status)
            for name, value in {"Date": NOW, "Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    repository.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield repository
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
