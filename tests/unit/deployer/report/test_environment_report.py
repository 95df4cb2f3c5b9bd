"""The comment on a pull request: every state says what a reader needs next, and nobody's text breaks out of it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.templates import Templates
from deployer.report.environment_report import TEMPLATE, EnvironmentReport

TEMPLATES = Templates(Path(__file__).parents[4] / "templates")
UP = EnvironmentReport(
    environment="pr-12",
    state="up",
    url="https://pr-12.vibechecc.app",
    commit="4f0c2d1e9a7b35c81d6e0f2a4b6c8d9e0f1a2b3c",
    release="910a8308e8f7ad5eb2b3ee9701791e68",
    took=92.4,
    tests="passed",
    tests_url="https://github.com/acme/shop/actions/runs/5",
    log_url="https://github.com/acme/shop/actions/runs/5",
    expires=dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC),
)


def text(report: EnvironmentReport, **changes: Any) -> str:
    """The comment."""
    return TEMPLATES.render(TEMPLATE, replace(report, **changes).values())


def test_up_says_where_what_and_until_when() -> None:
    """Address, commit, proof, duration, tests, cost, expiry: each in its line."""
    said = text(UP)
    assert said.startswith("### <code>pr-12</code> is up\n")
    for line in (
        "| address | [<code>pr-12.vibechecc.app</code>](https://pr-12.vibechecc.app) |",
        "| commit | <code>4f0c2d1e9a7b</code> |",
        "| proven release | <code>910a8308e8f7</code> |",
        "| took | 92 s |",
        "| end-to-end tests | [passed](https://github.com/acme/shop/actions/runs/5) |",
        "| cost | not estimated |",
        "| expires | 2026-11-28 12:00 UTC |",
    ):
        assert line in said.splitlines()


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    """Never an empty cell, never a success."""
    said = text(UP, commit=None, release=None, took=None, tests=None, expires=None)
    rows = [line for line in said.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))
    assert "| proven release | not proven |" in said
    assert "| end-to-end tests | not run |" in said


def test_a_pinned_one_does_not_expire() -> None:
    """Whatever its lease says."""
    assert "| expires | pinned: it stays until the pull request is closed |" in text(UP, pinned=True)


def test_failed_says_why_and_which_command_finishes_it() -> None:
    """And when what is there goes."""
    said = text(
        UP, state="failed", failure="run 7 ended failed in worker (tool-failed)", command="inv pr.up --number 12"
    )
    assert "### <code>pr-12</code> is not up" in said
    assert "run 7 ended failed in worker (tool-failed)" in said
    assert "What finishes it: <code>inv pr.up --number 12</code>" in said
    assert "What there is of it expires: 2026-11-28 12:00 UTC." in said
    assert "The last run did not end well." in text(UP, state="failed")


def test_removed_lists_what_went_and_what_stayed() -> None:
    """A long list is cut and counted."""
    said = text(UP, state="removed", removed=["worker", "terraform site"], left=["buckets"], command="inv pr.down")
    assert said.splitlines() == [
        "### <code>pr-12</code> is removed", "", "Removed were:", "",
        "- <code>worker</code>", "- <code>terraform site</code>", "", "Still there:", "",
        "- <code>buckets</code>", "", "What removes it: <code>inv pr.down</code>",
    ]  # fmt: skip
    assert "Its last run had nothing to remove." in text(UP, state="removed")
    assert "is removed\n\nWhy: expired.\n\nRemoved were:" in text(
        UP, state="removed", why="expired", removed=["worker"]
    )
    many = text(UP, state="removed", removed=[f"thing-{n}" for n in range(100)])
    assert "- and 60 more" in many


def test_coming_names_the_commit_and_the_log() -> None:
    """Before anything is known."""
    assert "from commit <code>4f0c2d1e9a7b</code>, see the [log](" in text(UP, state="coming")


@pytest.mark.parametrize("state", ["coming", "up", "failed", "removed"])
@pytest.mark.parametrize(
    "bad",
    [
        "@everyone </code><img src=x> [a](http://evil)",
        "a | b\n\n# head\n- [x] done",
        "``` ` --> <!-- deployer: environment -->",
        "fixes #1, GH-2, acme/shop#3 \u202e\x1b[31m",
    ],
)
def test_nobodys_text_breaks_out(state: Any, bad: str) -> None:
    """Names, errors and links that mean something to Markdown are letters only; nobody is called by them."""
    said = text(
        UP, state=state, environment=bad, commit=bad, release=bad, failure=bad, command=bad, removed=[bad], left=[bad],
        why=bad, url=f"https://{bad}", log_url=bad, tests_url=bad,
    )  # fmt: skip
    # Where a link leads is nobody's text: it was quoted as an address.
    said = re.sub(r"\]\(https?://[^()\s]*\)", "]", said)
    for harmful in ("@everyone", "<img", "](http://evil)", "\n# head", "- [x]", "```", "-->", "\u202e", "\x1b"):
        assert harmful not in said
    assert "#1" not in said.replace("&#1", "")


def test_the_description_is_one_plain_line() -> None:
    """For deployments and statuses."""
    assert UP.description == "pr-12 is up, tests passed"
    assert replace(UP, state="failed", failure="x").description == "pr-12 is not up: x"
    assert replace(UP, state="removed", left=["x"]).description == "pr-12 is removed, something is left"
