"""Which files count as an application's sources, and what follows from them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.adapters.imports import reached_files
from deployer.adapters.packages import installed, stamp
from deployer.adapters.process import Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.sources import Sources, pattern_of
from deployer.errors import ConfigError


def write(folder: Path, files: dict[str, str]) -> None:
    """Make files with their folders."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def sources(folder: Path, *exclude: str) -> Sources:
    """A fresh look at a folder."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return Sources(folder, exclude, Processes(Redactor()), environment, folder.parent / "git.log")


def git(folder: Path, *arguments: str) -> None:
    """Real git, with an author."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


FILES = {
    "package.json": "{}",
    "src/a.ts": "a",
    "src/deep/b.ts": "b",
    "README.md": "text",
    "e2e/x.spec.ts": "x",
    "node_modules/left/index.js": "n",
    ".env.local": "SECRET=1",
    "dist/client/a.js": "built",
}


def test_inside_git_tracked_and_new_files_count(tmp_path: Path) -> None:
    """Ignored and excluded ones do not, nor a tracked file that is gone."""
    app = tmp_path / "app"
    write(app, FILES | {".gitignore": "node_modules/\ndist/\n", "gone.ts": "x"})
    git(app, "init")
    git(app, "add", "-A")
    git(app, "commit", "-m", "all")
    (app / "gone.ts").unlink()
    write(app, {"new.ts": "new"})
    found = sources(app, "e2e/**", "**/*.md").digests
    assert sorted(found) == [".gitignore", "new.ts", "package.json", "src/a.ts", "src/deep/b.ts"]


def test_where_the_checkout_stands_is_told_in_one_answer(tmp_path: Path) -> None:
    """The commit, if there is one, and whether tracked files differ from it; new ones do not count."""
    app = tmp_path / "app"
    write(app, {"a.ts": "a"})
    assert sources(app).standing() == (None, False)
    git(app, "init")
    assert sources(app).standing() == (None, False)
    git(app, "add", "-A")
    git(app, "commit", "-m", "all")
    commit = sources(app).revision()
    assert commit is not None
    write(app, {"new.ts": "new"})
    assert sources(app).standing() == (commit, False)
    write(app, {"a.ts": "b"})
    assert sources(app).standing() == (commit, True)


def test_outside_git_the_folder_is_walked(tmp_path: Path) -> None:
    """Without what is never a source."""
    app = tmp_path / "app"
    write(app, FILES)
    assert sorted(sources(app, "e2e/**", "**/*.md").digests) == [
        "dist/client/a.js",
        "package.json",
        "src/a.ts",
        "src/deep/b.ts",
    ]


def test_the_digest_depends_on_content_and_paths_alone(tmp_path: Path) -> None:
    """Not on the folder, the time or the mode."""
    for name in ("one", "two"):
        write(tmp_path / name, FILES)
    (tmp_path / "two" / "src" / "a.ts").chmod(0o755)
    os.utime(tmp_path / "two" / "package.json", (1, 1))
    first = sources(tmp_path / "one").digest()
    assert sources(tmp_path / "two").digest() == first
    (tmp_path / "two" / "src" / "a.ts").write_text("changed")
    assert sources(tmp_path / "two").digest() != first
    (tmp_path / "two" / "src" / "a.ts").write_text("a")
    (tmp_path / "two" / "src" / "a.ts").rename(tmp_path / "two" / "src" / "c.ts")
    assert sources(tmp_path / "two").digest() != first


def test_a_folder_that_is_not_there_is_a_mistake_in_the_inventory(tmp_path: Path) -> None:
    """With the key to mend."""
    with pytest.raises(ConfigError, match="does not exist") as caught:
        _ = sources(tmp_path / "nowhere").digests
    assert "[app]" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("e2e/**", "e2e/a/b.ts", True),
        ("e2e/**", "src/e2e/a.ts", False),
        ("**/*.md", "README.md", True),
        ("**/*.md", "docs/deep/a.md", True),
        ("*.md", "docs/a.md", False),
        ("src/?.ts", "src/a.ts", True),
        ("src/?.ts", "src/ab.ts", False),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(pattern: str, path: str, wanted: bool) -> None:
    """`*` stays within a folder, `**` does not."""
    assert bool(pattern_of((pattern,)).fullmatch(path)) is wanted


def test_functions_count_with_what_they_import_from_outside(tmp_path: Path) -> None:
    """A relative import is followed through files and endings; packages are not."""
    write(
        tmp_path,
        {
            "convex/vibes.ts": 'import { v } from "convex/values";\nimport { name } from "../shared/names.js";',
            "shared/names.ts": 'export * from "./deep"',
            "shared/deep/index.ts": "export const name = 1",
            "src/page.tsx": "x",
        },
    )
    known = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.ts*")]
    assert reached_files(tmp_path, ["convex/vibes.ts"], known) == frozenset(
        {"convex/vibes.ts", "shared/names.ts", "shared/deep/index.ts"}
    )


def test_an_alias_cannot_be_followed_and_is_not_guessed(tmp_path: Path) -> None:
    """The caller then takes everything."""
    write(tmp_path, {"convex/a.ts": 'import { x } from "@/lib/x";'})
    assert reached_files(tmp_path, ["convex/a.ts"], ["convex/a.ts"]) is None


LOCK = '{"packages": {"": {}, "node_modules/a": {"version": "1.0.0", "integrity": "x"}, "node_modules/b": %s}}'


def test_packages_are_judged_by_what_npm_noted(tmp_path: Path) -> None:
    """Missing, other and cut-off installations are seen without npm; optional packages may be absent."""
    write(tmp_path, {"package-lock.json": LOCK % '{"version": "2.0.0", "optional": true}'})
    assert not installed(tmp_path)
    write(tmp_path, {"node_modules/a/package.json": "{}"})
    assert not installed(tmp_path), "no note: the installation was cut off"
    note = '{"packages": {"node_modules/a": {"version": "%s", "integrity": "x"}}}'
    write(tmp_path, {"node_modules/.package-lock.json": note % "1.0.0"})
    assert installed(tmp_path)
    write(tmp_path, {"node_modules/.package-lock.json": note % "0.9.0"})
    assert not installed(tmp_path)
    write(tmp_path, {"package-lock.json": LOCK % '{"version": "2.0.0"}'})
    write(tmp_path, {"node_modules/.package-lock.json": note % "1.0.0"})
    assert not installed(tmp_path), "b is not optional"


def test_other_package_managers_are_told_by_our_stamp(tmp_path: Path) -> None:
    """It lies among the packages, and counts for one state of the lock file."""
    write(tmp_path, {"pnpm-lock.yaml": "a: 1", "node_modules/a/package.json": "{}"})
    assert not installed(tmp_path)
    stamp(tmp_path)
    assert installed(tmp_path)
    write(tmp_path, {"pnpm-lock.yaml": "a: 2"})
    assert not installed(tmp_path)
