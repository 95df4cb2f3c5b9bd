"""What Ctrl-C, a termination signal and a closed terminal do.

Before and after a run they raise KeyboardInterrupt, which the boundary turns into exit code 130. During a run nothing
may be raised: an exception between two lines of the scheduler would lose a step that has ended. The handler then only
notes the signal, a thread sets the events of `Stop`, and the runner looks at them. Nothing else installs a handler.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployer.engine.stop import Stop

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """Let a termination signal (a cancelled CI job) and a closed terminal do what Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(interrupt):
        yield


@contextlib.contextmanager
def asking(stop: Stop) -> Iterator[None]:
    """Let the first signal ask the run to end and a second one hurry it.

    A closed terminal never hurries: the shell and the kernel both report it, and nobody has insisted on anything.
    """
    # An event must not be set in a handler: the lock within it may be held by the very code that was interrupted, or by
    # the handler of the signal before. This queue may be filled anywhere, and a thread does the rest.
    heard: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def pass_on() -> None:
        while (number := heard.get()) is not None:
            if stop.requested.is_set() and number != signal.SIGHUP:
                stop.hurried.set()
            stop.requested.set()

    thread = threading.Thread(target=pass_on, name="signals", daemon=True)
    thread.start()
    with _handled(lambda number, _frame: heard.put(number)):
        try:
            yield
        finally:
            heard.put(None)
            thread.join()
            if stop.requested.is_set():
                ignore()


def ignore() -> None:
    """From here to the end of the process nothing interrupts: it is ending, and says how far it came."""
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Who started us may have chosen that we survive a signal (`nohup`, a job in the background).
    before = {number: signal.getsignal(number) for number in _ENDING}
    wanted = [number for number in _ENDING if before[number] is not signal.SIG_IGN]
    for number in wanted:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in wanted:
            if signal.getsignal(number) is handler:
                signal.signal(number, before[number])
