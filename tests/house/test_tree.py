"""The rules that every file of the repository keeps."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
TEXT = {
    ".py",
    ".toml",
    ".md",
    ".j2",
    ".tf",
    ".hcl",
    ".ts",
    ".tsx",
    ".mjs",
    ".js",
    ".json",
    ".yaml",
    ".yml",
    ".sh",
    ".css",
}
LOCKS = {"package-lock.json", "all.lock", "runtime.lock", "go.lock", ".terraform.lock.hcl"}
# Recorded traffic and the provider's schema are data that others wrote down; they hold addresses of the real services.
DATA = ("tests/contract/recordings/", "sandbox/provider/data/")


def tracked() -> list[Path]:
    """Return the files that git tracks, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    """Return every tracked text that people wrote, with its contents."""
    chosen = [p for p in tracked() if p.suffix in TEXT or p.name in {"bootstrap", "run"}]
    chosen = [p for p in chosen if p.name not in LOCKS and not str(p).startswith(DATA)]
    return [(p, (ROOT / p).read_text()) for p in chosen]


def test_no_module_is_longer_than_the_limit() -> None:
    """A module has one subject, and 400 lines hold any of them."""
    long = {
        str(path): lines
        for path, text in texts()
        if path.suffix in {".py", ".mjs", ".ts", ".tsx", ".tf"} and (lines := text.count("\n")) > MAX_LINES
    }

    assert long == {}


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("absolute paths of somebody's machine", r"/(?:home|Users|root|work)/[\w.-]+/"),
        (
            "hosts of package registries",
            r"registry\.npmjs\.org|pypi\.org|files\.pythonhosted|proxy\.golang\.org|deb\.debian",
        ),
        ("private keys", r"BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY"),
        ("conflict markers", r"^(?:<{7}|>{7}) "),
    ],
)
def test_the_tree_holds_none_of(rule: str, pattern: str) -> None:
    """Neither a machine's paths, nor registry hosts, nor keys, nor leftovers of a merge are committed."""
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if path.name != Path(__file__).name
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]

    assert found == [], rule


def test_every_ignored_type_has_its_reason_beside_it() -> None:
    """Whoever meets it knows whether it can go."""
    packages = [(path, text) for path, text in texts() if path.parts[0] in ("deployer", "sandbox")]
    bare = re.compile(r"# type: ignore(?!\[[\w,-]+\]  # )")

    assert [str(path) for path, text in packages if bare.search(text)] == []


def test_every_test_says_what_behaviour_it_holds() -> None:
    """A test function without a docstring tells its reader nothing when it fails."""
    silent = [
        f"{path}: {name}"
        for path, text in texts()
        if path.name.startswith("test_") and path.suffix == ".py"
        for name in re.findall(r'^def (test_\w+)\([^)]*\)[^:]*:\n(?!\s+r?""")', text, re.MULTILINE)
    ]

    assert silent == []


def test_commands_about_an_environment_are_put_together_in_one_place() -> None:
    """By hand, the target's word is forgotten, and what was read in the sandbox is typed for the cloud."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts()
        if path.parts[0] == "deployer" and path.suffix == ".py"
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"inv [\w.]+ [^`]*--env \{", line)
    ]

    assert found == []


def test_packages_have_no_effect_when_imported() -> None:
    """Importing a package reads no environment, starts nothing and opens nothing."""
    effects = re.compile(
        r"^(?!def |class |if |from |import |@|#|\s|\"|'|[)\]}])(?:.*)(?:os\.environ|open\(|Popen\(|boto3\.client)"
    )
    found = [
        f"{path}:{number}: {line}"
        for path, text in texts()
        if path.suffix == ".py" and path.parts[0] in {"deployer", "sandbox"}
        for number, line in enumerate(text.splitlines(), 1)
        if effects.search(line)
    ]

    assert found == []
