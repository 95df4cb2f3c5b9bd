"""Recordings of the official provider: serve the recorded answers, and judge what another provider makes of them.

A recording is one JSON document: steps that build on one another, each with a configuration, the commands that were
run, the exchanges with the API in order, and what Terraform made of it (exit codes, diagnostics, plan, state). Judged
here: every request in its order, with body, content type, kind of credentials and R2 headers; exit codes; diagnostics;
plans; states; outputs.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FOLDER = Path(__file__).parents[1] / "contract" / "recordings"
PREFIX = "/client/v4"
TOKEN = "dummy-token-dummy-token-dummy-token-0001"
CREDENTIALS = {
    "CLOUDFLARE_API_TOKEN": TOKEN,
    "CLOUDFLARE_API_KEY": "dummykeydummykeydummykeydummykeydummy1",
    "CLOUDFLARE_EMAIL": "someone@example.test",
}
Json = dict[str, Any]
# How one command is run in a folder: exit code, standard output and standard error.
Runner = Callable[[str, Path], tuple[int, str, str]]


def names() -> list[str]:
    """Every recorded case."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def load(name: str) -> Json:
    """One recording."""
    found: Json = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def environment(recording: Json, base_url: str) -> dict[str, str]:
    """What the provider had in its environment when the recording was made."""
    settings = {**CREDENTIALS, "CLOUDFLARE_BASE_URL": base_url}
    wanted = {*recording.get("environment", ()), "CLOUDFLARE_BASE_URL"}
    return {name: value for name, value in settings.items() if name in wanted}


# ------------------------------------------------------------------------------------------------------------ compare


