"""Become another program that the kernel ends together with its parent (Linux), however the parent ends.

Run as `python -I -S launch.py PROGRAM ARGUMENT...`; imports nothing that is slow. Elsewhere the pipes that the children
watch do it.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then turn into the program."""
    if sys.platform == "linux":
        import ctypes

        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent or parent == 1:  # it ended before the signal was asked for
            sys.exit(1)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main()
