"""Tasks within a job: errors stand where they belong in the sources, and a rehearsal reaches the sandbox only."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli import ci_runs
from deployer.errors import PolicyViolated
from tests.support.cli import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """An empty checkout."""
    return make_checkout(tmp_path, capsys)


def for_the_runner(text: str) -> list[str]:
    """The lines that the runner takes for its own."""
    return [line for line in text.splitlines() if line.startswith("::")]


def test_a_mistake_in_the_inventory_is_shown_at_its_line(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """For people the message stays as it is; outside a job there is no such line."""
    path = checkout.root / "environments.toml"
    path.write_text(path.read_text().replace("dnssec = true", "dnssec = 1"))
    line = next(number for number, text in enumerate(path.read_text().splitlines(), start=1) if "dnssec = 1" in text)

    alone = checkout.inv("envs")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    in_job = checkout.inv("envs")

    assert alone.code == in_job.code == 2
    assert for_the_runner(alone.err) == []
    (shown,) = for_the_runner(in_job.err)
    assert shown.startswith(f"::error file=environments.toml,line={line},title=inv envs::")
    assert alone.err in in_job.err


def test_every_rule_that_a_plan_breaks_is_shown_at_its_own_line(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what strangers have named cannot begin a line of its own."""
    points = [("tls: too old\n::add-path::/tmp", "environments.toml:12"), ("waf: off", "environments.toml:40")]

    def refuse(*_arguments: object, **_flags: object) -> int:
        raise PolicyViolated("two rules are broken", place="environments.toml:12", points=points)

    monkeypatch.setattr(ci_runs, "show_affected", refuse)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    ran = checkout.inv("ci.affected")

    assert ran.code == 11
    assert for_the_runner(ran.err) == [
        "::error file=environments.toml,line=12,title=inv ci.affected::tls: too old%0A::add-path::/tmp",
        "::error file=environments.toml,line=40,title=inv ci.affected::waf: off",
    ]


def test_a_rehearsal_makes_every_task_act_on_the_sandbox(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the workflow types; it says so. Nothing makes a task with the flag act on the cloud."""
    seen: list[bool] = []

    def note(*_arguments: object, sandbox: bool, **_flags: object) -> int:
        seen.append(sandbox)
        return 0

    monkeypatch.setattr(ci_runs, "decide_preview", note)
    checkout.inv("ci.preview")
    checkout.inv("ci.preview", "--sandbox")
    monkeypatch.setenv("DEPLOYER_SANDBOX", "1")
    told = checkout.inv("ci.preview")
    monkeypatch.setenv("DEPLOYER_SANDBOX", "")
    checkout.inv("ci.preview")

    assert seen == [False, True, True, False]
    assert "DEPLOYER_SANDBOX is set, so this acts on the sandbox" in told.err
