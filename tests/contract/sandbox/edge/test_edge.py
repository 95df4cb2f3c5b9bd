"""The edge as browsers and deploys meet it: what is published is what answers, by host name, on one steady port."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.edge.controller import Controller
from sandbox.process import descendants
from tests.support.sandbox import Running, running_sandbox

ONLY = ("edge", "s3")
HOST = "dev.vibechecc.app"

WORKER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/env") {
      const [origin, host] = ["origin", "host"].map((name) => request.headers.get(name));
      const { NAME: vars, TOKEN: secret, SETTINGS: json, VERSION: version } = env;
      return Response.json({ url: request.url, vars, secret, json, id: version?.id, origin, host });
    }
    if (url.pathname === "/echo") return new Response(await request.text(), { status: 201 });
    if (url.pathname === "/kv") {
      if (request.method === "PUT") await env.CACHE.put("k", await request.text());
      return new Response(await env.CACHE.get("k"));
    }
    if (url.pathname === "/r2") {
      if (request.method === "PUT") await env.UPLOADS.put("k", await request.text());
      return new Response((await (await env.UPLOADS.get("k"))?.text()) ?? "nothing");
    }
    if (url.pathname === "/redirect") return Response.redirect(url.origin + "/env", 302);
    if (url.pathname === "/throw") throw new Error("on purpose");
    if (url.pathname === "/socket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send("got " + data));
      return new Response(null, { status: 101, webSocket: client });
    }
    if (env.ASSETS && url.pathname.startsWith("/from-assets")) return env.ASSETS.fetch(new URL("/page.html", url));
    return new Response(env.NAME ?? "worker", { status: url.pathname === "/" ? 200 : 404 });
  },
  async scheduled(controller, env) { await env.CACHE?.put("k", "cron " + controller.cron); },
};
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The edge and S3."""
    with running_sandbox(tmp_path_factory.mktemp("edge"), only=ONLY) as running:
        yield running


@pytest.fixture
def edge(world: Running) -> Edge:
    """An edge without sites."""
    world.control("POST", "/reset")
    return Edge(world)


class Edge:
    """Publishes as the Cloudflare stand-in does, and asks as clients do."""

    def __init__(self, world: Running) -> None:
        self.world = world
        self.address = world.url("edge")
        self._controller = Controller(world.home, self.address)

    def publish(self, *sites: dict[str, Any]) -> None:
        """Serve these."""
        self._controller.publish(sites)

    def site(self, worker: str = "web", host: str = HOST, *, code: str = WORKER, **more: Any) -> dict[str, Any]:
        """A site with its module below the Cloudflare stand-in's folder."""
        path = self.world.home.folder("cloudflare") / f"{worker}-{len(code)}.js"
        path.write_text(code)
        return {
            "worker": worker,
            "hosts": [host],
            "routes": [],
            "version": "11111111-2222-3333-4444-555555555555",
            "modules": [{"name": "server/index.js", "type": "application/javascript+module", "path": path.name}],
            "main_module": "server/index.js",
            "assets_dir": None,
            "assets_config": {},
            "compatibility_date": "2026-11-01",
            "compatibility_flags": ["nodejs_compat"],
            "bindings": [],
            "crons": [],
            **more,
        }

    def assets(self, **files: str) -> str:
        """A folder of assets; `__` in a name stands for a dot."""
        folder = self.world.home.folder("cloudflare") / "assets"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        return "assets"

    def ask(self, path: str, *, method: str = "GET", host: str = HOST, **more: Any) -> httpx.Response:
        """By Host header, on the port."""
        headers = {"host": host, **more.pop("headers", {})}
        return httpx.request(method, self.address + path, headers=headers, timeout=10, **more)


STORES = [
    {"type": "kv_namespace", "name": "CACHE", "namespace_id": "0f2ac74b498b48028cb68387c421e279"},
    {"type": "r2_bucket", "name": "UPLOADS", "bucket_name": "app-uploads"},
]


def test_a_host_without_a_site_answers_like_cloudflare(edge: Edge) -> None:
    """An unknown host is 530; a known one whose routes do not match is 404."""
    assert edge.ask("/", host="nobody.example").status_code == 530
    edge.publish(edge.site(hosts=[], routes=[f"{HOST}/api/*"]))
    assert edge.ask("/").status_code == 404
    assert edge.ask("/api/").status_code == 404
    assert edge.ask("/api/").text == "worker"
    assert edge.ask("/", host="nobody.example").status_code == 530


