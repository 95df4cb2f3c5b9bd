"""The application in its folder: its sources, its packages, its build.

Several steps and several environments use one folder, so that whatever writes there takes turns; the build's output is
copied away at once, since the next environment's build would overwrite it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deployer.adapters import packages
from deployer.adapters.files import (
    digest_of,
    disk_errors,
    locked,
    make_folder,
    read_json,
    replace_folder,
    write_private,
)
from deployer.adapters.imports import reached_files
from deployer.adapters.node import argv_for
from deployer.adapters.once import once
from deployer.adapters.process import Command, Processes
from deployer.adapters.sources import Sources
from deployer.errors import ConfigError, ToolFailed
from deployer.inventory.model import App

RELEASE_DOCUMENT = "release.json"
_STAMP = "build.json"
# What decides how functions are compiled, beside the functions.
_FUNCTION_SETTINGS = ("package.json", *packages.LOCK_FILES, "convex.json", "tsconfig.json")


@dataclass(frozen=True, kw_only=True)
class Application:
    """The application on behalf of one environment. `build` is the environment's private copy of what was built."""

    wishes: App
    folder: Path
    sources: Sources
    processes: Processes
    # PATH with working `node` and `npm`, and no credential: a build runs other people's code.
    environment: Callable[[], Mapping[str, str]]
    programs: Callable[[], Path]
    build: Path
    logs: Path
    lock: Path
    timeout: float
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _installs: threading.Event = field(default_factory=threading.Event, repr=False)

    def require(self) -> None:
        """Refuse a folder that is not there, before anything is done."""
        parts = {
            "path": (self.folder, "the application's folder"),
            "convex": (self.folder / self.wishes.convex, "the folder of the Convex functions"),
        }
        for key, (folder, what) in parts.items():
            if not folder.is_dir():
                raise ConfigError(
                    f"{what} does not exist",
                    place=str(folder),
                    hint=f"set `{key}` in table [app] of environments.toml; nothing was touched",
                )

    @once
    def _generated(self) -> tuple[str, ...]:
        """Folders that tools write: they follow from the sources and must not count as such."""
        main, assets = PurePosixPath(self.wishes.main), PurePosixPath(self.wishes.assets)
        outputs = {str(main.parent), str(assets), f"{self.wishes.convex}/_generated"}
        return tuple(f"{path}/" for path in outputs if path != ".")

    def _is_source(self, path: str) -> bool:
        return not path.startswith(self._generated)

    def digest(self, build_environment: Mapping[str, str]) -> str:
        """Over everything that decides what a build makes."""
        settings = self.wishes.model_dump(mode="json", include={"build", "main", "assets"})
        return digest_of({"files": self._built_from, "settings": settings, "environment": dict(build_environment)})

    @once
    def _built_from(self) -> Mapping[str, str]:
        """The sources of a build with their digests; followed once, as several steps ask."""
        files = {path: digest for path, digest in self.sources.digests.items() if self._is_source(path)}
        # Functions run on Convex: they count only where the rest of the application imports them.
        rest = [path for path in files if not path.startswith(f"{self.wishes.convex}/")]
        reached = reached_files(self.folder, rest, files)
        if reached is not None:
            files = {path: digest for path, digest in files.items() if path in reached}
        return files

    @once
    def functions_digest(self) -> str:
        """Over everything that decides which Convex functions a push makes live."""
        known = [path for path in self.sources.digests if self._is_source(path)]
        functions = [path for path in known if path.startswith(f"{self.wishes.convex}/")]
        reached = reached_files(self.folder, functions, known)
        if reached is None:
            return self.sources.digest(known)
        return self.sources.digest({*reached, *_FUNCTION_SETTINGS})

    def commit(self) -> str | None:
        """The commit that is checked out."""
        return self.sources.commit()

    def packages_installed(self) -> bool:
        """Whether the packages were there as the lock file says before this run installed any.

        Several steps need packages and run side by side: what a run reports must not depend on which came first.
        """
        return not self._installs.is_set() and packages.installed(self.folder)

    def ensure_packages(self, say: Callable[[str], None]) -> None:
        """Install the packages unless they are there."""
        with self._turn, locked(self.lock, patience=self.timeout, what="building the application"):
            if not packages.installed(self.folder):
                self._installs.set()
                say(f"installing packages: {' '.join(self.wishes.install)}")
                packages.forget(self.folder)
                self._run(self.wishes.install, "install", {})
                packages.stamp(self.folder)

    def has_build(self, digest: str) -> bool:
        """Whether our copy of the output was built from exactly these inputs."""
        stamp = read_json(self.build / _STAMP)
        main = self.build / self.wishes.main
        return isinstance(stamp, dict) and stamp.get("digest") == digest and main.is_file()

    def run_build(self, digest: str, build_environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Build, and keep a copy of the output for this environment."""
        self.ensure_packages(say)
        with self._turn, locked(self.lock, patience=self.timeout, what="building the application"):
            say(" ".join(self.wishes.build))
            (self.build / _STAMP).unlink(missing_ok=True)
            self._run(self.wishes.build, "build", build_environment)
            self._take_output()
            write_private(self.build / _STAMP, f'{{"digest": "{digest}"}}\n')

    def run_tests(self, command: tuple[str, ...], extra: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Run the application's own tests against something that is deployed; what they print goes to `say`."""
        self.ensure_packages(say)
        self._run(command, "e2e", extra, on_line=say)

    def _take_output(self) -> None:
        main, assets = PurePosixPath(self.wishes.main), PurePosixPath(self.wishes.assets)
        for wanted, exists in ((main, (self.folder / main).is_file()), (assets, (self.folder / assets).is_dir())):
            if not exists:
                raise ToolFailed(
                    f"the build ended well and did not make `{wanted}`",
                    place=str(self.folder),
                    hint="`main` and `assets` in table [app] of environments.toml say what the build makes",
                )
        make_folder(self.build)
        for part in dict.fromkeys((main.parent, assets)):
            replace_folder(self.folder / part, self.build / part)
        with disk_errors(self.build):
            # Copies of local secrets that some build plugins put beside the Worker.
            for stray in self.build.rglob(".dev.vars*"):
                stray.unlink()
            shutil.rmtree(self.build / main.parent / ".vite", ignore_errors=True)
            self._never_cache_release_document(self.build / assets)

    def _never_cache_release_document(self, assets: Path) -> None:
        headers = assets / "_headers"
        text = headers.read_text(encoding="utf-8") if headers.is_file() else ""
        separator = "" if not text or text.endswith("\n") else "\n"
        headers.write_text(f"{text}{separator}/{RELEASE_DOCUMENT}\n  Cache-Control: no-store\n", encoding="utf-8")

    def _run(
        self,
        command: tuple[str, ...],
        what: str,
        extra: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.processes.run(
            Command(
                argv=argv_for(command, self.programs()),
                title=f"the application's {what} (`{' '.join(command)}`)",
                cwd=self.folder,
                environment={**self.environment(), **extra},
                log=self.logs / f"app-{what}.log",
                timeout=self.timeout,
                hint="mend what the lines above say; the whole output is in the log",
            ),
            on_line,
        )
