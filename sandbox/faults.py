"""Bad weather on request: which coming requests fail, how, and how often.

The Python services ask this object; the Node processes read `<home>/faults.json` and take a fault with POST
/faults/take, so that a count is counted in one place. How an error body looks is the service's business
(`Service.fault_body`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from sandbox.errors import UsageError
from sandbox.home import Home, write_json

SERVICES = ("cloudflare", "s3", "secretsmanager", "convex", "convex-deployment", "edge", "github", "sts")


@dataclass(frozen=True)
class Fault:
    """One armed fault. `path` is a glob over path and query (`*` crosses slashes); the first that fits is taken."""

    id: int
    service: str
    path: str = "*"
    method: str | None = None
    status: int | None = None
    code: int | str | None = None
    message: str | None = None
    count: int = 1
    delay_ms: int = 0
    drop: Literal["before", "after"] | None = None
    retry_after_ms: int | None = None

    def fits(self, service: str, method: str, path: str) -> bool:
        """True when the fault is meant for this request. A glob without `?` also fits the path without its query."""
        if self.count <= 0 or self.service != service or (self.method and self.method.upper() != method.upper()):
            return False
        return fnmatchcase(path, self.path) or fnmatchcase(path.partition("?")[0], self.path)

    def as_json(self) -> dict[str, Any]:
        """The form in which it was added, with its id and what is left of its count."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def parse(raw: Mapping[str, Any], number: int) -> Fault:
    """A fault from its JSON form; a wrong one is a `UsageError` that names the field."""
    known = {"service", "path", "method", "status", "code", "message", "count", "delay_ms", "drop", "retry_after_ms"}
    if strange := sorted(set(raw) - known):
        raise UsageError(f"a fault has no field `{strange[0]}`", f"fields: {', '.join(sorted(known))}")
    if raw.get("service") not in SERVICES:
        raise UsageError(f"no service `{raw.get('service')}`", f"services: {', '.join(SERVICES)}")
    for name in ("status", "count", "delay_ms", "retry_after_ms"):
        if raw.get(name) is not None and (type(raw[name]) is not int or raw[name] < 0):
            raise UsageError(f"fault field `{name}` is not a whole number")
    for name in ("method", "path", "message"):
        if raw.get(name) is not None and not isinstance(raw[name], str):
            raise UsageError(f"fault field `{name}` is not a text")
    if raw.get("code") is not None and type(raw["code"]) not in (int, str):
        raise UsageError("fault field `code` is neither a number nor a text")
    if raw.get("count") == 0:
        raise UsageError("fault field `count` is 0, so the fault would never happen")
    if raw.get("drop") not in (None, "before", "after"):
        raise UsageError("fault field `drop` is neither `before` nor `after`")
    if raw.get("status") is not None and not 400 <= raw["status"] <= 599:
        raise UsageError("fault field `status` is not between 400 and 599")
    if not any(raw.get(name) for name in ("status", "drop", "delay_ms")):
        raise UsageError("the fault does nothing", "give it `status`, `drop` or `delay_ms`")
    return Fault(id=number, **{key: value for key, value in raw.items() if value is not None})


class Faults:
    """The armed faults of one sandbox."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._number = 0
        self._publish()

    def add(self, raw: Mapping[str, Any]) -> Fault:
        """Arm one."""
        with self._lock:
            self._number += 1
            fault = parse(raw, self._number)
            self._armed.append(fault)
            self._publish()
            return fault

    def armed(self) -> list[dict[str, Any]]:
        """What is still to happen, as JSON."""
        with self._lock:
            return [fault.as_json() for fault in self._armed]

    def clear(self) -> None:
        """Fair weather."""
        with self._lock:
            self._armed = []
            self._publish()

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down; None in fair weather."""
        if not self._armed:
            return None
        with self._lock:
            for index, fault in enumerate(self._armed):
                if fault.fits(service, method, path):
                    if fault.count == 1:
                        del self._armed[index]
                    else:
                        self._armed[index] = replace(fault, count=fault.count - 1)
                    self._publish()
                    return fault
        return None

    def _publish(self) -> None:
        write_json(self._home.faults, [fault.as_json() for fault in self._armed])
