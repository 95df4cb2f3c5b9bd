"""The page that GitHub shows for a step of a workflow: text is appended to the file that the job names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deployer.adapters.files import disk_errors

VARIABLE: Final = "GITHUB_STEP_SUMMARY"
LIMIT: Final = 1_048_576


def append(variables: Mapping[str, str], text: str) -> bool:
    """Add `text` to the page; False where there is none, or no room for it."""
    name = variables.get(VARIABLE)
    if not name:
        return False
    path, body = Path(name), f"{text.rstrip()}\n\n".encode()
    with disk_errors(path):
        # A page over the limit is not shown at all.
        if path.exists() and path.stat().st_size + len(body) > LIMIT:
            return False
        with path.open("ab") as file:
            file.write(body)
    return True
