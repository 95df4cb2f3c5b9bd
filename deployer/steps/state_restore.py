"""Goes back to a copy of a state.

The replaced state is kept apart from the other copies, so that "the newest copy" means the same when a restore that was
cut off is run again. The state's own lock is the journal: as long as it lies there, something is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployer.adapters.files import digest_of
from deployer.adapters.state import Object
from deployer.adapters.terraform.state import State
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import Damaged, DeployError, GuardRefused, PlanChanged, ServiceFailed
from deployer.steps.state_copies import Copy
from deployer.steps.state_difference import Difference, difference
from deployer.steps.state_file import StateFile
from deployer.steps.state_lock import StateLock
from deployer.words import moment


@dataclass(frozen=True, kw_only=True)
class RestoreFacts:
    """The state that is there (`state` is None if it cannot be read), the copy, and whether a restore was cut off."""

    stack: str
    found: Object | None
    state: State | None
    copy: Copy
    wanted: State
    cut_off: bool

    @property
    def same(self) -> bool:
        """Whether the state says what the copy says."""
        return self.state is not None and self.state.same_content(self.wanted)

    @property
    def serial(self) -> int:
        """The serial under which the copy comes back."""
        return max(self.wanted.serial, self.state.serial if self.state else 0) + 1

    @property
    def versions(self) -> tuple[str | None, str]:
        """What somebody has agreed to: this state, replaced by this copy."""
        return (self.found.etag if self.found else None, self.copy.name)

    def difference(self) -> Difference:
        """From the state to the copy."""
        return difference(self.state, self.wanted)

    def lines(self) -> list[str]:
        """What would happen, for people."""
        if self.found is None:
            first = "there is no state now"
        elif self.state is None:
            first = "the state that is there cannot be read"
        else:
            first = f"the state now: serial {self.state.serial}"
        notes = []
        if self.state is not None and self.state.lineage != self.wanted.lineage:
            notes.append("the copy is of another lineage: another state altogether, not an older version of this one")
        elif self.state is not None and self.wanted.serial > self.state.serial:
            notes.append(
                f"the copy is newer than the state: serial {self.wanted.serial}, the state has {self.state.serial}"
            )
        taken = moment(self.copy.modified, seconds=True)
        return [
            first,
            f"the copy: serial {self.wanted.serial}, written {taken}, {self.copy.name}",
            *notes,
            *self.difference().lines(),
        ]


@dataclass(frozen=True, kw_only=True)
class StateRestored(BaseStep[RestoreFacts]):
    """The state says what a copy says: the one named `choice`, or the newest."""

    state: StateFile
    lock: StateLock
    choice: str
    other_lineage: bool
    recover: Callable[[], None]
    # What somebody has agreed to, if anybody was asked.
    agreed: Callable[[], tuple[str | None, str] | None]

    def observe(self, context: Context) -> RestoreFacts:
        """Read state and copy."""
        if not context.check:
            self.recover()
        return self.look()

    def look(self) -> RestoreFacts:
        """Read state and copy; refuses a copy that this state must not become."""
        if not self.state.bucket.exists():
            raise ServiceFailed(
                "the bucket of the state does not exist, nor do copies",
                place=self.state.bucket.place(),
                hint="check `project.state_bucket` and `project.account_id`",
            )
        found = self.state.object.get()
        copy = self._chosen()
        state = self._readable(found)
        wanted = self.state.copies.read_state(copy)
        if state is not None and state.lineage != wanted.lineage and not self.other_lineage:
            raise GuardRefused(
                f"the copy is of another lineage: {wanted.lineage}, the state has {state.lineage}",
                place=self.state.bucket.place(copy.key),
                hint="it is another state altogether, so Terraform would take all that is there for its own; "
                "--other-lineage for those who are sure",
            )
        cut_off = self.state.left_by_us()
        return RestoreFacts(stack=self.state.stack, found=found, state=state, copy=copy, wanted=wanted, cut_off=cut_off)

    def _chosen(self) -> Copy:
        if self.choice:
            return self.state.copies.named(self.choice)
        newest = self.state.copies.newest()
        if newest is not None:
            return newest
        raise Damaged(
            "there is no copy of this state to go back to",
            place=self.state.bucket.place(self.state.copies.prefix),
            hint="what exists can be taken into a new state: docs/runbooks/state-lost.md; "
            f"{self.state.object.command('state.pull', '--out FILE')} gives what there is",
        )

    def _readable(self, found: Object | None) -> State | None:
        try:
            return self.state.object.require(found.body) if found else None
        except Damaged:
            return None

    def diff(self, context: Context, facts: RestoreFacts) -> Sequence[Change]:
        """One change, if the state says something else, or if a restore was cut off before its end."""
        if facts.same and not facts.cut_off:
            return ()
        if facts.same:
            action, summary = Action.UPDATE, "the end of a restore that was cut off"
        elif facts.found is None:
            action, summary = Action.CREATE, f"from {facts.copy.name}: {facts.difference().summary}"
        else:
            action, summary = Action.REPLACE, f"by {facts.copy.name}: {facts.difference().summary}"
        address = f"r2:{self.state.bucket.name}/{self.state.object.key}"
        meaning = digest_of([facts.copy.name, facts.versions])
        detail = "\n".join(facts.lines())
        return (Change(action=action, address=address, summary=summary, detail=detail, meaning=meaning),)

    def apply(self, context: Context, facts: RestoreFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Under Terraform's lock: keep what is replaced, write, keep what was written."""
        agreed = self.agreed()
        if agreed is not None and agreed != facts.versions:
            raise self._moved()
        bucket, key, copies = self.state.bucket, self.state.object.key, self.state.copies
        with self.lock.held(context):
            found = bucket.get(key)
            if (found.etag if found else None) != facts.versions[0]:
                raise self._moved()
            body = found.body if found else b""
            if not facts.same:
                if found is not None:
                    copies.keep(found.body, replaced=True)
                body = facts.wanted.with_serial(facts.serial).body
                if not bucket.try_put(key, body, replaces=facts.versions[0]):
                    raise self._moved()
            copies.keep(body)
        context.say(f"serial {State.parse(body).serial}")
        return {}

    def _moved(self) -> DeployError:
        return PlanChanged(
            "the state, or the newest copy, is another one than what was shown; nothing was written",
            place=self.state.object.place,
            hint="run the same command again, and look at what it shows",
        )
