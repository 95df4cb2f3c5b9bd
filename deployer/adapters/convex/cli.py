"""Runs `convex deploy`, the only way to push functions.

The CLI reconnects for ever when a deployment does not answer, so that it always gets a time limit; it knows only exit
code 1, so that its words are read for who has to do something. The caller has checked the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.adapters.convex.keys import parse_key
from deployer.adapters.files import make_folder
from deployer.adapters.guard import Guard
from deployer.adapters.node import Node
from deployer.adapters.process import Command, Processes
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    ServiceFailed,
    ServiceUnreachable,
    ToolFailed,
    ToolTimedOut,
)

_REFUSED = ("401 Unauthorized", "403 Forbidden", "You do not have permission", "BadDeployKey", "InvalidDeployKey")
_UNREACHABLE = ("fetch failed", "ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT", "ECONNRESET")
_FAILED = (" 500 ", " 502 ", " 503 ", " 504 ", "Internal Server Error", "Service Unavailable")


@dataclass(frozen=True, kw_only=True)
class ConvexCli:
    """One Convex CLI, the application's own: functions must be pushed by the version they were written for."""

    node: Node
    script: Path
    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    home: Path
    logs: Path
    timeout: float
    # Asked before anything is pushed.
    guard: Guard | None = None

    @property
    def packages(self) -> Path:
        """The `node_modules` that holds the CLI, and with it what functions import of Convex."""
        return next(folder for folder in self.script.parents if folder.name == "node_modules")

    def deploy(self, app: Path, *, functions: str, key: str, message: str, preview: str | None = None) -> None:
        """Push the functions of `app`. `key` goes through the environment, never through an argument."""
        if self.guard is not None:
            # With another key the CLI would push there, and only warn about the name.
            self.guard.credential(parse_key(key, place="convex deploy").type, place="convex deploy")
            self.guard.thing("Convex preview", preview, place="convex deploy")
        # Without a configuration of its own the compiler would look at everything, with one it checks in earnest.
        typecheck = "enable" if (app / functions / "tsconfig.json").is_file() else "try"
        argv = [str(self.node.program), str(self.script), "deploy", "--message", message, "--typecheck", typecheck]
        if (app / functions / "_generated").is_dir():
            # Checked in, so it is not ours to rewrite; rewriting it would also change the application's digest.
            argv += ["--codegen", "disable"]
        if preview is not None:
            argv += ["--preview-name", preview]
        command = Command(
            argv=argv,
            title="convex deploy",
            cwd=app,
            environment={**self._environment(), "CONVEX_DEPLOY_KEY": key},
            log=self.logs / "convex-deploy.log",
            timeout=self.timeout,
            hint="mend what the lines above say; docs/runbooks/convex-push-failed.md has the usual causes",
        )
        try:
            self.processes.run(command)
        except ToolTimedOut as error:
            error.hint = (
                "a deployment that does not answer lets the CLI wait for ever: `inv doctor` tries every service"
            )
            raise
        except ToolFailed as error:
            raise _classified(error) from None

    def _environment(self) -> dict[str, str]:
        make_folder(self.home)
        return {
            **self.environment,
            # Away from the person's own login and settings.
            "HOME": str(self.home),
            "CI": "1",
            "NO_COLOR": "1",
        }


def _classified(error: ToolFailed) -> DeployError:
    text = "\n".join(error.details)
    again = "run the same command again; it goes on from here"
    kind: type[DeployError] = ToolFailed
    hint = error.hint
    if any(word in text for word in _REFUSED):
        kind, hint = CredentialsRefused, "`inv doctor` names the deploy key in use"
    elif any(word in text for word in _UNREACHABLE):
        kind, hint = ServiceUnreachable, f"check the network, then {again}"
    elif any(word in text for word in _FAILED) or "RaceDetected" in text:
        kind, hint = ServiceFailed, again
    return kind(error.message, place=error.place, hint=hint, details=error.details)
