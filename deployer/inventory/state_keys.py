"""Where Terraform's states lie in the state bucket, and whose state an object is.

terraform/<environment>/<stack>.tfstate
"""

from __future__ import annotations

import re
from typing import Final

STATES: Final = "terraform/"
ENDING: Final = ".tfstate"
# What Terraform adds to the key of a state that it holds a lock on.
LOCK_ENDING: Final = ".tflock"
_KEY: Final = re.compile(rf"{STATES}([^/]+)/([^/]+){re.escape(ENDING)}")


def state_key(environment: str, stack: str) -> str:
    """Where the state of one stack lies."""
    return f"{folder_of(environment)}{stack}{ENDING}"


def folder_of(environment: str) -> str:
    """Below it lie the states of one environment."""
    return f"{STATES}{environment}/"


def owner_of(key: str) -> tuple[str, str] | None:
    """Environment and stack of the state at this key; None if it is no key of a state."""
    found = _KEY.fullmatch(key)
    return (found[1], found[2]) if found else None
