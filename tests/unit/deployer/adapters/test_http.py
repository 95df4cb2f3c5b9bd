"""HTTP: one typed error each, and repeats only where they are safe. Against a real server on loopback."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from deployer.adapters.http import Conflict, Http, NotFound
from deployer.adapters.redact import Redactor
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    Interrupted,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
)
from tests.support.loopback import Answer, loopback


def client(**more: object) -> Http:
    """A client that does not wait long."""
    return Http(Redactor(["canary-value"]), **({"timeout": 5.0} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (400, ServiceFailed),
        (503, ServiceFailed),
    ],
)
def test_each_status_is_one_class_of_error(status: int, kind: type[DeployError]) -> None:
    """With the service's own words, masked, and without the query."""
    body = {"errors": [{"code": 10000, "message": "no canary-value here"}]}
    with loopback(Answer(status, body)) as server, pytest.raises(kind) as caught:
        client(attempts=1).request("GET", f"{server.url}/path?token=canary-value", service="Cloudflare")
    assert type(caught.value) is kind
    assert caught.value.place == f"GET {server.url}/path"
    assert caught.value.details == ("Cloudflare said: no *** here (code 10000)",)


def test_a_status_that_the_caller_understands_is_an_answer() -> None:
    """404 often just means no."""
    with loopback(Answer(404, {})) as server:
        assert client().request("GET", server.url, service="x", accept={404}).status == 404


def test_a_server_error_is_repeated_for_what_changes_nothing() -> None:
    """The third attempt succeeds, and nobody hears of the first two."""
    with loopback(Answer(500), Answer(502), Answer(200, {"fine": True})) as server:
        assert client().request("GET", server.url, service="x").json() == {"fine": True}
        assert len(server.asked) == 3


def test_a_change_is_not_repeated_after_a_server_error() -> None:
    """It may have been carried out."""
    with loopback(Answer(500), Answer(200)) as server:
        with pytest.raises(ServiceFailed):
            client().request("POST", server.url, service="x", data={})
        assert len(server.asked) == 1


def test_a_change_whose_answer_was_lost_is_not_repeated() -> None:
    """Unless the caller says that twice is the same as once."""
    with loopback(Answer(drop=True), Answer(200, "ok")) as server:
        with pytest.raises(ServiceUnreachable, match="dropped the connection"):
            client().request("POST", server.url, service="x", data={})
        assert len(server.asked) == 1
    with loopback(Answer(drop=True), Answer(200, "ok")) as server:
        assert client().request("POST", server.url, service="x", data={}, repeatable=True).json() == "ok"


def test_a_refused_request_is_repeated_whatever_it_is() -> None:
    """429 says that nothing was done; Retry-After is kept to."""
    with loopback(Answer(429, headers={"Retry-After": "1"}), Answer(200, "ok")) as server:
        began = time.monotonic()
        assert client().request("POST", server.url, service="x", data={}).json() == "ok"
        assert time.monotonic() - began >= 1


def test_being_told_to_wait_for_long_is_an_error_that_says_so() -> None:
    """A run must not seem to hang."""
    with loopback(Answer(429, headers={"Retry-After": "3600"})) as server:
        with pytest.raises(RateLimited, match="asks to wait 3600 s"):
            client().request("GET", server.url, service="x")
        assert len(server.asked) == 1


def test_a_closed_port_is_unreachable() -> None:
    """And says so after a few attempts."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ServiceUnreachable, match="Convex refuses connections"):
        client(attempts=2).request("POST", f"http://127.0.0.1:{port}/", service="Convex", data={})


def test_silence_has_an_end() -> None:
    """The time limit is per request."""
    with loopback(Answer(delay=30)) as server, pytest.raises(ServiceUnreachable, match=r"within 0\.3 s"):
        client(attempts=1, timeout=0.3).request("GET", server.url, service="x")


def test_a_stopped_run_does_not_wait_for_the_next_attempt() -> None:
    """Ctrl-C during a pause ends the pause."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with loopback(Answer(429, headers={"Retry-After": "30"})) as server:
        began = time.monotonic()
        with pytest.raises(Interrupted):
            client(stop=stop).request("GET", server.url, service="x")
    assert time.monotonic() - began < 5


def test_a_body_that_is_no_json_is_the_services_failure() -> None:
    """A proxy's HTML page for example."""
    with loopback(Answer(200, b"<html>")) as server, pytest.raises(ServiceFailed, match="did not answer with JSON"):
        client().request("GET", server.url, service="x").json()


def test_a_proxy_is_taken_from_the_given_environment() -> None:
    """And left out for the hosts in NO_PROXY, and for this machine."""
    with loopback(Answer(200, "through the proxy")) as server:
        environment = {"HTTP_PROXY": server.url, "NO_PROXY": "internal.test"}
        http = client(environment=environment, attempts=1)
        assert http.request("GET", "http://api.test/x", service="x").json() == "through the proxy"
        assert server.asked[0].path == "http://api.test/x"
    with loopback(Answer(200, "direct")) as server:
        http = client(environment={"http_proxy": "http://127.0.0.1:9"}, attempts=1)
        assert http.request("GET", server.url, service="x").json() == "direct"
