"""What an ephemeral environment costs the services in requests: bounded, and no more because others are there."""

from __future__ import annotations

from tests.support.rehearsal import Rehearsal

# With some room above what was counted: a proof or a health check may be asked for once more on a slow machine.
MOST = {"pr.up": 190, "pr.up again": 60, "pr.down": 120, "pr.down again": 45}
MOST_OF_A_SWEEP = 30
# What differs between two runs of the same kind.
SOME = 12


def requests(stage: Rehearsal, *command: str) -> int:
    """How many requests a command makes, to all services together."""
    before = len(stage.requests())
    ran = stage.inv(*command, "--sandbox")
    assert ran.code == 0, ran.err
    return len(stage.requests()) - before


def life(stage: Rehearsal, number: int) -> dict[str, int]:
    """Requests of each command in the life of an environment."""
    flags = ("--number", str(number))
    return {
        "pr.up": requests(stage, "pr.up", *flags),
        "pr.up again": requests(stage, "pr.up", *flags),
        "pr.down": requests(stage, "pr.down", *flags),
        "pr.down again": requests(stage, "pr.down", *flags),
    }


def test_requests_are_bounded_whoever_else_is_there(stage: Rehearsal) -> None:
    """Each command stays below its bound; with other environments beside it, it costs the same."""
    requests(stage, "pr.up", "--number", "1")
    alone = life(stage, 12)
    assert {name: count for name, count in alone.items() if count > MOST[name]} == {}
    empty = requests(stage, "pr.sweep", "--check")
    for number in (2, 3):
        requests(stage, "pr.up", "--number", str(number))
    among = life(stage, 13)
    assert {name: count for name, count in among.items() if count > alone[name] + SOME} == {}
    # One more for each lease; everything else is in the listings.
    assert requests(stage, "pr.sweep", "--check") <= empty + 3
    assert empty <= MOST_OF_A_SWEEP
