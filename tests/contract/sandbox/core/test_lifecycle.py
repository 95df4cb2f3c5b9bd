"""Up, down, status and reset of a whole sandbox, whatever is killed in between. These tests run the command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import lifecycle
from sandbox.home import Home
from sandbox.process import alive, descendants
from tests.support.terraform import REPOSITORY
from tests.support.waiting import wait_for

SEED = {
    "schema": 1,
    "account": {"id": "023e105f4ecef8ad9ca31a8372d0c353", "name": "vibechecc"},
    "zones": ["vibechecc.app"],
    "secrets": [{"id": "vibechecc/development/worker", "keys": ["SESSION_SECRET"]}],
    "environment": ["SOME_TOKEN"],
}
LARGEST_RESIDENT = 900 * 2**20


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home, ended afterwards."""
    path = tmp_path / "home"
    yield path
    lifecycle.down(Home.at(path))


def start(home: Path, *verb: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """One call of the command line."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *verb, "--home", str(home)],
        cwd=REPOSITORY,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )


def up(home: Path) -> dict[str, Any]:
    """Started with the seed; the printed connection."""
    done = start(home, "up", "--seed", "-", "--json", text=json.dumps(SEED))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def family(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *descendants(pid)]


def test_up_is_small_and_private(home: Path) -> None:
    """Every service is on loopback, within the memory limit, in a home that only its owner reads."""
    connection = up(home)
    assert connection["schema"] == 1
    assert json.loads((home / "connection.json").read_text()) == connection
    for url in connection["services"].values():
        assert url.startswith("http://127.0.0.1:")
    assert connection["environment"]["SOME_TOKEN"]
    assert home.stat().st_mode & 0o777 == 0o700
    readable = [
        path for path in home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077 and path.suffix == ".json"
    ]
    assert readable == []
    status = json.loads(start(home, "status", "--json").stdout)
    assert {service["name"] for service in status["services"]} >= {"s3", "secretsmanager", "edge"}
    assert status["resident_bytes"] < LARGEST_RESIDENT
    assert sum(process["resident_bytes"] for process in status["processes"]) == status["resident_bytes"]


def test_up_again_changes_nothing(home: Path) -> None:
    """A second `up` finds the first: same process, same ports, same secrets, and says so quickly."""
    first = up(home)
    assert up(home) == first


def test_two_at_once_end_with_one(home: Path) -> None:
    """Two `up` at the same time both succeed and give the same sandbox."""
    argv = [sys.executable, "-m", "sandbox", "up", "--json", "--home", str(home)]
    both = [subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert json.loads(answers[0])["pid"] == json.loads(answers[1])["pid"]


def test_down_leaves_no_process_and_no_socket(home: Path) -> None:
    """After `down` nothing of the sandbox runs or listens, and a second `down` is content."""
    connection = up(home)
    httpx.get(connection["services"]["edge"])
    pids = family(connection["pid"])
    assert len(pids) > 1
    assert start(home, "down").returncode == 0
    assert [pid for pid in pids if alive(pid)] == []
    assert list(home.rglob("*.sock")) == []
    assert not (home / "connection.json").exists()
    for url in [connection["control"], *connection["services"].values()]:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    again = start(home, "down")
    assert (again.returncode, again.stdout.strip()) == (0, "no sandbox was running")


def test_a_killed_supervisor_takes_everything_along_and_up_recovers(home: Path) -> None:
    """After kill -9 no process is left; the next `up` has the same ports, secrets and state."""
    before = up(home)
    httpx.get(before["services"]["edge"])  # so that workerd is among the processes
    pids = family(before["pid"])
    assert any("workerd" in Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)
    put_secret(before, "vibechecc/kept", "value")
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: not any(map(alive, pids)))
    status = start(home, "status")
    assert status.returncode == 9
    assert "does not answer" in status.stderr
    after = up(home)
    assert after["pid"] != before["pid"]
    assert after["services"] == before["services"]
    kept = [name for name in before["environment"] if name != "TF_REATTACH_PROVIDERS"]
    assert {name: after["environment"][name] for name in kept} == {name: before["environment"][name] for name in kept}
    assert "vibechecc/kept" in secret_names(after)


def test_down_clears_up_after_a_killed_supervisor(home: Path) -> None:
    """`down` after kill -9 removes the stale files."""
    connection = up(home)
    os.kill(connection["pid"], signal.SIGKILL)
    assert start(home, "down").returncode == 0
    assert not (home / "connection.json").exists()
    assert "no sandbox runs" in start(home, "status").stderr


@pytest.mark.parametrize("wait", [True, False], ids=["later", "at once"])
def test_a_moved_home_ends_its_sandbox_and_up_starts_it_there(home: Path, tmp_path: Path, wait: bool) -> None:
    """It ends by itself and writes nothing at the old path; `up` in the new place has a new one with the old state."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    before = up(checkout / "home")
    put_secret(before, "vibechecc/kept", "value")
    pids = family(before["pid"])
    checkout.rename(tmp_path / "moved")
    (tmp_path / "moved" / "home").rename(home)
    with contextlib.suppress(httpx.ConnectError):  # at once, whether it has noticed by itself or not
        assert httpx.get(f"{before['control']}/health").status_code == 503
    if wait:
        wait_for(lambda: not any(map(alive, pids)))
    after = up(home)
    assert not any(map(alive, pids))
    assert not checkout.exists()
    assert after["pid"] != before["pid"]
    assert after["services"] == before["services"]
    assert "vibechecc/kept" in secret_names(after)
    put_secret(after, "vibechecc/new", "value")
    assert up(home) == after


@pytest.mark.parametrize("name", ["edge", "provider", "convex"])
def test_a_killed_part_comes_back(home: Path, name: str) -> None:
    """A process of the sandbox that is killed is started again, with nothing of the old one left."""
    connection = up(home)
    httpx.get(connection["services"]["edge"])
    status = json.loads(start(home, "status", "--json").stdout)
    found = [process["pid"] for process in status["processes"] if process["name"] == name]
    old = family(found[0])
    os.kill(found[0], signal.SIGKILL)
    wait_for(lambda: not any(map(alive, old)))

    def back() -> bool:
        now = json.loads(start(home, "status", "--json").stdout)
        return any(item["name"] == name and item["pid"] != found[0] and item["ready"] for item in now["processes"])

    wait_for(back)
    now = json.loads((home / "connection.json").read_text())
    assert now["services"] == connection["services"]
    attached = json.loads(now["environment"]["TF_REATTACH_PROVIDERS"])
    assert all(alive(provider["Pid"]) for provider in attached.values())
    assert httpx.get(now["services"]["edge"]).status_code == 530


def test_reset_forgets_state_and_requests_but_no_address(home: Path) -> None:
    """After `reset` only the seed is there; the request log and the faults are empty; ports and secrets stay."""
    before = up(home)
    put_secret(before, "vibechecc/mine", "value")
    assert start(home, "fault", "add", "--service", "s3", "--status", "500").returncode == 0
    assert start(home, "reset").returncode == 0
    assert json.loads(start(home, "requests", "--json").stdout) == {"requests": []}
    assert json.loads(start(home, "fault", "list", "--json").stdout) == {"faults": []}
    assert secret_names(before) == ["vibechecc/development/worker"]
    assert json.loads((home / "connection.json").read_text())["environment"] == before["environment"]


def test_coverage_lists_what_every_service_covers(home: Path) -> None:
    """One line per route, action or feature, by service; a request beyond them is refused and shows as unknown."""
    connection = up(home)
    covered = json.loads(start(home, "coverage", "--json").stdout)["coverage"]
    assert {name for name, lines in covered.items() if lines} >= {
        "cloudflare",
        "convex",
        "edge",
        "s3",
        "secretsmanager",
    }
    assert "GET /{bucket}?location" in covered["s3"]
    token = connection["environment"]["CLOUDFLARE_API_TOKEN"]
    url = f"{connection['services']['cloudflare']}/zones/x/spectrum/apps"
    assert httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code >= 400
    unknown = json.loads(start(home, "requests", "--unknown", "--json").stdout)["requests"]
    assert [entry["path"] for entry in unknown] == ["/client/v4/zones/x/spectrum/apps"]


def test_a_port_in_use_is_one_clear_error(home: Path) -> None:
    """The message has the port, its service, who holds it and the next command; nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = start(home, "up", "--port", f"edge={port}")
        assert failed.returncode == 9
        assert f"port {port} of `edge` is in use by process {os.getpid()}" in failed.stderr
        assert "`inv sandbox.up --port edge=0`" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert start(home, "down").stdout.strip() == "no sandbox was running"
        assert start(home, "up", "--port", "edge=0").returncode == 0


def test_a_fixed_port_is_used_and_kept(home: Path) -> None:
    """`--port` is obeyed, also by later starts without the flag; a running sandbox refuses to move."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert start(home, "up", "--port", f"s3={port}").returncode == 0
    moved = start(home, "up", "--port", "s3=1024")
    assert moved.returncode == 2
    assert "runs already" in moved.stderr
    start(home, "down")
    assert up(home)["services"]["s3"] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (("up", "--seed", "-"), "{", "the seed is not JSON"),
        (("up", "--seed", "-"), '{"schema": 1, "zones": "x"}', "seed.zones is not a list"),
        (("up", "--seed", "/nowhere/seed.json"), None, "the seed cannot be read"),
        (("up", "--port", "edge"), None, "is not NAME=NUMBER"),
        (("up", "--port", "egde=1"), None, "no port is called `egde`"),
        (("fault", "add"), None, "a fault needs `--service`"),
        (("fault", "add", "--service", "s3", "--status", "abc"), None, "--status: `abc` is not a whole number"),
        (("fault", "add", "--service", "s3", "--count=-1"), None, "--count: `-1` is not a whole number"),
    ],
)
def test_wrong_input_is_refused_before_anything_starts(
    home: Path, arguments: tuple[str, ...], text: str, said: str
) -> None:
    """Exit code 2, one message, no traceback, no process."""
    refused = start(home, *arguments, text=text)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (home / "connection.json").exists()


def aws(connection: dict[str, Any], action: str, body: dict[str, Any]) -> dict[str, Any]:
    """A signed-looking call of Secrets Manager, without an SDK's start-up time."""
    key = connection["environment"]["AWS_ACCESS_KEY_ID"]
    answer = httpx.post(
        connection["services"]["secretsmanager"],
        json=body,
        headers={
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"secretsmanager.{action}",
            "authorization": f"AWS4-HMAC-SHA256 Credential={key}/20261122/eu-central-1/secretsmanager/aws4_request",
        },
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def put_secret(connection: dict[str, Any], name: str, value: str) -> None:
    """Something to find again."""
    aws(connection, "CreateSecret", {"Name": name, "SecretString": value})


def secret_names(connection: dict[str, Any]) -> list[str]:
    """What is there."""
    return sorted(secret["Name"] for secret in aws(connection, "ListSecrets", {})["SecretList"])
