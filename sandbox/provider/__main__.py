"""`python -m sandbox.provider --socket PATH`: run the provider until the parent goes away.

Prints the value for TF_REATTACH_PROVIDERS in one line when it is ready. Ends when standard input ends, so that it does
not outlive whoever started it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

ADDRESS = "registry.terraform.io/cloudflare/cloudflare"


def reattach(socket: str, pid: int) -> str:
    """The value of TF_REATTACH_PROVIDERS for a provider that listens on `socket`."""
    return json.dumps(
        {
            ADDRESS: {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": pid,
                "Test": True,
                "Addr": {"Network": "unix", "String": socket},
            }
        }
    )


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.provider", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--socket", required=True, help="unix socket to listen on; made, and removed at the end")
    socket = str(Path(parser.parse_args(argv).socket).absolute())
    from .server import Server

    with contextlib.suppress(FileNotFoundError):
        Path(socket).unlink()
    server = Server(socket, dict(os.environ))
    Path(socket).chmod(0o600)
    print(reattach(socket, os.getpid()), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while sys.stdin.buffer.read(4096):
            pass
    server.stop(grace=1)
    with contextlib.suppress(FileNotFoundError):
        Path(socket).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
