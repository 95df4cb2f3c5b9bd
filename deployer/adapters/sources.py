"""Which files make up an application, and one digest over them.

Inside git those are the tracked files and the new ones that nobody ignores; elsewhere the folder is walked without what
is never a source. Only paths and contents count, so that the digest is the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from deployer.adapters.files import digest_of, file_digest
from deployer.adapters.once import once
from deployer.adapters.process import Command, Processes
from deployer.errors import ConfigError, ToolFailed, ToolMissing

# Never sources, whatever git thinks of them.
_NEVER = frozenset({
    ".git", "node_modules", ".work", ".sandbox", ".wrangler", ".tanstack", ".vinxi", ".output", ".nitro", ".turbo",
    ".vite", ".cache", ".venv", "__pycache__", ".DS_Store", "coverage", "test-results", "playwright-report",
})  # fmt: skip
_NEVER_PATTERNS = ("**/.env.local", "**/.env.*.local", "**/.dev.vars", "**/.dev.vars.*", "**/*.log")
_GIT_SECONDS = 60.0


@dataclass(frozen=True)
class Sources:
    """The files of `folder` that no pattern in `exclude` matches, by relative path."""

    folder: Path
    exclude: tuple[str, ...]
    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    log: Path

    @once
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each file, in order of path. Read once: a run looks at one state of the folder."""
        if not self.folder.is_dir():
            raise ConfigError(
                "the application's folder does not exist",
                place=str(self.folder),
                hint="`path` in table [app] of environments.toml says where it is",
            )
        excluded = pattern_of((*self.exclude, *_NEVER_PATTERNS))
        paths = self._from_git() or list(_walk(self.folder))
        return {
            path: file_digest(self.folder / path)
            for path in sorted(set(paths))
            if not excluded.fullmatch(path) and not _NEVER.intersection(PurePosixPath(path).parts)
            if (self.folder / path).is_file()
        }

    def digest(self, only: Iterable[str] | None = None) -> str:
        """One digest over all files, or over the paths in `only` that are there."""
        found = self.digests
        chosen = found if only is None else {path: found[path] for path in only if path in found}
        return digest_of(chosen)

    def _from_git(self) -> list[str]:
        argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        completed = self._git(argv)
        return [path for path in completed.split("\0") if path] if completed else []

    def commit(self) -> str | None:
        """The commit that is checked out there, with a `+` if the application differs from it."""
        commit = self.revision()
        if commit is None:
            return None
        changed = self._git(["git", "status", "--porcelain", "--", "."])
        return f"{commit}+" if changed else commit

    def revision(self) -> str | None:
        """The commit that is checked out; None outside git."""
        return (self._git(["git", "rev-parse", "HEAD"]) or "").strip() or None

    def resolved(self, name: str) -> str | None:
        """The commit that a name means (`HEAD~1`, a branch); None if there is none."""
        argv = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
        return (self._git(argv) or "").strip() or None

    def standing(self) -> tuple[str | None, bool]:
        """The commit that is checked out, and whether a file that git tracks differs from it; one question to git."""
        told = self._git(["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--", "."]) or ""
        commit = re.search(r"^# branch\.oid ([0-9a-f]{40,})$", told, re.MULTILINE)
        return commit[1] if commit else None, any(not line.startswith("#") for line in told.splitlines())

    def changed(self, base: str, *, head: str = "HEAD", apart: bool = True) -> tuple[str, ...] | None:
        """The files that differ between two commits; None if that cannot be told (one is not here, no git).

        `apart`: only what `head` brings since it left `base`, and not what happened there since.
        """
        range_ = f"{base}...{head}" if apart else f"{base}..{head}"
        told = self._git(["git", "diff", "--name-only", "--no-renames", "-z", "--end-of-options", range_, "--"])
        return None if told is None else tuple(path for path in told.split("\0") if path)

    def text_at(self, commit: str, path: str) -> str | None:
        """What a file says in a commit; None if it is not there."""
        return self._git(["git", "show", "--end-of-options", f"{commit}:{path}"])

    def author(self) -> str | None:
        """What git calls the person who works here."""
        return self.setting("user.email")

    def setting(self, name: str) -> str | None:
        """What git's configuration says; None if nothing."""
        return (self._git(["git", "config", name]) or "").strip() or None

    def _git(self, argv: list[str]) -> str | None:
        """Git's answer; None where there is no git, or no repository."""
        command = Command(
            argv=argv,
            title=" ".join(argv[:2]),
            cwd=self.folder,
            environment={**self.environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            log=self.log,
            timeout=_GIT_SECONDS,
            log_stdout=False,
        )
        try:
            return self.processes.run(command).stdout
        except (ToolFailed, ToolMissing):
            return None


def pattern_of(globs: Iterable[str]) -> re.Pattern[str]:
    """One expression for patterns like those of .gitignore: `*` stays within a folder, `**` does not."""
    return re.compile("|".join(_expression(glob) for glob in globs) or r"(?!)")


def _expression(glob: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./"))
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)


def _walk(folder: Path) -> Iterator[str]:
    stack = [folder]
    while stack:
        for entry in sorted(stack.pop().iterdir()):
            if entry.name in _NEVER:
                continue
            if entry.is_dir() and not entry.is_symlink():
                stack.append(entry)
            else:
                yield entry.relative_to(folder).as_posix()
