"""What the sandbox keeps in its home: documents, ports, secrets; and what it accepts as input."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sandbox import faults, process, requestlog, seed
from sandbox.errors import PortInUseError, SandboxError, UsageError
from sandbox.home import Home, try_lock, write_bytes
from sandbox.ports import Ports, require_free
from sandbox.seed import Reference
from sandbox.store import Snapshot
from sandbox.vault import Vault


def test_a_snapshot_is_written_when_it_changed(tmp_path: Path) -> None:
    """`flush` writes after `changed`, not otherwise, and the next process finds it."""
    snapshot = Snapshot(tmp_path / "state.json", lambda: {"zones": []})
    snapshot.flush()
    assert not (tmp_path / "state.json").exists()
    snapshot.data["zones"].append("a")
    snapshot.changed()
    snapshot.flush()
    assert Snapshot(tmp_path / "state.json").data == {"zones": ["a"]}
    snapshot.clear()
    assert Snapshot(tmp_path / "state.json").data == {"zones": []}


def test_files_are_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    """A failing write leaves the old file."""
    path = tmp_path / "file"
    write_bytes(path, b"old")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TypeError):
        write_bytes(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"


def test_ports_are_chosen_once(tmp_path: Path) -> None:
    """The same number for the same name in every later process; different names differ; 0 chooses anew."""
    ports = Ports(tmp_path / "ports.json")
    names = [f"deployment/{number}" for number in range(20)]
    chosen = {name: ports.get(name) for name in names}
    assert len(set(chosen.values())) == 20
    again = Ports(tmp_path / "ports.json")
    assert {name: again.get(name) for name in names} == chosen
    again.fix({"deployment/0": 0})
    assert again.get("deployment/0") != chosen["deployment/0"]
    again.forget("deployment/1")
    assert "deployment/1" not in Ports(tmp_path / "ports.json").known()


def test_a_port_in_use_names_its_holder() -> None:
    """The message has the number, the process that listens and the next command."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError) as error:
            require_free("edge", port)
    assert f"port {port}" in error.value.message
    assert f"process {os.getpid()} (" in error.value.message
    assert "--port edge=0" in error.value.hint


def test_facts_about_processes() -> None:
    """This process is alive, has memory and a start time; one that never was has none."""
    assert process.alive(os.getpid())
    assert process.resident_bytes(os.getpid()) > 2**20
    assert process.started(os.getpid()) == process.started(os.getpid()) != ""
    assert not process.alive(2**22 + 1)


def test_invented_secrets_are_kept(tmp_path: Path) -> None:
    """Random, different, the same in the next process; an assigned value is found behind its reference."""
    vault = Vault(tmp_path / "vault.json")
    token, aws = Reference(env="TOKEN"), Reference(aws="app/worker", key="SESSION")
    values = {vault.invent(token), vault.invent(aws), vault.invent(Reference(env="OTHER"))}
    assert len(values) == 3
    vault.assign(Reference(env="KEY"), "dev:name|secret")
    again = Vault(tmp_path / "vault.json")
    assert again.invent(token) == vault.value(token)
    assert again.document("app/worker") == {"SESSION": vault.value(aws)}
    assert again.environment()["KEY"] == "dev:name|secret"
    assert (tmp_path / "vault.json").stat().st_mode & 0o777 == 0o600


def test_the_lock_is_the_kernels(tmp_path: Path) -> None:
    """It can be held once, and is free as soon as its holder's descriptor is closed."""
    held = try_lock(tmp_path / "lock")
    assert held is not None
    assert try_lock(tmp_path / "lock") is None
    os.close(held)
    again = try_lock(tmp_path / "lock")
    assert again is not None
    os.close(again)


def test_a_socket_path_is_never_too_long(tmp_path: Path) -> None:
    """A home deep in the tree gets its sockets in the temporary folder, and they are removed with it."""
    deep = Home.at(tmp_path / ("x" * 120))
    path = deep.socket("provider")
    assert len(os.fsencode(path)) < 104
    path.touch()
    deep.remove_sockets()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["readable", "link"])
