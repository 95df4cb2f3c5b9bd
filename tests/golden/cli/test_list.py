"""What `inv --list` prints: the table of contents of this repository.

`UPDATE_GOLDEN=1 pytest tests/golden` rewrites the recorded file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
RECORDED = Path(__file__).with_name("list.txt")


def inv(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Invoke as a person would, in `cwd`."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "invoke", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_the_list_of_tasks_is_as_recorded() -> None:
    """A task that is added, renamed or described differently shows in the diff of this file."""
    listed = inv("--list", cwd=ROOT)

    assert (listed.returncode, listed.stderr) == (0, "")
    if os.environ.get("UPDATE_GOLDEN"):
        RECORDED.write_text(listed.stdout, encoding="utf-8")
    assert listed.stdout == RECORDED.read_text(encoding="utf-8")


def test_tasks_are_found_from_any_folder_within() -> None:
    """The same list from a sub-folder."""
    assert inv("--list", cwd=ROOT / "terraform" / "roots" / "site").stdout == RECORDED.read_text(encoding="utf-8")


def test_listing_imports_nothing_heavy() -> None:
    """Neither cloud clients nor models nor templates: starting stays as quick as Invoke itself."""
    code = (
        "import sys; from pathlib import Path; from deployer.cli.collection import collection; "
        "tree = collection(Path('.')); [tree[name].get_arguments() for name in tree.task_names]; "
        "print(' '.join(sorted(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {
        "boto3",
        "botocore",
        "pydantic",
        "jinja2",
        "httpx",
        "rich",
        "urllib3",
        "subprocess_tee",
        "deployer.engine.run",
    }

    assert heavy & set(loaded.stdout.split()) == set()
