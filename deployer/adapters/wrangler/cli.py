"""Runs `wrangler deploy` and reads what it reports.

Secrets go in through standard input as part of the upload, so that code and secrets become live together and no value
is ever in an argument or a file. What is deployed is described by a rendered configuration, which is not read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.adapters.files import disk_errors, make_folder, read_json
from deployer.adapters.guard import Guard
from deployer.adapters.node import Node
from deployer.adapters.process import Command, Processes
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    ToolFailed,
)

_CODE = re.compile(r"\[code: (\d+)\]")
_STATUS = re.compile(r"\b(?:status|API)[^\n]{0,40}?\b(401|403|429|5\d\d)\b", re.IGNORECASE)
_REFUSED = {"10000", "9109", "9103", "10001", "6003"}
_UNREACHABLE = ("fetch failed", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "UND_ERR", "socket hang up")


@dataclass(frozen=True)
class Upload:
    """What to deploy: the configuration file, how the version is annotated, and its secrets."""

    config: Path
    tag: str
    message: str
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Wrangler:
    """One Wrangler. `home` is where it may write its own things."""

    node: Node
    script: Path
    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    home: Path
    logs: Path
    timeout: float
    # Asked before anything is uploaded.
    guard: Guard | None = None

    def deploy(self, upload: Upload) -> str:
        """Upload and make live; gives the id of the version that Wrangler says is live now."""
        if self.guard is not None:
            _ask(self.guard, upload.config)
        make_folder(self.home)
        records = self.home / "output.ndjson"
        with disk_errors(records):
            records.unlink(missing_ok=True)
        command = Command(
            argv=self._argv(upload),
            title="wrangler deploy",
            cwd=upload.config.parent,
            environment=self._environment(records),
            log=self.logs / "wrangler-deploy.log",
            timeout=self.timeout,
            # Never without data: an empty input is noticed by Wrangler only after the assets are uploaded.
            stdin=json.dumps(dict(upload.secrets)).encode(),
        )
        try:
            self.processes.run(command)
        except ToolFailed as error:
            raise _classified(error, read_records(records)) from None
        return _version(read_records(records), command)

    def _argv(self, upload: Upload) -> list[str]:
        return [
            str(self.node.program), str(self.script), "deploy", "--config", str(upload.config),
            "--tag", upload.tag, "--message", upload.message, "--secrets-file", "/dev/stdin",
        ]  # fmt: skip

    def _environment(self, records: Path) -> dict[str, str]:
        return {
            **self.environment,
            "WRANGLER_OUTPUT_FILE_PATH": str(records),
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_SEND_ERROR_REPORTS": "false",
            "WRANGLER_HIDE_BANNER": "true",
            "WRANGLER_LOG_PATH": str(self.home / "logs"),
            "WRANGLER_CACHE_DIR": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "CI": "1",
            "NO_COLOR": "1",
            "FORCE_COLOR": "0",
        }


def _ask(guard: Guard, config: Path) -> None:
    """Whether the Worker that the configuration names, and the buckets that it is bound to, are this run's."""
    found = read_json(config)
    data: dict[str, Any] = found if isinstance(found, dict) else {}
    guard.thing("Worker", data.get("name"), place=str(config))
    for binding in data.get("r2_buckets", ()):
        guard.thing("R2 bucket", binding.get("bucket_name"), place=str(config))


def read_records(path: Path) -> list[dict[str, Any]]:
    """The ND-JSON records that Wrangler wrote; a line that was cut off is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return [record for record in records if isinstance(record, dict)]


def _version(records: Sequence[Mapping[str, Any]], command: Command) -> str:
    for record in records:
        if record.get("type") == "deploy" and record.get("version_id"):
            return str(record["version_id"])
    raise ToolFailed(
        "wrangler deploy ended well but reports no version",
        place=str(command.log),
        hint="run the same command again; it looks at what is live first",
    )


def _classified(error: ToolFailed, records: Sequence[Mapping[str, Any]]) -> DeployError:
    """The class that says who has to do something about Wrangler's failure."""
    said = [f"{record.get('message')}" for record in records if record.get("type") == "command-failed"]
    text = "\n".join([*error.details, *said])
    again = "run the same command again; it goes on from here"
    kind: type[DeployError] = ToolFailed
    hint = error.hint
    status = _STATUS.search(text)
    code = status.group(1) if status else ""
    if _REFUSED & set(_CODE.findall(text)) or code in ("401", "403"):
        kind = CredentialsRefused
        hint = "`inv doctor` names the credential in use, docs/guide/credentials.md what it must be allowed to do"
    elif code == "429":
        kind, hint = RateLimited, f"wait, then {again}"
    elif any(word in text for word in _UNREACHABLE):
        kind, hint = ServiceUnreachable, f"check the network, then {again}"
    elif code.startswith("5") or "10013" in _CODE.findall(text):
        kind, hint = ServiceFailed, again
    return kind(error.message, place=error.place, hint=hint, details=error.details)
