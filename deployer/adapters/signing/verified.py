"""What became of verifying a signature, and the private place in which tools are handed what they verify."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.adapters.files import disk_errors

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


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one call of a tool, readable by nobody else and gone afterwards."""
    with disk_errors(Path(tempfile.gettempdir())):
        folder = tempfile.TemporaryDirectory(prefix="approval-", ignore_cleanup_errors=True)
    with folder:
        yield Path(folder.name)
