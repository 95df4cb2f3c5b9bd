"""The only place that reads the process environment.

Everybody else is handed a mapping, so that a run against the sandbox cannot pick up a real credential by accident
and a test can say what the environment is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

# What any program may see: how to find programs and certificates, where home is, how to talk to people.
# Everything else (credentials above all) is given to a tool by name or not at all.
_INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SYSTEMROOT", "CI",
)  # fmt: skip
_INHERITED_PREFIXES = ("LC_",)


def process_environment() -> Mapping[str, str]:
    """The environment this process was started with, read-only."""
    return MappingProxyType(dict(os.environ))


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of `environment` that every child process gets."""
    return {
        name: value for name, value in environment.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


def python_program() -> str:
    """The interpreter that runs us: children that are Python programs use the same one and its packages."""
    return sys.executable


def identity() -> str:
    """`user@host`, for records of who did what; never fails, whatever the machine knows about itself."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
