"""The life of the development environment as a newcomer lives it: predict, deploy, look, deploy again, destroy, end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.e2e_clone import Clone, Ran
from tests.support.e2e_documents import REQUESTS, RUN, valid
from tests.support.e2e_world import World

NAME = "development"
HOST = "dev.vibechecc.app"
WORKER = "vibechecc-development"
STATE_BUCKET = "vibechecc-terraform-state"
# POSTs by which services are asked and not told anything; everything else that is sent by POST changes something.
READING_POSTS = {
    ("convex", "/api/deployment/url_for_key"),
    ("convex-deployment", "/api/get_config_hashes"),
    ("secretsmanager", "/?Action=secretsmanager.BatchGetSecretValue"),
    ("secretsmanager", "/?Action=secretsmanager.GetSecretValue"),
}


@pytest.fixture(scope="module")
def first(clone: Clone) -> tuple[Ran, Ran]:
    """What `--check` said of a fresh checkout, and the deploy that followed it."""
    return clone.deploy("dev", "--check"), clone.deploy("dev")


@pytest.fixture
def deployed(clone: Clone, first: tuple[Ran, Ran]) -> Ran:
    """The environment is there, whatever the tests before have done with it."""
    return clone.deploy("dev")


def test_a_fresh_checkout_is_deployed_as_predicted(clone: Clone, first: tuple[Ran, Ran]) -> None:
    """The first deploy does exactly what `--check` listed, proves it, and leaves the tree clean."""
    predicted, made = first
    assert valid(predicted.json, RUN)["outcome"] == "changes"
    document = valid(made.json, RUN)
    assert predicted.changes == made.changes
    assert (document["outcome"], document["recap"]["failed"], document["recap"]["skipped"]) == ("ok", 0, 0)
    assert document["environment"] == NAME
    assert {step["name"]: step["status"] for step in document["steps"]}["proof"] == "ok"
    assert clone.git("status", "--porcelain") == ""


def test_the_printed_address_is_the_only_output(clone: Clone, deployed: Ran) -> None:
    """Standard output of a plain deploy is the address of the site, which answers with data from Convex."""
    printed = clone.inv("deploy", "--env", "dev", "--sandbox").out
    url = printed.removesuffix("\n")
    assert url == deployed.json["url"]
    assert urllib.parse.urlsplit(url).hostname == f"{HOST}.localhost"


def test_the_page_works_in_a_browser(clone: Clone, deployed: Ran) -> None:
    """The application's own browser tests pass at the printed address, the one with two tabs among them."""
    ran = clone.run("npm", "--prefix", "example", "run", "e2e", BASE_URL=deployed.json["url"])
    passed = re.search(r"^\s*(\d+) passed", ran.out, re.MULTILINE)
    assert passed is not None
    assert int(passed.group(1)) >= 10
    assert re.search(r"✓ .*a vibe posted in one tab appears in another without a reload", ran.out)
    assert re.search(r"✓ .*the footer names the release that is deployed", ran.out)
    assert not re.search(r"\d+ (failed|flaky)", ran.out)


def test_the_live_host_names_its_release(clone: Clone, world: World, deployed: Ran) -> None:
    """The release document carries commit, environment and digest; Cloudflare's version is tagged with the same."""
    answer = world.get(HOST, "/release.json")
    document = answer.json()
    assert document["commit"] == clone.git("rev-parse", "HEAD")
    assert document["environment"] == NAME
    assert re.fullmatch(r"[0-9a-f]{64}", document["digest"])
    assert world.live_version(WORKER)["annotations"]["workers/tag"] == document["digest"]
    assert answer.headers["cache-control"] == "no-store"


def test_health_reaches_convex_through_the_edge(clone: Clone, world: World, deployed: Ran) -> None:
    """`/health` is well only while the deployment answers, and the proof fails a deploy whose health is not."""
    assert world.get(HOST, "/health").json()["convex"]["status"] == "ok"
    # The functions of the deployment, which only the Worker calls.
    fault = ("--service", "convex-deployment", "--path", "/api/query*", "--status", "500", "--count", "1000")
    clone.inv("sandbox.fault", *fault)
    try:
        assert world.get(HOST, "/health").status_code == 503
        ran = clone.deploy("dev", "--set", "limits.proof_seconds=2", ok=8)
    finally:
        clone.inv("sandbox.fault", "--clear")
    assert ran.json["error"]["reason"] == "unverified"
    assert "/health answers with status 503" in "\n".join(ran.json["error"]["details"])
    assert world.get(HOST, "/health").status_code == 200


def test_a_second_deploy_changes_nothing(clone: Clone, world: World, deployed: Ran) -> None:
    """Everything is ok, no Node program is started, nothing is written anywhere."""
    before = world.mutating()
    logs = _modified(clone.work(NAME) / "logs")
    again = clone.deploy("dev")
    assert valid(again.json, RUN)["recap"]["changed"] == 0
    assert again.changes == set()
    assert set(again.json["recap"]) == {"ok", "changed", "skipped", "failed"}
    assert again.started, "the programs that it starts are not seen any more"
    assert again.node_programs == []
    touched = {name for name, time in _modified(clone.work(NAME) / "logs").items() if logs.get(name) != time}
    assert touched == {"git.log", "terraform-hosts-plan.log", "terraform-site-plan.log"}
    assert world.mutating() == before
    assert world.requests("--unknown") == []


