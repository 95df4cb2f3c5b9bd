"""What is read of what act prints."""

from __future__ import annotations

from deployer.cli.ci_rehearsal import failed_steps

PRINTED = """\
[pr-cleanup/pr-down   ] ⭐ Run Main ./bootstrap inv pr.down --number "$NUMBER" --unless-open
[pr-cleanup/pr-down   ]   | error: it is [not] there
[pr-cleanup/pr-down   ]   ❌  Failure - Main ./bootstrap inv pr.down --number "$NUMBER" --unless-open [1.5497s]
[pr-cleanup/pr-cleanup]   ✅  Success - Main ./.github/actions/setup [498.7ms]
[pr-cleanup/pr-cleanup]   ❌  Failure - Main ./bootstrap inv ci.gate --may-skip pr-down [176.516008ms]
"""


def test_the_steps_that_failed_are_named_with_their_jobs() -> None:
    """They are what to type; nothing secret comes with them."""
    assert failed_steps(PRINTED, lambda text: text.replace("--unless-open", "***")) == [
        'pr-down: ./bootstrap inv pr.down --number "$NUMBER" ***',
        "pr-cleanup: ./bootstrap inv ci.gate --may-skip pr-down",
    ]
    assert failed_steps("", str) == []
