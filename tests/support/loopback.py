"""A small HTTP server on loopback whose answers a test writes down beforehand; it remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer: `drop` cuts the connection instead, `delay` waits before it."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0.0


@dataclass
class Loopback:
    """`answers` are given one after the other, the last one for ever; `routes` answer for ever by "METHOD /path"."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    routes: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def next(self, method: str, path: str) -> Answer:
        """The answer whose turn it is; nothing planned is a 404 that says so."""
        for known in (f"{method} {path}", f"{method} {path.partition('?')[0]}"):
            if known in self.routes:
                return self.routes[known]
        if not self.answers:
            return Answer(404, {"message": f"nothing planned for {method} {path}"})
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def loopback(*answers: Answer, routes: dict[str, Answer] | None = None) -> Iterator[Loopback]:
    """Serve until the block ends."""
    plan = Loopback(answers=list(answers), routes=routes or {})
    gone = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            plan.asked.append(Asked(self.command, self.path, headers, self.rfile.read(length)))
            answer = plan.next(self.command, self.path)
            gone.wait(answer.delay)
            if answer.drop:
                self.close_connection = True
                self.connection.close()
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A dropped connection is planned."""

    server = Server(("127.0.0.1", 0), Handler)
    plan.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield plan
    finally:
        gone.set()
        server.shutdown()
        server.server_close()
        thread.join()
