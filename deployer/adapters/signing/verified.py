"""What became of verifying a signature, and how the tools that make and verify one are called."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from deployer.adapters.files import disk_errors
from deployer.adapters.process import ANY_CODE, Command, Completed, Processes

# By these variables a person's agent, and the window in which it asks for a passphrase, are found.
AGENT: Final = (
    "SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_SK_PROVIDER", "GNUPGHOME", "GPG_TTY",
    "GPG_AGENT_INFO", "PINENTRY_USER_DATA", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY", "TERM",
    "DBUS_SESSION_BUS_ADDRESS",
)  # fmt: skip
# A person may have to find a passphrase, or touch a key.
SIGN_SECONDS: Final = 180.0
VERIFY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Verified:
    """The person whose listed key has made a signature over exactly this text; or None, and why not."""

    signer: str | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class SigningTool:
    """A tool that is handed a text, in a private folder; what its exit code means is known where it is called."""

    program: ClassVar[str]
    # How a command of it begins: `--verify`, `-Y verify`.
    dashes: ClassVar[str]
    missing: ClassVar[str]
    """What to do where it is not there."""

    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    logs: Path

    def run(
        self, arguments: Sequence[str], text: str, folder: Path, *, verb: str, timeout: float = VERIFY_SECONDS
    ) -> Completed:
        """Run it to its end, however it ends. What it prints is a signature, and not for the log."""
        return self.processes.run(
            Command(
                argv=[self.program, *arguments],
                title=f"{self.program} {self.dashes}{verb}",
                cwd=folder,
                environment={**self.environment, "LC_ALL": "C"},
                log=self.logs / f"{self.program}-{verb}.log",
                timeout=timeout,
                stdin=text.encode(),
                success=ANY_CODE,
                log_stdout=False,
                hint=self.missing,
            )
        )


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one call of a tool, readable by nobody else and gone afterwards."""
    with disk_errors(Path(tempfile.gettempdir())):
        folder = tempfile.TemporaryDirectory(prefix="approval-", ignore_cleanup_errors=True)
    with folder:
        yield Path(folder.name)
