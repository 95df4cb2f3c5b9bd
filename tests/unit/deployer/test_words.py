"""Moments and commands as people read them."""

from __future__ import annotations

import datetime as dt

import pytest

from deployer.words import Named, moment

LATE = dt.datetime(2026, 11, 25, 23, 11, 7, tzinfo=dt.timezone(dt.timedelta(hours=6)))


def test_a_moment_is_in_utc_wherever_it_was_noted() -> None:
    """To the minute; to the second where two lie in one minute."""
    assert moment(LATE) == "2026-11-25 17:11 UTC"
    assert moment(LATE, seconds=True) == "2026-11-25 17:11:07 UTC"


@pytest.mark.parametrize(("target", "end"), [("sandbox", " --sandbox"), ("cloudflare", "")])
def test_a_command_acts_on_the_target_that_is_spoken_of(target: str, end: str) -> None:
    """What somebody is told to type in the sandbox does not act on the cloud."""
    named = Named("dev", target)

    assert named.command("state.restore", "--stack site") == f"`inv state.restore --env dev --stack site{end}`"
    assert named.command("history") == f"`inv history --env dev{end}`"
    assert named.bare("plan") == f"inv plan --env dev{end}"
    assert named.listing("pr.sweep", "--number 12") == f"`inv pr.sweep --number 12{end}`"