def test_a_worker_sees_its_settings_and_its_public_name(edge: Edge) -> None:
    """Variables, secrets, JSON and version id arrive; the Worker sees https and its own host, not loopback."""
    bindings = [
        {"type": "plain_text", "name": "NAME", "text": "dev"},
        {"type": "secret_text", "name": "TOKEN", "text": "hidden"},
        {"type": "json", "name": "SETTINGS", "json": {"a": [1]}},
        {"type": "version_metadata", "name": "VERSION"},
    ]
    edge.publish(edge.site(bindings=bindings))
    seen = edge.ask("/env?q=1").json()
    assert seen == {
        "url": f"https://{HOST}/env?q=1",
        "vars": "dev",
        "secret": "hidden",
        "json": {"a": [1]},
        "id": "11111111-2222-3333-4444-555555555555",
        "origin": None,
        "host": HOST,
    }
    assert edge.ask("/echo", method="POST", content=b"x" * 200_000).text == "x" * 200_000


def test_the_localhost_name_leads_back_to_localhost(edge: Edge) -> None:
    """By `<host>.localhost:<port>` the Worker sees the public origin, and its redirects stay on loopback."""
    edge.publish(edge.site())
    port = edge.address.rsplit(":", 1)[1]
    local = f"{HOST}.localhost:{port}"
    seen = edge.ask("/env", host=local, headers={"origin": f"http://{local}"}).json()
    assert (seen["url"], seen["origin"]) == (f"https://{HOST}/env", f"https://{HOST}")
    assert edge.ask("/redirect", host=local).headers["location"] == f"http://{local}/env"
    assert edge.ask("/redirect").headers["location"] == f"https://{HOST}/env"


def test_assets_with_their_rules(edge: Edge) -> None:
    """Files are served before the Worker, with `_headers` and `_redirects`; the Worker reaches them by its binding."""
    folder = edge.assets(page__html="<p>page</p>", release__json='{"commit":"abc"}')
    config = {
        "html_handling": "auto-trailing-slash",
        "_headers": "/release.json\n  cache-control: no-store\n  x-own: 1\n",
        "_redirects": "/old /page 301\n",
    }
    edge.publish(edge.site(assets_dir=folder, assets_config=config, bindings=[{"type": "assets", "name": "ASSETS"}]))
    release = edge.ask("/release.json")
    assert release.json() == {"commit": "abc"}
    assert (release.headers["cache-control"], release.headers["x-own"]) == ("no-store", "1")
    assert edge.ask("/page").text == "<p>page</p>"
    moved = edge.ask("/old")
    assert (moved.status_code, moved.headers["location"]) == (301, "/page")
    assert edge.ask("/absent").text == "worker"
    assert edge.ask("/_headers").text == "worker"


def test_changed_assets_are_served_at_once(edge: Edge) -> None:
    """A new version with another folder replaces the old one's files."""
    for number in ("1", "2"):
        folder = edge.world.home.folder("cloudflare") / f"assets-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "release.json").write_text(number)
        edge.publish(edge.site(assets_dir=folder.name, version=number))
        assert edge.ask("/release.json").text == number


def test_stored_data_survives_updates_restarts_and_kills(edge: Edge) -> None:
    """KV and R2 contents are there after a new version, a restart of the sandbox, and kill -9 of the runtime."""
    edge.publish(edge.site(bindings=STORES))
    assert edge.ask("/kv", method="PUT", content=b"one").text == "one"
    assert edge.ask("/r2", method="PUT", content=b"two").text == "two"
    edge.publish(edge.site(bindings=[*STORES, {"type": "plain_text", "name": "NAME", "text": "v2"}]))
    assert edge.ask("/").text == "v2"
    assert (edge.ask("/kv").text, edge.ask("/r2").text) == ("one", "two")
    edge.world.restart(ONLY)
    assert (edge.ask("/kv").text, edge.ask("/r2").text) == ("one", "two")
    for pid in descendants(edge.world.connection["pid"]):
        if "workerd" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    assert (edge.ask("/kv").text, edge.ask("/r2").text) == ("one", "two")
    edge.world.control("POST", "/reset")
    edge.publish(edge.site(bindings=STORES))
    assert (edge.ask("/kv").text, edge.ask("/r2").text) == ("", "nothing")


