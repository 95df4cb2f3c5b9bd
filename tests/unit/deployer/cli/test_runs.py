"""deploy and destroy from flags to exit code, with small steps in place of the real playbooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.adapters.redact import Redactor
from deployer.cli.session import Session
from deployer.engine.step import Context
from deployer.engine.workfolder import WorkFolder
from deployer.errors import StateLocked, Unverified
from tests.support.cli import Checkout, FileStep, make_checkout, use_steps


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """An empty checkout."""
    return make_checkout(tmp_path, capsys)


def two_steps(root: Path) -> list[FileStep]:
    """One step and one that needs it."""
    return [
        FileStep(name="first", tags=frozenset({"a"}), path=root / "one", progress=("looking", "looking")),
        FileStep(name="second", tags=frozenset({"b"}), needs=("first",), path=root / "two", diff_text="+ line"),
    ]


def test_deploy_twice(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run changes, the second is all ok; the address is the only data on stdout."""
    use_steps(monkeypatch, two_steps(checkout.root))

    first = checkout.inv("deploy", "--env", "dev")
    second = checkout.inv("deploy", "--env", "dev")

    assert (first.code, first.out) == (0, "https://dev.vibechecc.app\n")
    assert "RECAP development (cloudflare)  ok=0  changed=2  skipped=0  failed=0" in first.err
    assert "RECAP development (cloudflare)  ok=2  changed=0  skipped=0  failed=0" in second.err
    assert first.err.count("looking") == 1
    assert all(len(line) <= 80 for line in first.err.splitlines())


