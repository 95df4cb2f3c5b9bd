"""Many ephemeral environments: what looks at a thousand of them, and twenty that come up and go side by side."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from benchmarks.checkout import Checkout
from benchmarks.crowd import fill
from benchmarks.measure import CommandFailedError, run
from benchmarks.row import Row

THOUSAND: Final = 1000
TWENTY: Final = 20
# By so much every answer of the sandbox is late in the second part. Real services are later; without it everything
# waits for the processors of this machine alone, and nobody for a service.
LATE_MS: Final = 100
_SERVICES: Final = ("cloudflare", "convex", "github", "s3", "secretsmanager")


def thousand(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """`inv envs` with a thousand environments written out; `inv pr.sweep --check` with a thousand in every service."""
    inventory = checkout.root / "environments.toml"
    text = inventory.read_text()
    inventory.write_text(text + "".join(map(_written_out, range(THOUSAND))))
    samples = [run(checkout.command("inv", "envs"), log) for _ in range(runs + 1)][1:]
    inventory.write_text(text)
    seconds = statistics.median(sample.seconds for sample in samples)
    yield Row(
        what=f"`inv envs` with {THOUSAND:,} environments in the inventory",
        ours=f"{seconds:.2f} s",
        theirs="",
        result="",
        bar="<= 2 s",
        met=seconds <= 2,
    )
    fill(checkout, THOUSAND)
    samples = [run(checkout.command("inv", "pr.sweep", "--check", "--sandbox"), log) for _ in range(runs + 1)][1:]
    seconds = statistics.median(sample.seconds for sample in samples)
    yield Row(
        what=f"`inv pr.sweep --check` with {THOUSAND:,} environments in every service",
        ours=f"{seconds:.1f} s",
        theirs="",
        result="",
        bar="<= 20 s",
        met=seconds <= 20,
    )
    peak = max(sample.peak for sample in samples)
    yield Row(
        what="peak resident memory of that",
        ours=f"{peak / 1e6:.0f} MB",
        theirs="",
        result="",
        bar="<= 200 MB",
        met=peak <= 200e6,
    )
    checkout.call("inv", "sandbox.reset")


def twenty(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """`inv pr.up` and `inv pr.down` of twenty numbers at the same time, against one after the other; once each."""
    checkout.call("inv", "sandbox.reset")
    # Whatever is compiled or installed once is there.
    checkout.call("inv", "pr.up", "--number", "1", "--sandbox")
    for service in _SERVICES:
        late = ("--path", "*", "--delay-ms", str(LATE_MS), "--count", "10000000")
        checkout.call("inv", "sandbox.fault", "--service", service, *late)
    first, second = range(100, 100 + TWENTY), range(200, 200 + TWENTY)
    try:
        turns = {verb: _one_after_the_other(checkout, verb, first) for verb in ("pr.up", "pr.down")}
        sides = {verb: _side_by_side(checkout, verb, second) for verb in ("pr.up", "pr.down")}
    finally:
        checkout.call("inv", "sandbox.fault", "--clear")
    ours, theirs = sum(sides.values()), sum(turns.values())
    yield Row(
        what=f"{TWENTY} environments up and down side by side against one after the other, answers {LATE_MS} ms late",
        ours=f"{ours:.0f} s",
        theirs=f"{theirs:.0f} s",
        result=f"{ours / theirs:.2f}x",
        bar="<= 0.4x",
        met=ours <= 0.4 * theirs,
    )


def _written_out(number: int) -> str:
    return (
        f'\n[environments.team-{number}]\nkind = "development"\nhost = "team-{number}.{{zone}}"\n'
        f'convex = {{ deployment = "calm-otter-{number}", deploy_key = {{ env = "CONVEX_DEPLOY_KEY_TEAM" }} }}\n'
    )


def _one_after_the_other(checkout: Checkout, verb: str, numbers: range) -> float:
    start = time.monotonic()
    for number in numbers:
        checkout.call("inv", verb, "--number", str(number), "--sandbox")
    return time.monotonic() - start


def _side_by_side(checkout: Checkout, verb: str, numbers: range) -> float:
    start = time.monotonic()
    started = [
        subprocess.Popen(
            ("inv", verb, "--number", str(number), "--sandbox"),
            cwd=checkout.root,
            env=dict(checkout.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        for number in numbers
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    for said, code in ended:
        if code:
            raise CommandFailedError(f"exit {code}: inv {verb}, {TWENTY} at the same time\n{said[-2000:]}")
    return time.monotonic() - start
