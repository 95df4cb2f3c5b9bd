"""The application's folder: what changes its digests, and builds that do not get into each other's way."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from deployer.adapters.node import find_node, program_folder
from deployer.adapters.process import Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.sources import Sources
from deployer.errors import ToolFailed
from deployer.inventory.model import App
from deployer.steps.application import Application
from tests.support.rehearsal import copy_application

WISHES = {
    "path": "app",
    "install": ("npm", "ci"),
    "build": ("npm", "run", "build"),
    "main": "dist/server/index.js",
    "assets": "dist/client",
    "convex": "convex",
    "convex_url_variable": "VITE_CONVEX_URL",
    "health": "/health",
}


def application(folder: Path, work: Path, **changed: object) -> Application:
    """The smallest application on behalf of one environment."""
    processes = Processes(Redactor())
    environment = {"PATH": os.environ["PATH"], "HOME": str(work)}

    def programs() -> Path:
        return program_folder(find_node(environment, processes=processes, log=work / "node.log"), work / "bin")

    wishes = App.model_validate({**WISHES, **changed})
    return Application(
        wishes=wishes,
        folder=folder,
        sources=Sources(folder, wishes.exclude, processes, environment, work / "git.log"),
        processes=processes,
        environment=lambda: {**environment, "PATH": f"{programs()}:{environment['PATH']}"},
        programs=programs,
        build=work / "build",
        logs=work / "logs",
        lock=folder.parent / "lock",
        timeout=60,
    )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return copy_application(tmp_path / "app")


BUILD = {"VITE_CONVEX_URL": "https://one.convex.cloud"}


def test_the_digest_follows_what_decides_the_build(folder: Path, tmp_path: Path) -> None:
    """Sources, address and settings do; output, packages, generated files and logs do not."""

    def digest(environment: dict[str, str] = BUILD, **changed: object) -> str:
        return application(folder, tmp_path / "w", **changed).digest(environment)

    first = digest()
    for path in ("dist/client/x.js", "node_modules/x/index.js", "convex/_generated/api.js", "npm-debug.log"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("made")
        assert digest() == first, path
    assert digest({"VITE_CONVEX_URL": "https://two.convex.cloud"}) != first
    assert digest(build=("npm", "run", "other")) != first
    assert digest(exclude=("public/**",)) != first
    (folder / "public" / "new.html").write_text("new")
    assert digest() != first


def test_functions_have_a_digest_of_their_own(folder: Path, tmp_path: Path) -> None:
    """A page does not push functions; a function, what it imports, and the lock file do."""

    def digest() -> str:
        return application(folder, tmp_path / "w").functions_digest

    first = digest()
    (folder / "public" / "index.html").write_text("other page")
    assert digest() == first
    (folder / "shared.ts").write_text("export const pong = 'pong'")
    assert digest() == first
    text = (folder / "convex" / "health.ts").read_text()
    (folder / "convex" / "health.ts").write_text(f"import {{ pong }} from '../shared'\n{text}")
    second = digest()
    assert second != first
    (folder / "shared.ts").write_text("export const pong = 'pang'")
    third = digest()
    assert third not in {first, second}
    (folder / "package-lock.json").write_text('{"packages": {"": {}}, "more": 1}')
    assert digest() not in {first, second, third}


def test_a_build_is_kept_for_its_environment_and_used_again(folder: Path, tmp_path: Path) -> None:
    """With the release document never cached, and the environment's address in it."""
    one = application(folder, tmp_path / "one")
    assert not one.has_build("digest-1")
    said: list[str] = []
    one.run_build("digest-1", BUILD, said.append)
    assert one.has_build("digest-1")
    assert not one.has_build("digest-2")
    assert "https://one.convex.cloud" in (one.build / "dist/server/index.js").read_text()
    headers = (one.build / "dist/client/_headers").read_text()
    assert headers == "/release.json\n  Cache-Control: no-store\n"
    assert not (folder / "dist/client/_headers").exists(), "the application's folder is left alone"


def test_packages_that_this_run_installed_were_not_there(folder: Path, tmp_path: Path) -> None:
    """Whichever step installs them first; the next run finds them."""
    shutil.rmtree(folder / "node_modules")
    install = ("node", "-e", "fs.mkdirSync('node_modules')")
    one = application(folder, tmp_path / "one", install=install)
    assert not one.packages_installed()
    said: list[str] = []
    one.ensure_packages(said.append)
    one.ensure_packages(said.append)
    assert len(said) == 1
    assert not one.packages_installed()
    assert application(folder, tmp_path / "two", install=install).packages_installed()


def test_packages_of_an_installation_that_was_cut_off_are_not_there(folder: Path, tmp_path: Path) -> None:
    """Also if the lock file is again the one that was installed before it."""
    shutil.rmtree(folder / "node_modules")
    lock = folder / "package-lock.json"
    before = lock.read_text()
    makes = ("node", "-e", "fs.mkdirSync('node_modules', {recursive: true})")
    application(folder, tmp_path / "one", install=makes).ensure_packages(print)
    assert application(folder, tmp_path / "one", install=makes).packages_installed()
    lock.write_text('{"packages": {}, "more": 1}')
    with pytest.raises(ToolFailed):
        application(folder, tmp_path / "one", install=("node", "-e", "process.exit(1)")).ensure_packages(print)
    lock.write_text(before)
    assert not application(folder, tmp_path / "one", install=makes).packages_installed()


def test_two_environments_build_at_the_same_time_and_keep_their_own(folder: Path, tmp_path: Path) -> None:
    """They take turns in the folder."""
    applications = [application(folder, tmp_path / name) for name in ("one", "two")]
    threads = [
        threading.Thread(
            target=each.run_build,
            args=(name, {"VITE_CONVEX_URL": f"https://{name}.convex.cloud"}, lambda _text: None),
        )
        for each, name in zip(applications, ("one", "two"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each, name in zip(applications, ("one", "two"), strict=True):
        assert f"https://{name}.convex.cloud" in (each.build / "dist/server/index.js").read_text()


def test_a_build_that_was_cut_off_is_no_build(folder: Path, tmp_path: Path) -> None:
    """The stamp is written last, and taken away first."""
    one = application(folder, tmp_path / "one")
    one.run_build("digest-1", BUILD, lambda _text: None)
    (folder / "build.mjs").write_text("process.exit(1)")
    with pytest.raises(ToolFailed):
        application(folder, tmp_path / "one").run_build("digest-2", BUILD, lambda _text: None)
    assert not one.has_build("digest-1")
    assert not one.has_build("digest-2")


def test_what_the_inventory_expects_must_have_been_built(folder: Path, tmp_path: Path) -> None:
    """Otherwise the error names it and the key."""
    one = application(folder, tmp_path / "one", assets="dist/public")
    with pytest.raises(ToolFailed, match="did not make `dist/public`") as caught:
        one.run_build("digest-1", BUILD, lambda _text: None)
    assert "[app]" in (caught.value.hint or "")


def test_local_secrets_beside_a_build_are_not_kept(folder: Path, tmp_path: Path) -> None:
    """Cloudflare's build plugin copies `.dev.vars` next to the Worker."""
    script = folder / "build.mjs"
    script.write_text(script.read_text() + "\nwriteFileSync('dist/server/.dev.vars', 'SECRET=canary')\n")
    one = application(folder, tmp_path / "one")
    one.run_build("digest-1", BUILD, lambda _text: None)
    assert not list(one.build.rglob(".dev.vars*"))
