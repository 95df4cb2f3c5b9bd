"""The way in: `inv --list` shows what this repository can do."""

from __future__ import annotations

import sys
from pathlib import Path

# Invoke forbids compiled files once it looks for tasks, and without them every start would compile the package anew.
sys.dont_write_bytecode = False

from deployer.cli.collection import collection  # noqa: E402 -- after the line above

ns = collection(Path(__file__).resolve().parent)