def test_check_after_a_reset_sends_nothing_that_changes_and_foretells_the_deploy(
    clone: Clone, world: World, deployed: Ran
) -> None:
    """After `sandbox.reset`, `--check --diff` only reads, and lists exactly what the deploy then does."""
    clone.inv("sandbox.reset")
    assert world.account.named("") == []
    before = _contents(clone.sandbox_home)
    predicted = clone.deploy("dev", "--check", "--diff")
    assert _contents(clone.sandbox_home) == before, "the stand-ins' own files differ"

    listed = valid(clone.inv("sandbox.requests", "--json").json, REQUESTS)["requests"]
    assert {each["service"] for each in listed} >= {"cloudflare", "convex", "secretsmanager", "s3"}
    assert [each for each in listed if each["mutating"]] == []
    posts = {(each["service"], each["path"]) for each in listed if each["method"] not in {"GET", "HEAD"}}
    assert posts <= READING_POSTS

    made = clone.deploy("dev")
    assert predicted.changes == made.changes
    assert {"worker", "terraform site", "terraform hosts", "convex functions"} <= made.changed_steps
    certain = [each.get("certain", True) for step in predicted.json["steps"] for each in step["changes"]]
    assert all(certain)
    assert clone.deploy("dev").recap["changed"] == 0


def test_destroy_leaves_nothing(clone: Clone, world: World, deployed: Ran) -> None:
    """No Worker, KV, bucket, domain, DNS record, state, variable or function; a second destroy has nothing to do."""
    _upload_a_picture(world)
    account, backend = world.account, world.backend(NAME)
    assert account.named(WORKER)
    assert HOST in account.hosts()
    assert HOST in world.dns_names("vibechecc.app")
    assert world.variables(backend)
    assert backend.hashes()

    predicted = clone.inv("destroy", "--env", "dev", "--sandbox", "--check", "--json")
    assert account.named(WORKER)
    gone = clone.inv("destroy", "--env", "dev", "--sandbox", "--yes", "--json")
    assert valid(gone.json, RUN)["outcome"] == "ok"
    assert predicted.changes == gone.changes

    assert account.named("") == [STATE_BUCKET]
    assert account.hosts() == {}
    assert not {name for name in world.dns_names("vibechecc.app") if HOST in name}
    # What was done stays known, in the ledger alone.
    assert {key.split("/")[0] for key in world.objects(STATE_BUCKET)} == {"ledger", "ledger-heads"}
    assert world.variables(backend) == {}
    # The definition that every push brings stays; no module with functions does.
    assert set(backend.hashes()) == {"convex.config.js"}
    assert world.get(HOST, "/").status_code == 530

    again = clone.inv("destroy", "--env", "dev", "--sandbox", "--yes", "--json")
    assert again.recap["changed"] == 0


def test_down_leaves_no_process_and_no_socket(clone: Clone, world: World, deployed: Ran) -> None:
    """`sandbox.down` ends every process, gives back every port and socket, and keeps the state for the next start."""
    addresses = [world.running.connection["control"], *world.running.connection["services"].values()]
    ports = {urllib.parse.urlsplit(address).port for address in addresses}
    assert len(list(_processes_of(clone.folder))) >= 4
    assert all(_listens(port) for port in ports)

    clone.inv("sandbox.down")
    assert list(_processes_of(clone.folder)) == []
    assert not any(_listens(port) for port in ports)
    assert [path for path in clone.folder.rglob("*") if path.is_socket()] == []
    assert not (clone.sandbox_home / "connection.json").exists()

    assert clone.deploy("dev").recap["changed"] == 0, "the state did not survive"


def _upload_a_picture(world: World) -> None:
    """Give a visitor of the page a picture, so that the application's bucket is not empty."""
    page = world.get(HOST, "/")
    address = re.search(r"/api/avatars/[a-z0-9]{20}", page.text)
    assert address is not None
    cookie = page.headers["set-cookie"].partition(";")[0]
    png = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
    headers = {"Cookie": cookie, "Content-Type": "image/png"}
    answer = world.send("PUT", HOST, address.group(), content=png, headers=headers)
    assert answer.status_code == 204, answer.text


def _modified(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def _contents(home: Path) -> dict[str, str]:
    """Digests of everything that the stand-ins keep, but for their logs."""
    kept = [path for path in home.rglob("*") if path.is_file() and path.parent.name not in {"requests", "logs"}]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def _processes_of(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Processes whose arguments or working folder lie below `folder`."""
    sought = str(folder)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if sought in " ".join([*words, str((entry / "cwd").readlink())]):
                yield int(entry.name), words


def _listens(port: Any) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
