"""Help texts of flags that several tasks share, so that one flag reads the same everywhere."""

from __future__ import annotations

from typing import Final

# --- what it is about -----------------------------------------------------------------------------------------------

ENV: Final = "environment: a name or alias from environments.toml, or pr-<number>"
SANDBOX: Final = "act on the embedded sandbox on this machine; it is started when needed"
SET: Final = "change one value for this run, e.g. worker.logs.enabled=false; may be repeated"
PLAN: Final = "folder of the bundle, or the id of a stored one"
OF_PLAN: Final = f"{ENV}; the bundle knows it, another one is refused"
STACK: Final = "stack whose state it is, e.g. site; may be left out where there is only one"
ONLY_STACK: Final = "only this stack"

# --- how far it goes ------------------------------------------------------------------------------------------------

CHECK: Final = "only say what would change; nothing is written anywhere"
DIFF: Final = "show the changes in detail"
PRINT: Final = "only print the address, start no browser"
YES: Final = "do not ask for the environment's name"
ALLOW_PROTECTED: Final = "needed in addition where the inventory says `protected = true`"
LOCK_TIMEOUT: Final = "wait this long for whoever works on the environment, e.g. 90, 10m"

RUN: Final = {
    "env": ENV,
    "sandbox": SANDBOX,
    "check": CHECK,
    "diff": DIFF,
    "tags": "run only steps with one of these tags, e.g. terraform,worker",
    "skip_tags": "leave out steps with one of these tags",
    "list_steps": "list the steps with their tags and needs, then stop",
    "set": SET,
    "lock_timeout": LOCK_TIMEOUT,
    "timeout": "end the run after this long, e.g. 90, 10m, 1h",
    "detailed_exitcode": "with --check: exit 10 when something would change",
    "override_freeze": "go on in spite of this freeze, by its name; needs --reason",
    "reason": "why the freeze is overridden; kept in the ledger",
}
