"""What the tasks that only look at states print: copies, contents, attributes; and a state in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.cli.subject import open_run
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.steps.state_copies import Copy

# As the adapter of Terraform hides what is sensitive.
SENSITIVE: Final = "(sensitive)"


def show_copies(session: Session, *, env: str, stack: str, keep: bool, sandbox: bool) -> int:
    """Print a table of the copies, newest first."""
    from deployer.playbooks.states import copies_of, known_stacks, look_at_states, require_stack

    wiring = open_run(session, env=env, sandbox=sandbox)
    look_at_states(wiring)
    stacks = [require_stack(wiring, stack)] if stack else known_stacks(wiring)
    for each in stacks if keep else ():
        wiring.state_file(each).keep_copy()
    found = [(each, copy, current) for each in stacks for copy, current in copies_of(wiring, each)]
    found.sort(key=lambda row: (row[1].modified, row[1].serial), reverse=True)
    if session.json:
        session.answer({"copies": [_copy_document(*row) for row in found]})
        return 0
    if not found:
        session.sink.talk("no copies; each apply makes some")
        return 0
    rows = [
        (
            each,
            f"{copy.modified:%Y-%m-%d %H:%M}",
            copy.name.removesuffix(".enc").removesuffix(".tfstate"),
            _size(copy.size),
            _words(copy, current=current),
        )
        for each, copy, current in found
    ]
    session.table(("stack", "written (UTC)", "lineage-serial-digest", "size", ""), rows)
    return 0


def list_states(session: Session, *, env: str, stack: str, sandbox: bool) -> int:
    """Print the addresses of everything in the states."""
    from deployer.playbooks.states import states_of

    wiring = open_run(session, env=env, sandbox=sandbox)
    states = states_of(wiring, stack)
    if session.json:
        listed = [
            {"stack": name, "serial": state.serial, "lineage": state.lineage, "addresses": list(state.instances)}
            for name, state in states.items()
        ]
        session.answer({"states": listed})
        return 0
    for name, state in states.items():
        for address in state.instances:
            session.sink.data(f"{name}:{address}")
    if not any(state.instances for state in states.values()):
        session.sink.talk("the states hold nothing" if states else "there is no state; the first deploy makes it")
    return 0


def show_states(session: Session, *, env: str, stack: str, addresses: Sequence[str], sandbox: bool) -> int:
    """Print attributes, without what is sensitive."""
    from deployer.adapters.terraform.state_commands import show
    from deployer.playbooks.states import states_of

    wiring = open_run(session, env=env, sandbox=sandbox)
    states = states_of(wiring, stack)
    shown = {name: show(wiring.stack(name)) for name in states}
    things = [
        (name, thing)
        for name, state in shown.items()
        for thing in state.things
        if not addresses or any(_is_under(thing.address, address, stack=name) for address in addresses)
    ]
    if addresses and not things:
        raise UsageError(
            f"nothing in the states is at {', '.join(f'`{address}`' for address in addresses)}",
            hint=f"{wiring.named.command('state.list')} lists what there is",
        )
    outputs = {} if addresses else {name: state.outputs for name, state in shown.items()}
    if session.json:
        document = {
            "resources": [
                {"stack": name, "address": thing.address, "type": thing.type, "values": thing.values}
                for name, thing in things
            ],
            "outputs": outputs,
        }
        session.answer(document)
        return 0
    for name, thing in things:
        session.sink.data(session.sink.paint(f"# {name}:{thing.address}", "bold"))
        for key, value in sorted(thing.values.items()):
            if value is not None:
                session.sink.data(f"{key} = {_plain(value)}")
        session.sink.data("")
    for name, values in outputs.items():
        for key, value in values.items():
            session.sink.data(f"output {name}.{key} = {_plain(value)}")
    return 0


def pull_state(session: Session, *, env: str, stack: str, copy: str, out: str, sandbox: bool) -> int:
    """Write a state, or a copy, to a private file."""
    from deployer.adapters.files import write_private_bytes
    from deployer.playbooks.states import raw_state

    if not out:
        raise UsageError(
            "where to? --out is missing: a state may hold secrets, so it is never printed",
            hint="e.g. --out site.tfstate, a file that only you can read",
        )
    path = Path(out)
    if out == "-" or (path.exists() and not path.is_file()):
        raise UsageError(
            f"`--out {out}` is no file; a state may hold secrets, so it is never printed",
            hint="e.g. --out site.tfstate, a file that only you can read",
        )
    wiring = open_run(session, env=env, sandbox=sandbox)
    key, body = raw_state(wiring, stack=stack, copy=copy)
    write_private_bytes(path, body)
    if session.json:
        session.answer({"key": key, "file": str(path), "bytes": len(body)})
    else:
        session.sink.talk(f"wrote {path} ({_size(len(body))}) from {key}; it may hold secrets")
    return 0


def _is_under(address: str, wanted: str, *, stack: str) -> bool:
    wanted = wanted.removeprefix(f"{stack}:")
    return address == wanted or address.startswith((f"{wanted}.", f"{wanted}["))


def _plain(value: Any) -> str:
    return value if value == SENSITIVE else json.dumps(value, ensure_ascii=False)


def _copy_document(stack: str, copy: Copy, current: bool) -> dict[str, Any]:
    return {
        "stack": stack,
        "name": copy.name,
        "key": copy.key,
        "written": copy.modified.isoformat(),
        "serial": copy.serial if copy.readable else None,
        "lineage": copy.lineage if copy.readable else None,
        "size": copy.size,
        "encrypted": copy.key_id is not None,
        "replaced": copy.replaced,
        "current": current,
    }


def _words(copy: Copy, *, current: bool) -> str:
    words = {
        "current": current,
        "replaced": copy.replaced and copy.readable,
        "unreadable": not copy.readable,
        "encrypted": copy.key_id is not None,
    }
    return ", ".join(word for word, holds in words.items() if holds)


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