def compare(wanted: Any, got: Any, place: str) -> list[str]:
    """Every difference between two JSON values, with its place; `true` is not 1, but 1 is 1.0."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = [f"{place}.{key}: {got.get(key, 'missing')!r}" for key in wanted.keys() ^ got.keys()]
        return found + [
            line for key in wanted.keys() & got.keys() for line in compare(wanted[key], got[key], f"{place}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [
            line for n, pair in enumerate(zip(wanted, got, strict=True)) for line in compare(*pair, f"{place}[{n}]")
        ]
    if wanted == got and isinstance(wanted, bool) == isinstance(got, bool):
        return []
    return [f"{place}: recorded {wanted!r}, got {got!r}"]


def _body(raw: bytes, content_type: str) -> Json:
    """A body in the form of the recordings."""
    if not raw:
        return {}
    if content_type.startswith("multipart/"):
        message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
        return {"parts": [_part(part) for part in message.get_payload()]}
    try:
        return {"json": json.loads(raw)}
    except ValueError:
        return {"text": raw.decode("utf-8", "replace")}


def _part(part: Any) -> Json:
    content = part.get_payload(decode=True)
    head: Json = {
        "name": part.get_param("name", header="content-disposition"),
        "filename": part.get_filename(),
        "content_type": part.get("content-type"),
    }
    try:
        return {**head, "text": content.decode()}
    except UnicodeDecodeError:
        return {**head, "base64": base64.b64encode(content).decode()}


def _readable(body: Json) -> Json:
    """A body with the JSON inside its parts parsed, so that the order of keys does not matter."""
    parts = body.get("parts")
    if parts is None:
        return body
    return {
        "parts": [
            {**part, "text": json.loads(part["text"])} if part["content_type"] == "application/json" else part
            for part in parts
        ]
    }


def _identity(request: Json) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    url = urlsplit(request["path"])
    return request["method"], url.path, tuple(sorted(parse_qsl(url.query, keep_blank_values=True)))


# -------------------------------------------------------------------------------------------------------------- serve


@dataclass
class Tape:
    """The exchanges of one step: what is still to come, and what went otherwise."""

    exchanges: list[Json]
    any_order: bool
    place: int = 0
    faults: list[str] = field(default_factory=list)
    left: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.left = set(range(len(self.exchanges)))

    def answer(self, request: Json) -> Json:
        """The recorded answer to a request; one that was not recorded gets a refusal that is not repeated."""
        label = f"{request['method']} {request['path']}"
        hits = [n for n in sorted(self.left) if _identity(self.exchanges[n]["request"]) == _identity(request)]
        if not hits:
            self.faults.append(f"{label}: not recorded")
            return {"status": 501, "headers": {"x-should-retry": "false"}, "text": f"nothing recorded for {label}"}
        same = [n for n in hits if self.exchanges[n]["request"].get("json") == request.get("json")]
        number = (same if same and self.any_order else hits)[0]
        self.left.remove(number)
        if number < self.place and not self.any_order:
            self.faults.append(f"{label}: out of order, recorded as number {number + 1}")
        self.place = max(self.place, number)
        self._judge(label, self.exchanges[number]["request"], request)
        answer: Json = self.exchanges[number]["response"]
        return answer

    def _judge(self, label: str, wanted: Json, got: Json) -> None:
        kinds = ("json", "parts", "text")
        left, right = (_readable({kind: side[kind] for kind in kinds if kind in side}) for side in (wanted, got))
        self.faults += compare(left, right, f"{label}: body")
        self.faults += compare(wanted.get("content_type"), got["content_type"], f"{label}: content type")
        left, right = (
            {name: value for name, value in side["headers"].items() if _is_judged(name) and value is not None}
            for side in (wanted, got)
        )
        self.faults += compare(left, right, f"{label}: headers")

    def missing(self) -> list[str]:
        """What was recorded and never asked for."""
        wanted = (self.exchanges[number]["request"] for number in sorted(self.left))
        return [f"{request['method']} {request['path']}: never sent" for request in wanted]


def _is_judged(header: str) -> bool:
    return header in {
        "accept",
        "authorization",
        "x-auth-email",
        "x-auth-key",
        "x-stainless-retry-count",
    } or header.startswith("cf-r2-")


class Player:
    """A server on loopback that plays one tape after the other."""

    def __init__(self) -> None:
        self.tape = Tape([], any_order=False)
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"player": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}{PREFIX}"

    def answer(self, request: Json) -> Json:
        """Answer from the tape that is in."""
        with self.lock:
            return self.tape.answer(request)


@contextmanager
def player() -> Iterator[Player]:
    """Run a server for one recording."""
    running = Player()
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        thread.join()
        running.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    player: Player

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.headers.get("content-type")
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["authorization"] = headers.get("authorization", "").split(" ")[0] or None  # type: ignore[assignment]
        if "x-auth-key" in headers:
            headers["x-auth-key"] = "present"
        answer = self.player.answer(
            {
                "method": self.command,
                "path": self.path.removeprefix(PREFIX),
                "content_type": re.sub("boundary=.*", "boundary={BOUNDARY}", kind) if kind else None,
                "headers": headers,
                **_body(raw, kind or ""),
            }
        )
        if answer.get("closed"):  # carried out, and then the connection broke
            self.close_connection = True
            self.connection.shutdown(2)
            return
        text = answer.get("text", "")
        if "json" in answer:
            text = json.dumps(answer["json"], separators=(",", ":"), ensure_ascii=False)
        self.send_response_only(answer["status"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        if answer["status"] != 204:
            self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls


# -------------------------------------------------------------------------------------------------------------- judge


def play(recording: Json, server: Player, folder: Path, run: Runner) -> dict[str, list[str]]:
    """Run every step in its folder; returns the faults of each step that has any."""
    faults = {
        step["name"]: _play_step(step, recording, server, folder / step["workdir"], run) for step in recording["steps"]
    }
    return {name: found for name, found in faults.items() if found}


def _play_step(step: Json, recording: Json, server: Player, folder: Path, run: Runner) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(step["config"])
    (folder / "p.tfplan").unlink(missing_ok=True)
    server.tape = Tape(step["exchanges"], any_order=recording.get("order") == "any")
    done = [run(command.replace("{BASE}", server.base), folder) for command in step["commands"]]
    faults = server.tape.faults + server.tape.missing()
    faults += compare(list(step["exit_codes"].values()), [code for code, _, _ in done], "exit codes")
    faults += _judge_diagnostics(step, done, server.base)
    plan = _show(run, folder, "p.tfplan") if (folder / "p.tfplan").exists() else {}
    changes = {change["address"]: change["change"] for change in plan.get("resource_changes", [])}
    faults += compare([change["address"] for change in step["plan"]], list(changes), "planned addresses")
    for change in step["plan"]:
        got = changes.get(change["address"], {})
        faults += compare(
            change["change"], {key: got.get(key) for key in change["change"]}, f"plan {change['address']}"
        )
    values = _show(run, folder, "").get("values", {})
    resources = values.get("root_module", {}).get("resources", [])
    left, right = ({each["address"]: each["values"] for each in side} for side in (step["state"], resources))
    faults += compare(left, right, "state")
    outputs = {name: output["value"] for name, output in values.get("outputs", {}).items()}
    return faults + compare(_plain(step.get("outputs") or {}), outputs, "outputs")


def _plain(outputs: Json) -> Json:
    return {
        name: each["value"] if isinstance(each, dict) and "value" in each else each for name, each in outputs.items()
    }


def _show(run: Runner, folder: Path, what: str) -> Json:
    _, out, _ = run(f"terraform show -json {what}".strip(), folder)
    found: Json = json.loads(out) if out.startswith("{") else {}
    return found


def _judge_diagnostics(step: Json, done: list[tuple[int, str, str]], base: str) -> list[str]:
    texts = [each["text"] for each in step["diagnostics"] if "text" in each]
    if texts:  # `terraform import` writes for people: the words count, not where its lines break
        said = _folded("".join(out + err for _, out, err in done), base)
        return [f"not said: {text}" for text in texts if "crashed" not in text and _folded(text, base) not in said]
    wanted = [{key: each[key] for key in ("severity", "summary", "detail")} for each in step["diagnostics"]]
    return compare(wanted, [each for _, out, _ in done for each in _said(out, base)], "diagnostics")


def _folded(text: str, base: str) -> str:
    plain = re.sub(r"\x1b\[[\d;]*m", "", text).replace(base, "{BASE}")
    return " ".join(re.sub(r"[│╷╵]", " ", plain).split())


def _said(output: str, base: str) -> list[Json]:
    documents = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    found = [document["diagnostic"] for document in documents if document.get("type") == "diagnostic"]
    return [
        {
            "severity": each["severity"],
            "summary": each["summary"],
            "detail": re.sub(
                r"[\w.-]+/(?=cloudflare/cloudflare\b)", "", each.get("detail", "").replace(base, "{BASE}")
            ),
        }
        for each in found
    ]
