"""What state.unlock prints, and how far its flags reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployer.cli.command_line import Flags, command_line
from deployer.cli.signals import asking
from deployer.cli.subject import begin
from deployer.errors import DeployError, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.unlocking import Found


def unlock(session: Session, *, env: str, sandbox: bool, stack: str, force: bool, lock_id: str) -> int:
    """Show the locks and remove those that may be removed; raises for one that stays."""
    from deployer.cli.targets import connect
    from deployer.playbooks.credentials import require_credentials
    from deployer.playbooks.unlocking import Force, unlocking

    if lock_id and not force:
        raise UsageError("`--lock-id` says what `--force` removes", hint="add --force, for those who are certain")
    subject = begin(session, env=env, sandbox=sandbox)
    # With it nobody works in this checkout: that proves something about the runs that did.
    with subject.locked(session):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        wiring = subject.wiring(session, target)
        require_credentials(wiring, references={})
        flags: Flags = {"env": env, "stack": stack, "force": force, "lock-id": lock_id, "sandbox": sandbox}
        with asking(session.stop):
            work = unlocking(
                wiring, command=command_line(session.command, flags), stack=stack or None, say=session.sink.talk
            )
            found = work.look()
            _show(session, found)
            if force and not lock_id and any(not each.verdict.gone for each in found):
                raise work.refusal(next(each for each in found if not each.verdict.gone))
            removed = work.remove(found, Force(lock_id=lock_id) if lock_id else None)
            refused = [work.refusal(each) for each in found if not removed[each.id]]
            _conclude(session, found, removed, refused[0] if refused else None)
            if refused:
                raise refused[0]
    return 0


def _show(session: Session, found: Sequence[Found]) -> None:
    if session.json:
        return
    for each in found:
        session.sink.data(session.sink.paint(each.text, "bold"))
        for line in each.details:
            session.sink.data(f"  {line}")
    if not found:
        session.sink.data("nothing is locked")


def _conclude(session: Session, found: Sequence[Found], removed: Mapping[str, bool], error: DeployError | None) -> None:
    if session.json:
        session.answer({"locks": [each.document(removed=removed[each.id]) for each in found]}, error=error)
    for each in found:
        if removed[each.id]:
            what = f"the lock on the state of `{each.stack}`" if each.stack else "the environment"
            session.sink.talk(f"{what} is free now")
