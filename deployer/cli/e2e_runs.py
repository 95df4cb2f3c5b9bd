"""Runs the application's end-to-end tests for a task, and says where their report is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deployer.cli.signals import asking

if TYPE_CHECKING:
    from deployer.cli.session import Session


def test_environment(session: Session, *, env: str, sandbox: bool, release: str, out: str) -> int:
    """Test the environment; a release that is not proven ends with 8, tests that fail with 5."""
    from deployer.cli.ci_runs import actions_of
    from deployer.cli.subject import open_run
    from deployer.playbooks.e2e import recorded_release, run_e2e

    wiring = open_run(session, env=env, sandbox=sandbox)
    folder = Path(out) if out else wiring.folder / "e2e"
    with asking(session.stop):
        digest = release or recorded_release(wiring)
        url = run_e2e(wiring, release=digest, out=folder, say=session.sink.talk)
    actions_of(session).summary(f"### End-to-end tests\n\nAll passed against {url} (release `{digest[:12]}`).")
    if session.json:
        session.answer({"url": url, "release": digest, "report": str(folder)})
    else:
        session.sink.data(f"all tests passed against {url}; report: {folder}")
    return 0
