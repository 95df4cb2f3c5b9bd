"""The way in: `inv --list` shows what this repository can do."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path

# Invoke forbids compiled files once it looks for tasks, and without them every start would compile the package anew.
sys.dont_write_bytecode = False
# A run is short and keeps most of what it makes: looking for cycles in it so often is a tenth of its time, and taking
# everything apart at its end a fifth of a second.
gc.set_threshold(400_000, 20, 50)
atexit.register(gc.freeze)
# Steps wait for services far more than they compute: whoever has got an answer goes on soon.
sys.setswitchinterval(0.001)
# There are none, and looking for them opens the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from deployer.cli.collection import collection  # noqa: E402 -- after the lines above

ns = collection(Path(__file__).resolve().parent)
