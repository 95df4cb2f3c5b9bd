"""What render, outputs, open and doctor print of one environment.

Each asks one playbook module that changes nothing, and prints a table for people or one JSON document.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployer.cli.subject import begin, open_run
from deployer.errors import DeployError, ToolMissing

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.words import Named


def show_rendered(
    session: Session, *, env: str, sandbox: bool, write: bool, diff: bool, settings: Sequence[str]
) -> int:
    """Show, write or compare the rendered files."""
    from deployer.adapters.files import read_text, write_private
    from deployer.cli.targets import offline
    from deployer.engine.change import text_diff
    from deployer.playbooks.render import render

    subject = begin(session, env=env, sandbox=sandbox, settings=settings)
    folder = subject.folder
    wiring = subject.wiring(session, offline(session, subject.loaded, sandbox=sandbox))
    files = [(each.path, each.text) for each in render(wiring)]
    written = {path: read_text(folder.path / path) for path, _ in files}
    differing = [path for path, text in files if written[path] != text]
    if session.json:
        shown = [{"path": str(path), "text": text, "differs": path in differing} for path, text in files]
        session.answer({"files": shown})
    for path, text in files:
        if write and path in differing:
            write_private(folder.make() / path, text)
            session.sink.talk(f"wrote {(folder.path / path).relative_to(session.root)}")
        elif diff and path in differing and not session.json:
            session.sink.data(text_diff(written[path], text, name=str(path)))
        elif not write and not diff and not session.json:
            session.sink.data(session.sink.paint(f"# {path}", "bold") + "\n" + text.rstrip("\n") + "\n")
    if (diff or write) and not differing:
        session.sink.talk(f"all {len(files)} files are as they were")
    return 0


def show_outputs(session: Session, *, env: str, sandbox: bool, settings: Sequence[str]) -> int:
    """Print the outputs of all stacks."""
    from deployer.playbooks.outputs import outputs

    wiring = open_run(session, env=env, sandbox=sandbox, settings=settings)
    found = outputs(wiring)
    url = wiring.target.public_url(wiring.environment.host)
    if session.json:
        session.answer({"url": url, "outputs": found})
        return 0
    session.sink.data(f"url = {url}")
    if not any(found.values()):
        session.sink.talk(_not_deployed(wiring.named))
        return 0
    for stack, values in found.items():
        if not values:
            session.sink.talk(f"stack `{stack}` has no outputs; it may not be deployed yet")
        for name, value in values.items():
            session.sink.data(f"{stack}.{name} = {json.dumps(value, ensure_ascii=False)}")
    return 0


def open_site(session: Session, *, env: str, sandbox: bool, start_browser: bool) -> int:
    """Print the address of an environment and show it in the browser."""
    from deployer.cli.targets import connect

    subject = begin(session, env=env, sandbox=sandbox)
    environment = subject.environment
    target = connect(session, subject.loaded, environment, sandbox=sandbox)
    url = target.public_url(environment.host)
    absent = _is_absent(subject.wiring(session, target))
    if session.json:
        session.answer({"url": url})
    else:
        session.sink.data(url)
    if absent:
        session.sink.talk(_not_deployed(subject.named))
    elif start_browser and not session.json:
        import webbrowser

        if not webbrowser.open(url):
            session.sink.talk("no browser could be started here; open the address yourself")
    return 0


def _is_absent(wiring: Wiring) -> bool:
    """Whether the state is there to be read and knows nothing; an address may be asked for without credentials."""
    from deployer.playbooks.outputs import outputs

    try:
        return not any(outputs(wiring).values())
    except DeployError:
        return False


def _not_deployed(named: Named) -> str:
    return f"not deployed yet: {named.command('deploy')}"


def examine(session: Session, *, env: str, sandbox: bool) -> int:
    """Print what doctor found; exit 3 if something needs mending."""
    from deployer.playbooks.doctor import examine as findings_of

    wiring = open_run(session, env=env or session.inventory().sample_name(), sandbox=sandbox)
    findings = findings_of(wiring)
    wrong = [finding for finding in findings if not finding.ok]
    if session.json:
        shown = [{"subject": each.subject, "ok": each.ok, "text": each.text, "hint": each.hint} for each in findings]
        session.answer({"ok": not wrong, "findings": shown}, outcome="failed" if wrong else "ok")
    else:
        width = max(len(each.subject) for each in findings)
        for each in findings:
            word = session.sink.paint("ok   ", "green") if each.ok else session.sink.paint("wrong", "red", "bold")
            session.sink.data(f"{word}  {each.subject:<{width}}  {each.text}")
            if each.hint and not each.ok:
                session.sink.data(f"       {'':<{width}}  mend: {each.hint}")
    if wrong:
        session.sink.talk(f"{len(wrong)} of {len(findings)} need mending")
        return ToolMissing.exit_code
    return 0
