"""Adds the optional platform packages that a registry lacked to a package-lock.json.

`npm ci` refuses a lock file without an entry for every optional dependency, also for other platforms. A registry
mirror may not hold those of every platform, and then npm leaves them out of the lock it writes. Name and version are
known from the package that asks for them; only the integrity hash is not, so npm takes it at the first installation on
that platform.

    python requirements/complete_package_lock.py package-lock.json example/package-lock.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

SYSTEMS = {"android": "android", "darwin": "darwin", "linux": "linux", "windows": "win32", "win32": "win32"}
PROCESSORS = {"64": "x64", "x64": "x64", "arm64": "arm64"}
LIBRARIES = {"gnu": "glibc", "musl": "musl"}


def platform_of(name: str) -> dict[str, list[str]]:
    """Return npm's `os`, `cpu` and `libc` of a platform package, read from its name (`workerd-darwin-arm64`)."""
    words = re.split(r"[-/]", name)
    libraries = [LIBRARIES[word] for word in words if word in LIBRARIES]
    systems = [SYSTEMS[word] for word in words if word in SYSTEMS]
    processors = [PROCESSORS[word] for word in words if word in PROCESSORS]
    if len(systems) != 1 or len(processors) != 1:
        raise SystemExit(f"error: {name} is missing from the lock and its platform cannot be read from its name")
    return {"os": systems, "cpu": processors, **({"libc": libraries} if libraries else {})}


def complete(lock: dict[str, Any]) -> list[str]:
    """Add what is missing to `lock`; return the names added."""
    packages: dict[str, dict[str, Any]] = lock["packages"]
    added = []
    for package in list(packages.values()):
        for name, version in package.get("optionalDependencies", {}).items():
            place = f"node_modules/{name}"
            if place not in packages and not any(key.endswith(f"/{place}") for key in packages):
                packages[place] = {"version": version, **platform_of(name), "optional": True}
                added.append(f"{name}@{version}")
    lock["packages"] = dict(sorted(packages.items()))
    return added


def main(paths: list[str]) -> None:
    """Complete each lock file in place."""
    for path in map(Path, paths):
        lock = json.loads(path.read_text())
        for name in complete(lock):
            print(f"{path}: added {name}")
        path.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