def test_json_is_one_document_on_stdout(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The promised keys and nothing else on stdout."""
    use_steps(monkeypatch, two_steps(checkout.root))

    document = json.loads(checkout.inv("deploy", "--env", "dev", "--json").out)

    assert {
        key: document[key] for key in ("schema", "command", "environment", "target", "outcome", "recap", "url")
    } == {
        "schema": 1,
        "command": "deploy",
        "environment": "development",
        "target": "cloudflare",
        "outcome": "ok",
        "recap": {"ok": 0, "changed": 2, "skipped": 0, "failed": 0},
        "url": "https://dev.vibechecc.app",
    }
    assert [step["name"] for step in document["steps"]] == ["first", "second"]
    assert document["steps"][0]["changes"] == [{"action": "create", "address": "file:one", "summary": "a file"}]
    assert document["steps"][0]["seconds"] >= 0


def test_check_writes_nothing_and_says_what_would_change(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 0, or 10 when asked for; --diff shows the details."""
    use_steps(monkeypatch, two_steps(checkout.root))

    plain = checkout.inv("deploy", "--env", "dev", "--check")
    diff = checkout.inv("deploy", "--env", "dev", "--check", "--diff", "--json", "--detailed-exitcode")

    assert plain.code == 0
    assert "check: 2 changes would be made; nothing was written" in plain.err
    assert plain.out == ""
    assert diff.code == 10
    document = json.loads(diff.out)
    assert document["outcome"] == "changes"
    assert document["steps"][1]["changes"][0]["detail"] == "+ line"
    assert "+ line" in diff.err
    assert not (checkout.root / "one").exists()
    assert not (checkout.root / ".work/cloudflare/development/journal.jsonl").exists()


def test_check_without_changes_exits_0_even_when_asked_for_details(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 means changes and nothing else."""
    use_steps(monkeypatch, two_steps(checkout.root))
    checkout.inv("deploy", "--env", "dev")

    ran = checkout.inv("deploy", "--env", "dev", "--check", "--detailed-exitcode")

    assert ran.code == 0
    assert "check: nothing would change" in ran.err


def test_a_check_that_failed_does_not_say_that_nothing_would_change(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after the failed step is not known; changes found before it are counted as such."""
    first, second = two_steps(checkout.root)
    broken = FileStep(name="first", path=checkout.root / "one", refusal=Unverified("no answer"))
    use_steps(monkeypatch, [broken, second])
    at_once = checkout.inv("deploy", "--env", "dev", "--check")
    late = FileStep(name="second", needs=("first",), path=checkout.root / "two", refusal=Unverified("no answer"))
    use_steps(monkeypatch, [first, late])
    later = checkout.inv("deploy", "--env", "dev", "--check")

    assert (at_once.code, later.code) == (8, 8)
    assert "nothing would change" not in at_once.err
    assert "check: incomplete, what would change is not known; nothing was written\n" in at_once.err
    assert "check: incomplete, 1 change found so far; nothing was written\n" in later.err


def test_a_failure_is_said_last_with_place_and_next_command(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recap, then the error in full; the exit code is the error's; JSON holds it too."""
    steps = two_steps(checkout.root)
    error = StateLocked("held by ann", place="r2://bucket/key", hint="wait, or `inv doctor`", details=["since noon"])
    use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one", error=error), steps[1]])

    ran = checkout.inv("deploy", "--env", "dev", "--json")

    assert ran.code == 7
    lines = ran.err.splitlines()
    assert "skipped  second (needs `first`, which failed)" in lines
    assert lines[-4:] == ["error: held by ann (r2://bucket/key)", "  since noon", "", "hint: wait, or `inv doctor`"]
    document = json.loads(ran.out)
    assert document["outcome"] == "failed"
    assert document["error"]["reason"] == "state-locked"
    assert document["steps"][0]["error"]["exit_code"] == 7
    assert "Traceback" not in ran.err


def test_our_own_mistake_goes_to_a_file_and_exits_70(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback on the terminal; the private file has it."""
    use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one", error=KeyError("oops"))])

    ran = checkout.inv("deploy", "--env", "dev")

    assert ran.code == 70
    assert "Traceback" not in ran.err
    (log,) = (checkout.root / ".work/log").glob("mistake-*.md")
    assert str(log) in ran.err
    assert "KeyError: 'oops'" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_tags_select_and_unknown_ones_are_refused(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """--tags and --skip-tags take lists; a misspelt one exits 2 with the nearest."""
    use_steps(monkeypatch, two_steps(checkout.root))

    ran = checkout.inv("deploy", "--env", "dev", "--tags", "b")
    wrong = checkout.inv("deploy", "--env", "dev", "--skip-tags", "a,bb")

    assert "skipped  first (not selected)" in ran.err
    assert (checkout.root / "two").exists()
    assert wrong.code == 2
    assert "unknown tag `bb`; did you mean `b`?" in wrong.err


def test_list_steps_prints_and_runs_nothing(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of contents; what is left out is marked."""
    use_steps(monkeypatch, two_steps(checkout.root))

    ran = checkout.inv("deploy", "--env", "dev", "--list-steps", "--tags", "a")
    document = json.loads(checkout.inv("deploy", "--env", "dev", "--list-steps", "--json").out)

    assert ran.out.splitlines() == ["   1  first   [a]", "-  2  second  [b]  after first"]
    assert [step["name"] for step in document["steps"]] == ["first", "second"]
    assert not (checkout.root / ".work").exists()


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        ([], 2, "`deploy` needs --env"),
        (["--env", "dve"], 2, "unknown environment `dve`; did you mean `dev`?"),
        (["--env", "dev", "--timeout", "soon"], 2, "`--timeout soon` is not a duration"),
        (["--env", "dev", "--timeout", "0"], 2, "is not a duration"),
        (["--env", "dev", "--set", "limits.parallel_step=3"], 2, "did you mean `parallel_steps`?"),
        (["--env", "dev", "--set", "nonsense"], 2, "key=value"),
    ],
)
def test_wrong_flags_touch_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, flags: list[str], code: int, message: str
) -> None:
    """One error, its exit code, and a JSON document that says failed."""
    use_steps(monkeypatch, two_steps(checkout.root))

    ran = checkout.inv("deploy", *flags, "--json")

    assert ran.code == code
    assert message in ran.err
    assert json.loads(ran.out)["error"]["exit_code"] == code
    assert not (checkout.root / "one").exists()


def test_an_interrupted_run_is_mentioned_by_the_next(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal of a run that never ended is said before the next one begins."""
    steps = two_steps(checkout.root)
    use_steps(monkeypatch, steps)
    folder = WorkFolder.of(checkout.root, target="cloudflare", environment="development").make()
    (folder / "journal.jsonl").write_text(
        '{"time": "2026-11-01T12:00:00.000+00:00", "event": "began", "playbook": "deploy"}\n'
        '{"time": "2026-11-01T12:00:01.000+00:00", "event": "step", "step": "first", "state": "started"}\n'
    )

    ran = checkout.inv("deploy", "--env", "dev")
    again = checkout.inv("deploy", "--env", "dev")

    assert "note: the last deploy (2026-11-01 12:00:00 UTC) was interrupted while it applied `first`" in ran.err
    assert "note:" not in again.err


def test_an_unverified_release_has_its_own_exit_code(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 8, and no address is printed as if all were well."""
    use_steps(
        monkeypatch, [FileStep(name="proof", path=checkout.root / "one", error=Unverified("the host serves another"))]
    )

    ran = checkout.inv("deploy", "--env", "dev")

    assert (ran.code, ran.out) == (8, "")


def test_a_full_disk_is_found_before_anything_is_touched(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be noted is not done: one error, exit 1, no traceback."""
    use_steps(monkeypatch, two_steps(checkout.root))
    folder = WorkFolder.of(checkout.root, target="cloudflare", environment="development").make()
    (folder / "journal.jsonl").symlink_to("/dev/full")

    ran = checkout.inv("deploy", "--env", "dev")

    assert ran.code == 1
    assert "error: a file cannot be written: No space left on device" in ran.err
    assert "hint: free some space" in ran.err
    assert not (checkout.root / "one").exists()


def test_a_disk_that_fills_up_stops_the_next_step_before_it_acts(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step ended; the second is not begun, and the error is the disk's."""
    first, second = two_steps(checkout.root)
    folder = WorkFolder.of(checkout.root, target="cloudflare", environment="development").make()

    def fill_up(self: FileStep, *_: object) -> dict[str, object]:
        self.path.write_text("made\n")
        (folder / "journal.jsonl").unlink()
        (folder / "journal.jsonl").symlink_to("/dev/full")
        return {}

    monkeypatch.setattr(FileStep, "apply", fill_up)
    use_steps(monkeypatch, [first, second])

    ran = checkout.inv("deploy", "--env", "dev", "--json")

    assert ran.code == 1
    assert json.loads(ran.out)["error"]["reason"] == "local-disk"
    assert (checkout.root / "one").exists()
    assert not (checkout.root / "two").exists()


def test_the_document_keeps_its_form_and_its_words_whatever_a_secret_is(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets that are JSON words or words of ours: valid JSON, same keys and words; texts are masked all the same."""
    awkward = ["true", "null", "changed", "development", "schema", "first", '": "', "2.713"]
    monkeypatch.setattr(Session, "redactor", Redactor(awkward))
    wrong = StateLocked("held since null by changed", details=["it was true"])
    steps = [
        *two_steps(checkout.root),
        FileStep(name="third", needs=("second",), path=checkout.root / "3", error=wrong),
    ]
    use_steps(monkeypatch, steps)

    document = json.loads(checkout.inv("deploy", "--env", "dev", "--json").out)

    assert (document["schema"], document["check"], document["url"] is None) == (1, False, False)
    assert (document["environment"], document["target"], document["outcome"]) == ("development", "cloudflare", "failed")
    assert [(step["name"], step["status"]) for step in document["steps"]] == [
        ("first", "changed"), ("second", "changed"), ("third", "failed"),
    ]  # fmt: skip
    assert document["error"]["reason"] == "state-locked"
    assert document["error"]["message"] == "held since *** by ***"
    assert document["error"]["details"] == ["it was ***"]


def test_secrets_never_reach_a_stream_or_the_mistake_log(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that a step registered and then blurts out is masked in progress, errors, JSON and the log."""
    canary = "canary/value+1"

    def blurt(self: FileStep, context: Context) -> bool:
        context.say(f"using {canary}")
        raise KeyError(canary)

    monkeypatch.setattr(FileStep, "observe", blurt)
    monkeypatch.setattr(Session, "redactor", Redactor([canary]))
    use_steps(monkeypatch, two_steps(checkout.root))

    ran = checkout.inv("deploy", "--env", "dev", "--json")

    (log,) = (checkout.root / ".work/log").glob("mistake-*.md")
    assert ran.code == 70
    assert "***" in ran.err
    for written in (ran.out, ran.err, log.read_text()):
        assert canary not in written