def test_s3_and_workers_see_the_same_objects(edge: Edge) -> None:
    """What was put by S3 before and after a Worker bound the bucket is the Worker's too, and the other way round."""
    with closing(s3_client(edge.world)) as s3:
        s3.create_bucket(Bucket="app-uploads")
        s3.put_object(Bucket="app-uploads", Key="k", Body=b"before", Metadata={"who": "s3"})
        edge.publish(edge.site(bindings=STORES))
        assert s3.head_object(Bucket="app-uploads", Key="k")["Metadata"] == {"who": "s3"}
        assert edge.ask("/r2").text == "before"
        assert edge.ask("/r2", method="PUT", content=b"worker").text == "worker"
        assert [item["Size"] for item in s3.list_objects_v2(Bucket="app-uploads")["Contents"]] == [6]
        s3.put_object(Bucket="app-uploads", Key="a b/\u00fc?", Body=b"x")
        edge.publish()
        with pytest.raises(ClientError) as error:
            s3.delete_bucket(Bucket="app-uploads")
        assert error.value.response["Error"]["Code"] == "BucketNotEmpty"
        keys = [{"Key": item["Key"]} for item in s3.list_objects_v2(Bucket="app-uploads")["Contents"]]
        assert keys == [{"Key": "a b/\u00fc?"}, {"Key": "k"}]
        s3.delete_objects(Bucket="app-uploads", Delete={"Objects": keys})
        s3.delete_bucket(Bucket="app-uploads")
        with pytest.raises(ClientError) as error:
            s3.list_objects_v2(Bucket="app-uploads")
        assert error.value.response["Error"]["Code"] == "NoSuchBucket"


def s3_client(world: Running) -> Any:
    """Boto3 with R2's keys."""
    return boto3.client(
        "s3",
        endpoint_url=world.url("s3"),
        region_name="auto",
        aws_access_key_id=world.environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=world.environment["R2_SECRET_ACCESS_KEY"],
        config=Config(request_checksum_calculation="when_required", retries={"total_max_attempts": 1}),
    )


def test_no_request_fails_while_versions_change(edge: Edge) -> None:
    """Requests that run during updates wait instead of failing."""
    edge.publish(edge.site())
    failures: list[Any] = []
    ending = threading.Event()

    def ask() -> None:
        with httpx.Client(headers={"host": HOST}, timeout=10) as client:
            while not ending.is_set():
                try:
                    answer = client.post(edge.address + "/echo", content=b"x")
                except httpx.HTTPError as error:
                    failures.append(error)
                else:
                    if answer.status_code != 201:
                        failures.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5):
        edge.publish(edge.site(version=str(number)))
    ending.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_version_that_does_not_start_leaves_the_others_running(edge: Edge) -> None:
    """What it replaced goes on, others can still be updated, a mended one is taken; also after a restart."""
    broken = "throw new Error('broken at start');"

    def named(worker: str, name: str, code: str = WORKER) -> dict[str, Any]:
        binding = {"type": "plain_text", "name": "NAME", "text": name}
        return edge.site(worker, f"{worker}.example", code=code, bindings=[binding])

    def served() -> list[str]:
        return [edge.ask("/", host=f"{worker}.example").text.strip() for worker in ("one", "two")]

    edge.publish(named("one", "1"), named("two", "1"))
    edge.publish(named("one", "2", broken), named("two", "1"))
    assert served() == ["1", "1"]
    edge.publish(named("one", "2", broken), named("two", "2"))
    assert served() == ["1", "2"]
    edge.world.restart(ONLY)
    assert served() == ["error code: 1016", "2"]
    edge.publish(named("one", "3"), named("two", "2"))
    assert served() == ["3", "2"]
    assert "broken at start" in (edge.world.home.root / "logs" / "edge.log").read_text()


