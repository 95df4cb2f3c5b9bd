"""The recap and its lines, whole, at 80 columns and without colour; the JSON document."""

from __future__ import annotations

import io
import json
import textwrap

import pytest

from deployer.engine.change import Action, Change, text_diff
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult, Status, StepResult
from deployer.errors import Interrupted, StateLocked, Unverified
from deployer.report.document import run_document
from deployer.report.sink import Sink
from deployer.report.terminal import TerminalReport
from deployer.report.text import error_lines, seconds, table_lines

LOCKED = StateLocked("the state is locked", place="r2://b/k", hint="wait for it", details=["by ann"])
UNVERIFIED = Unverified("not live", hint="look at the logs")


def result(*, check: bool = False) -> RunResult:
    """One step of each kind."""
    return RunResult(
        playbook="deploy",
        check=check,
        results=(
            StepResult(name="state bucket", status=Status.OK, seconds=0.04),
            StepResult(
                name="terraform site",
                status=Status.CHANGED,
                seconds=12.4,
                changes=(
                    Change(action=Action.REPLACE, address="kv.this", summary="title", detail="- a\n+ b"),
                    Change(action=Action.UPDATE, address="worker.this", summary="", certain=False),
                ),
            ),
            StepResult(name="zone", status=Status.FAILED, seconds=75, error=LOCKED),
            StepResult(name="proof of " + "x" * 60, status=Status.FAILED, seconds=1, error=UNVERIFIED),
            StepResult(name="worker", status=Status.SKIPPED, why="needs `zone`, which failed"),
        ),
        seconds=370.2,
        error=LOCKED,
    )


def shown(*, check: bool = False, diff: bool = False) -> str:
    """What the terminal report writes for it."""
    err = io.StringIO()
    report = TerminalReport(Sink(out=io.StringIO(), err=err), environment="development", target="sandbox", diff=diff)
    report.began(Playbook("deploy", []), check=check)
    report.started("terraform site")
    report.said("terraform site", "creating")
    report.said("terraform site", "creating")
    for each in result(check=check).results:
        report.finished(each)
    report.ended(result(check=check))
    return err.getvalue()


def test_a_run_reads_like_this() -> None:
    """The whole text of a run without a terminal."""
    expected = """\
        deploy development (sandbox): 0 steps
        ...      terraform site: creating
        ok       state bucket                                                      0.0 s
        changed  terraform site                                                     12 s
                 -/+ replace kv.this: title
                 ~   update worker.this
        failed   zone                                                               75 s
                 error: the state is locked (r2://b/k)
        failed   proof of {cut}...      1.0 s
                 error: not live
        skipped  worker (needs `zone`, which failed)

        error: not live

        hint: look at the logs

        RECAP development (sandbox)  ok=1  changed=1  skipped=1  failed=2  6 min 10 s
        slowest: zone 75 s, terraform site 12 s, proof of {long} 1.0 s

        """

    assert shown() == textwrap.dedent(expected).format(long="x" * 60, cut="x" * 48)


def test_check_and_diff_say_more() -> None:
    """Uncertain changes read as such; --diff shows details; the recap says that nothing was written."""
    text = shown(check=True, diff=True)

    assert "         ~   may update worker.this\n" in text
    assert "             - a\n             + b\n" in text
    assert "check: incomplete, 2 changes found so far; nothing was written\n" in text


def test_an_error_has_cause_place_details_and_hint() -> None:
    """The hint is set apart and wrapped."""
    lines = list(error_lines(StateLocked("no", place="p", details=["d"], hint="word " * 30), width=60))

    assert lines[:3] == ["error: no (p)", "  d", ""]
    assert lines[3].startswith("hint: word")
    assert lines[4].startswith("      word")
    assert all(len(line) <= 60 for line in lines)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0 s"), (9.96, "10.0 s"), (10, "10 s"), (119, "119 s"), (370.2, "6 min 10 s")]
)
def test_durations(value: float, text: str) -> None:
    """As people say them."""
    assert seconds(value) == text


def test_the_document_holds_everything() -> None:
    """Counts, reasons, errors; details only with --diff."""
    document = run_document(result(), command="deploy", environment="development", target="sandbox", url=None)
    json.dumps(document)

    assert document["outcome"] == "failed"
    assert document["recap"] == {"ok": 1, "changed": 1, "skipped": 1, "failed": 2}
    assert document["error"] == {
        "reason": "state-locked",
        "exit_code": 7,
        "message": "the state is locked",
        "place": "r2://b/k",
        "hint": "wait for it",
        "details": ["by ann"],
    }
    changes = document["steps"][1]["changes"]
    assert changes[0] == {"action": "replace", "address": "kv.this", "summary": "title"}
    assert changes[1]["certain"] is False
    assert document["steps"][4]["why"] == "needs `zone`, which failed"
    with_diff = run_document(result(), command="deploy", environment="d", target="s", url=None, diff=True)
    assert with_diff["steps"][1]["changes"][0]["detail"] == "- a\n+ b"


def test_an_interruption_names_what_is_waited_for() -> None:
    """The person sees why the prompt does not come back yet."""
    err = io.StringIO()
    report = TerminalReport(Sink(out=io.StringIO(), err=err), environment="d", target="s")
    report.started("worker")
    report.stopping(Interrupted("interrupted").message)

    assert err.getvalue() == "interrupted: waiting for worker to end; Ctrl-C again to insist\n"


def test_an_interruption_with_nothing_at_work_waits_for_nothing() -> None:
    """No line about waiting, whether no step began yet or the last one has ended."""
    err = io.StringIO()
    report = TerminalReport(Sink(out=io.StringIO(), err=err), environment="d", target="s")
    report.stopping(Interrupted("interrupted").message)
    report.started("worker")
    report.finished(StepResult(name="worker", status=Status.OK))
    report.stopping(Interrupted("interrupted").message)

    assert "waiting" not in err.getvalue()
    assert "interrupted" not in err.getvalue()


def test_differences_of_texts() -> None:
    """An absent file and what it would hold."""
    assert text_diff(None, "a\n", name="f").splitlines() == ["--- (absent)", "+++ f (wanted)", "@@ -0,0 +1 @@", "+a"]


def test_columns_of_a_table_are_as_wide_as_they_need_to_be() -> None:
    """And no line has spaces at its end."""
    rows = [("stack", "size", ""), ("site", "1.5 kB", "current"), ("a-longer-one", "2 B", "")]
    assert list(table_lines(rows)) == ["stack         size", "site          1.5 kB  current", "a-longer-one  2 B"]
    assert list(table_lines([])) == []
