"""Copies of Terraform's states, because R2 keeps no versions of its own.

A copy is named by what it holds, so that keeping the same state twice costs one refused request, and a copy whose bytes
do not fit its name is found. Old ones are removed here and not by a lifecycle rule of the bucket: a rule knows an age
only, and would in time take the last copy of a state that nobody has changed for long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deployer.adapters.state import Cipher, Entry, Unopened
from deployer.adapters.terraform.state import NotAState, State
from deployer.errors import Damaged, DeployError, UsageError
from deployer.inventory.state_keys import ENDING
from deployer.steps.state_object import StateObject

FOLDER: Final = "copies/"
# Whatever their age, so many of the newest copies of each stack stay.
KEPT: Final = 10
_NAME: Final = re.compile(
    r"(?P<replaced>replaced-)?(?P<lineage>[0-9a-f]{8})-(?P<serial>\d{8,})-(?P<digest>[0-9a-f]{12})"
    r"(?:-(?P<key>[0-9a-f]{8})\.tfstate\.enc|\.tfstate)"
)
_UNREADABLE: Final = "00000000"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy, by its name. `replaced` is one that a restore took the place of; nobody goes back to it unasked."""

    key: str
    lineage: str
    serial: int
    digest: str
    key_id: str | None
    replaced: bool
    size: int
    modified: dt.datetime

    @property
    def name(self) -> str:
        """The last part of its key, as a person types it."""
        return self.key.rpartition("/")[2]

    @property
    def readable(self) -> bool:
        """Whether it was a state when it was taken."""
        return self.lineage != _UNREADABLE

    def holds(self, state: State) -> bool:
        """Whether it is a copy of exactly this state."""
        return self.digest == state.digest[: len(self.digest)]


@dataclass(frozen=True, kw_only=True)
class StateCopies:
    """The copies of one stack's state. `cipher` is asked when a copy is written or read, and may be None: plain."""

    state: StateObject
    cipher: Callable[[], Cipher | None] = field(default=lambda: None, repr=False)
    days: int = 90

    @property
    def prefix(self) -> str:
        """Where they lie."""
        return f"{FOLDER}{self.state.key.removesuffix(ENDING)}/"

    def keep(self, body: bytes, *, replaced: bool = False) -> str:
        """Keep these bytes of a state and return the copy's key; nothing is written if they are kept already.

        What is no state is refused, unless it is to be `replaced` by a better one.
        """
        digest = hashlib.sha256(body).hexdigest()[:12]
        try:
            state = self.state.require(body)
            name = f"{short_lineage(state.lineage)}-{state.serial:08d}-{digest}"
        except Damaged:
            if not replaced:
                raise
            name = f"{_UNREADABLE}-{0:08d}-{digest}"
        if replaced:
            there = next((copy for copy in self.newest_first() if copy.digest == digest and self._opens(copy)), None)
            if there is not None:
                return there.key
            name = f"replaced-{name}"
        return self._write(name, body)

    def newest_first(self) -> Sequence[Copy]:
        """All copies; of those that were written in the same moment the higher serial is newer."""
        found = (parse_name(entry) for entry in self.state.bucket.entries(self.prefix))
        return sorted(
            (copy for copy in found if copy is not None), key=lambda copy: (copy.modified, copy.serial), reverse=True
        )

    def newest(self) -> Copy | None:
        """The newest one that was a state, and that no restore has replaced."""
        return next((copy for copy in self.newest_first() if copy.readable and not copy.replaced), None)

    def named(self, name: str) -> Copy:
        """The copy with this name, or this key, or whose name alone begins so."""
        copies = self.newest_first()
        fitting = [copy for copy in copies if name in (copy.name, copy.key)]
        fitting = fitting or [copy for copy in copies if copy.name.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        raise UsageError(
            f"`--copy {name}` {'is the beginning of several names' if fitting else 'is no copy of this state'}",
            place=self.state.bucket.place(self.prefix),
            hint=f"{self.state.command('state.copies')} lists them",
        )

    def read(self, copy: Copy) -> bytes:
        """The bytes that were kept; Damaged if they are others than the copy's name says, or cannot be decrypted."""
        found = self.state.bucket.get(copy.key)
        if found is None:
            raise self._damaged("the copy is gone", copy.key)
        return self._opened(copy.key, found.body, digest=copy.digest, encrypted=copy.key_id is not None)

    def read_state(self, copy: Copy) -> State:
        """The state that was kept; Damaged, and about the copy, if what was kept is none."""
        body = self.read(copy)
        try:
            return State.parse(body)
        except NotAState as why:
            raise self._damaged(f"the copy is no state: {why}", copy.key) from None

    def prune(self) -> int:
        """Remove copies that are older than the inventory says; returns how many.

        Old compared with the newest one, by the store's clock: no clock of ours can be wrong, and of a state that
        nobody changes nothing goes.
        """
        copies = self.newest_first()
        if len(copies) <= KEPT:
            return 0
        limit = copies[0].modified - dt.timedelta(days=self.days)
        old = [copy.key for copy in copies[KEPT:] if copy.modified < limit]
        self.state.bucket.delete(old)
        return len(old)

    def _write(self, name: str, body: bytes) -> str:
        cipher = self.cipher()
        if cipher is None:
            key = f"{self.prefix}{name}.tfstate"
            sealed = body
        else:
            key = f"{self.prefix}{name}-{cipher.key_id}.tfstate.enc"
            sealed = cipher.seal(body, name=key)
        if not self.state.bucket.try_put(key, sealed, replaces=None):
            # It is there; that it is whole has to be seen, for it may be all that is left one day.
            found = self.state.bucket.get(key)
            digest = hashlib.sha256(body).hexdigest()[:12]
            self._opened(key, found.body if found else b"", digest=digest, encrypted=cipher is not None)
        return key

    def _opened(self, key: str, body: bytes, *, digest: str, encrypted: bool) -> bytes:
        if encrypted:
            cipher = self.cipher()
            if cipher is None:
                raise self._damaged("the copy is encrypted, and `project.state.copy_key` is not set", key)
            try:
                body = cipher.open(body, name=key)
            except Unopened as why:
                raise self._damaged(f"the copy cannot be decrypted: {why}", key) from None
        if not hashlib.sha256(body).hexdigest().startswith(digest):
            raise self._damaged("the copy is not what its name says: it was changed or cut off", key)
        return body

    def _opens(self, copy: Copy) -> bool:
        """Whether it can be relied on as a copy that is there already."""
        try:
            self.read(copy)
        except Damaged:
            return False
        return True

    def _damaged(self, message: str, key: str) -> DeployError:
        hint = f"{self.state.command('state.copies')} lists the others; docs/runbooks/state-lost.md"
        return Damaged(message, place=self.state.bucket.place(key), hint=hint)


def parse_name(entry: Entry) -> Copy | None:
    """What a name in a listing says; None for an object that is no copy of ours."""
    match = _NAME.fullmatch(entry.key.rpartition("/")[2])
    if match is None:
        return None
    return Copy(
        key=entry.key,
        lineage=match["lineage"],
        serial=int(match["serial"]),
        digest=match["digest"],
        key_id=match["key"],
        replaced=match["replaced"] is not None,
        size=entry.size,
        modified=entry.modified,
    )


def short_lineage(lineage: str) -> str:
    """The eight digits by which a lineage goes in names; Terraform's own are UUIDs."""
    first = lineage[:8]
    return first if re.fullmatch(r"[0-9a-f]{8}", first) else hashlib.sha256(lineage.encode()).hexdigest()[:8]
