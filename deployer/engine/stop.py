"""How a run is asked to end early.

Ctrl-C, a termination signal and `--timeout` all set `requested`; a second Ctrl-C sets `hurried`. Steps and adapters
only look at it. It holds plain threading events so that an adapter can wait on one without knowing the engine.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stop:
    """Handed to the process adapter when it is made, and to the runner.

    requested: start nothing new; ask children to end (by interrupt: Terraform then saves its state and unlocks it).
    hurried: the person insists; kill children now.
    """

    requested: threading.Event = field(default_factory=threading.Event)
    hurried: threading.Event = field(default_factory=threading.Event)