def test_most_specific_route_wins(edge: Edge) -> None:
    """A route is preferred to the custom domain of the same host, as at Cloudflare."""
    name = [{"type": "plain_text", "name": "NAME", "text": "api"}]
    edge.publish(edge.site("web"), edge.site("api", hosts=[], routes=[f"{HOST}/api/*"], bindings=name))
    assert (edge.ask("/").text, edge.ask("/api/x").text) == ("worker", "api")


def test_versions_share_traffic_by_weight(edge: Edge) -> None:
    """Two versions of one Worker both answer; a header chooses one, as at Cloudflare."""
    versions = [
        edge.site(version=f"v{n}", weight=50, bindings=[{"type": "plain_text", "name": "NAME", "text": f"v{n}"}])
        for n in (1, 2)
    ]
    edge.publish(*versions)
    assert {edge.ask("/").text for _ in range(40)} == {"v1", "v2"}
    chosen = {"Cloudflare-Workers-Version-Overrides": 'web="v2"'}
    assert {edge.ask("/", headers=chosen).text for _ in range(10)} == {"v2"}


def test_a_scheduled_handler_runs_on_request(edge: Edge) -> None:
    """The trigger endpoint runs the Worker's cron handler with the expression."""
    edge.publish(edge.site(bindings=STORES, crons=["*/5 * * * *"]))
    ran = httpx.post(f"{edge.address}/__sandbox/scheduled", params={"worker": "web", "cron": "*/5 * * * *"})
    assert (ran.status_code, ran.json()["outcome"]) == (200, "ok")
    assert edge.ask("/kv").text == "cron */5 * * * *"


def test_the_control_requests_are_not_a_sites_paths(edge: Edge) -> None:
    """Below a site's own host `/__sandbox/` belongs to the site."""
    edge.publish(edge.site())
    assert edge.ask("/__sandbox/runtime").text == "worker"


def test_an_uncaught_exception_is_cloudflares_1101(edge: Edge) -> None:
    """No stack trace leaves the edge; it is in the log."""
    edge.publish(edge.site())
    failed = edge.ask("/throw")
    assert (failed.status_code, failed.text.strip()) == (500, "error code: 1101")
    assert "on purpose" in (edge.world.home.root / "logs" / "edge.log").read_text()


def test_websockets_pass(edge: Edge) -> None:
    """A WebSocket reaches the Worker and its messages come back."""
    edge.publish(edge.site())
    with socket.create_connection(("127.0.0.1", int(edge.address.rsplit(":", 1)[1])), timeout=5) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 101")
        mask, text = b"\1\2\3\4", b"hello"
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
        connection.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        assert connection.recv(65536)[2:] == b"got hello"


def test_the_request_log_and_faults(edge: Edge) -> None:
    """Every request is logged with its status; faults refuse, delay, and cut connections."""
    edge.publish(edge.site())
    control = edge.world.control
    control("POST", "/faults", {"service": "edge", "path": "/env", "status": 503, "message": "busy"})
    refused = edge.ask("/env")
    assert (refused.status_code, refused.text.strip()) == (503, "busy")
    assert edge.ask("/env").status_code == 200
    control("POST", "/faults", {"service": "edge", "method": "POST", "drop": "before"})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        edge.ask("/echo", method="POST", content=b"x")
    control("POST", "/faults", {"service": "edge", "delay_ms": 200})
    began = time.monotonic()
    assert edge.ask("/env").status_code == 200
    assert time.monotonic() - began >= 0.2
    entries = [(entry["method"], entry["path"], entry["status"], entry["mutating"]) for entry in edge.world.requests()]
    assert entries == [
        ("GET", "/env", 503, False),
        ("GET", "/env", 200, False),
        ("POST", "/echo", 0, True),
        ("GET", "/env", 200, False),
    ]
    assert {entry["host"] for entry in edge.world.requests()} == {HOST}


def test_a_lost_answer_was_carried_out(edge: Edge) -> None:
    """`drop: after` loses the answer of a request that the Worker has carried out."""
    edge.publish(edge.site(bindings=STORES))
    edge.world.control("POST", "/faults", {"service": "edge", "drop": "after"})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        edge.ask("/kv", method="PUT", content=b"done")
    assert edge.ask("/kv").text == "done"
    assert json.loads(edge.world.home.faults.read_text()) == []