def test_a_folder_for_sockets_that_is_not_private_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The temporary folder is everybody's: what waits there under our name may be somebody else's trap."""
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    deep = Home.at(tmp_path / ("x" * 120))
    folder = deep.socket("provider").parent
    assert folder.parent == shared
    if kind == "readable":
        folder.chmod(0o755)
    else:
        folder.rename(shared / "elsewhere")
        folder.symlink_to(shared / "elsewhere")
    with pytest.raises(SandboxError, match="not a private folder"):
        deep.socket("provider")


SEED: dict[str, Any] = {
    "schema": 1,
    "account": {"id": "0" * 32, "name": "a"},
    "zones": ["a.example"],
    "secrets": [{"id": "s", "keys": ["K"]}],
    "environment": ["TOKEN"],
    "convex": {
        "team": "t",
        "project": "p",
        "deployments": [
            {"name": "d", "type": "dev", "deploy_key": {"env": "KEY"}},
            {"name": "e", "type": "prod", "deploy_key": {"aws": "s", "key": "K"}},
        ],
        "preview_keys": [{"env": "PREVIEW"}],
    },
}


def test_a_seed_is_parsed_once_into_frozen_values() -> None:
    """Every part arrives typed, with the digest of its text."""
    parsed = seed.parse(json.dumps(SEED))
    assert parsed.zones == ("a.example",)
    assert parsed.secrets == (seed.Secret("s", ("K",)),)
    assert [deployment.deploy_key for deployment in parsed.convex.deployments] == [
        Reference(env="KEY"), Reference(aws="s", key="K"),
    ]  # fmt: skip
    assert len(parsed.digest) == 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema other than 1"),
        ({"account": {"id": "short", "name": "a"}}, "seed.account.id"),
        ({"secrets": [{"keys": []}]}, "seed.secrets[0].id"),
        ({"convex": {"team": "t"}}, "seed.convex.project"),
        ({"convex": {"team": "t", "project": "p", "preview_keys": [{"aws": "x"}]}}, "seed.convex.preview_keys[0].key"),
    ],
)
def test_a_wrong_seed_names_the_key(change: dict[str, Any], said: str) -> None:
    """The error has the path of what is wrong."""
    with pytest.raises(UsageError, match="seed") as error:
        seed.parse(json.dumps({**SEED, **change}))
    assert said in error.value.message


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"service": "cloudflar", "status": 500}, "no service `cloudflar`"),
        ({"service": "s3"}, "does nothing"),
        ({"service": "s3", "status": 200}, "between 400 and 599"),
        ({"service": "s3", "drop": "later"}, "`drop`"),
        ({"service": "s3", "status": 500, "times": 2}, "no field `times`"),
        ({"service": "s3", "status": 500, "count": "2"}, "`count`"),
    ],
)
def test_a_wrong_fault_names_the_field(raw: dict[str, Any], said: str) -> None:
    """Nothing is armed that would not do what was meant."""
    with pytest.raises(UsageError) as error:
        faults.parse(raw, 1)
    assert said in error.value.message


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("/accounts/*/workers/scripts/web", "/accounts/1/workers/scripts/web?x=1", True),
        ("/accounts/*", "/accounts/1/workers", True),
        ("*?excludeScript=*", "/x?excludeScript=true", True),
        ("/zones", "/zones/1", False),
    ],
)
def test_globs_of_faults(glob: str, path: str, fits: bool) -> None:
    """`*` crosses slashes; a glob without a query fits paths with one."""
    assert (
        faults.parse({"service": "cloudflare", "path": glob, "status": 500}, 1).fits("cloudflare", "GET", path) is fits
    )


def test_faults_are_taken_in_order_and_published(tmp_path: Path) -> None:
    """The first that fits is used up first; the file that other processes read follows every change."""
    home = Home.at(tmp_path)
    armed = faults.Faults(home)
    armed.add({"service": "edge", "status": 500, "count": 1})
    armed.add({"service": "edge", "status": 503, "count": 2})
    statuses = [fault.status if (fault := armed.take("edge", "GET", "/")) else None for _ in range(4)]
    assert statuses == [500, 503, 503, None]
    assert json.loads(home.faults.read_text()) == []


def test_logs_of_several_processes_are_merged(tmp_path: Path) -> None:
    """Oldest first, a half-written last line left out; clearing keeps the files for those who hold them open."""
    home = Home.at(tmp_path)
    home.request_log("edge").write_text('{"time":"2026-01-01T00:00:02.000000Z","unknown":false}\n{"time":"20')
    log = requestlog.RequestLog(home.request_log("core"))
    log.write(requestlog.Entry("2026-01-01T00:00:01.000000Z", "s3", "GET", "/", 200, "", False, False))
    assert [entry["time"][18] for entry in requestlog.read(home)] == ["1", "2"]
    requestlog.clear(home)
    log.write(requestlog.Entry("2026-01-01T00:00:03.000000Z", "s3", "GET", "/", 200, "", False, False))
    log.close()
    assert [entry["time"][18] for entry in requestlog.read(home)] == ["3"]


def test_presigned_addresses_are_masked() -> None:
    """What grants access does not reach the log; the rest of the address does."""
    path = "/b/k?X-Amz-Algorithm=A&X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=ff&list-type=2&adminKey=k"
    masked = "/b/k?X-Amz-Algorithm=A&X-Amz-Credential=***&X-Amz-Signature=***&list-type=2&adminKey=***"
    assert requestlog.redact(path) == masked
