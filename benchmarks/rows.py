"""What is measured: one function a row of the table in docs/benchmarks.md."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import IO

from benchmarks.checkout import Checkout
from benchmarks.many import thousand, twenty
from benchmarks.measure import Command, Sample, in_turn, run, total
from benchmarks.plain import Plain
from benchmarks.row import Row


def start_up(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """`inv --list` against a bare `invoke --list` on an empty collection."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "tasks.py").write_text("from invoke import Collection\n\nns = Collection()\n")
    # Invoke lists nothing, says so and exits with 1.
    environment = {**checkout.environment, "PYTHONPATH": ""}
    bare = Command(argv=("inv", "--list"), cwd=empty, environment=environment, success=1)
    pair = in_turn(lambda: run(checkout.command("inv", "--list"), log), lambda: run(bare, log), runs=runs * 3)
    ours, theirs = pair.seconds
    yield Row(
        what="`inv --list` against `invoke --list` on an empty collection",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.2f} s",
        result=f"{pair.ratio:.2f}x",
        bar="<= 1.3x",
        met=pair.ratio <= 1.3,
    )


def sandbox(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """A sandbox of its own that starts with nothing, and is reset."""
    home = {**checkout.environment, "SANDBOX_HOME": str(folder / "home")}
    starts, resets = [], []
    for _ in range(runs + 1):
        starts.append(run(replace(checkout.command("inv", "sandbox.up"), environment=home), log).seconds)
        resets.append(run(replace(checkout.command("inv", "sandbox.reset"), environment=home), log).seconds)
        run(replace(checkout.command("inv", "sandbox.down"), environment=home), log)
        shutil.rmtree(folder / "home")
    for what, samples, bar in (("start of an empty sandbox", starts, 6), ("its reset", resets, 2)):
        seconds = statistics.median(samples[1:])
        yield Row(
            what=what,
            ours=f"{seconds:.1f} s",
            theirs="",
            result="",
            bar=f"<= {bar} s",
            met=seconds <= bar,
        )


def first_deploy(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """The first deploy against the plain sequence, and the floor that its slowest tool sets."""
    plain = Plain(checkout, folder / "plain")
    steps: list[Sequence[tuple[str, Sample]]] = []

    def theirs() -> Sample:
        reset(checkout)
        plain.forget()
        # The bucket that Terraform keeps its state in is there before such a sequence ever runs.
        checkout.call("inv", "deploy", "--env", "dev", "--sandbox", "--tags", "state")
        checkout.call("inv", "render", "--env", "dev", "--sandbox", "--write")
        steps.append(plain(log))
        return total([sample for _, sample in steps[-1]])

    def ours() -> Sample:
        reset(checkout)
        plain.forget()
        return run(deploy(checkout), log)

    pair = in_turn(ours, theirs, runs=runs, warm_up=1)
    seconds, sequence = pair.seconds
    slowest = max(_by_tool(steps[-1]), key=lambda found: found[1])
    yield Row(
        what="first deploy against the plain sequence of tools",
        ours=f"{seconds:.1f} s",
        theirs=f"{sequence:.1f} s",
        result=f"{1 / pair.ratio:.1f}x faster (slowest single tool: {slowest[0]} {slowest[1]:.1f} s)",
        bar=">= 3x faster, or the floor of the slowest tool",
        met=1 / pair.ratio >= 3,
    )
    peak = own_peak(checkout, log)
    yield Row(
        what="the deployer's own process in a first deploy, peak resident memory",
        ours=f"{peak / 1e6:.0f} MB",
        theirs="",
        result="",
        bar="<= 150 MB",
        met=peak <= 150e6,
    )


def second_deploy(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """A deploy without change, against the sequence repeated and against bare `terraform plan` of the same stacks."""
    plain = Plain(checkout, folder / "plain")
    reset(checkout)
    plain.forget()
    run(deploy(checkout), log)
    checkout.call("inv", "render", "--env", "dev", "--sandbox", "--write")
    environment = plain.environment()
    for stack in ("site", "hosts"):
        run(next(iter(plain.terraform(stack, environment)))[1], log)
    plans = [plain.plan(stack, environment) for stack in ("site", "hosts")]
    pair = in_turn(lambda: run(deploy(checkout), log), lambda: total([run(plan, log) for plan in plans]), runs=runs * 3)
    ours, theirs = pair.seconds
    yield Row(
        what="second deploy against bare `terraform plan` of its stacks",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.2f} s",
        result=f"{pair.ratio:.2f}x",
        bar="<= 2.0x + 0.5 s",
        met=ours <= 2.0 * theirs + 0.5,
    )

    def repeated() -> Sample:
        # The sequence has replaced what was live; what is measured is a deploy after one of our own.
        run(deploy(checkout), log)
        return run(deploy(checkout), log)

    pair = in_turn(repeated, lambda: total([sample for _, sample in plain(log)]), runs=runs, warm_up=0)
    ours, theirs = pair.seconds
    yield Row(
        what="repeated deploy without change against that sequence repeated",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.1f} s",
        result=f"{1 / pair.ratio:.0f}x faster",
        bar=">= 10x faster",
        met=1 / pair.ratio >= 10,
    )


def plan(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """`inv plan` of what is deployed already, against bare `terraform plan` of the same stacks, one after the other."""
    plain = Plain(checkout, folder / "plain")
    reset(checkout)
    plain.forget()
    run(deploy(checkout), log)
    checkout.call("inv", "render", "--env", "dev", "--sandbox", "--write")
    environment = plain.environment()
    for stack in ("site", "hosts"):
        run(next(iter(plain.terraform(stack, environment)))[1], log)
    plans = [plain.plan(stack, environment) for stack in ("site", "hosts")]
    command = checkout.command("inv", "plan", "--env", "dev", "--sandbox")
    pair = in_turn(lambda: run(command, log), lambda: total([run(plan, log) for plan in plans]), runs=runs * 3)
    ours, theirs = pair.seconds
    yield Row(
        what="`inv plan` of what is deployed against bare `terraform plan` of its stacks",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.2f} s",
        result=f"{pair.ratio:.2f}x",
        bar="<= 1.05x, or 0.3 s more",
        met=ours <= max(1.05 * theirs, theirs + 0.3),
    )


def rendering(checkout: Checkout, folder: Path, log: IO[bytes], runs: int) -> Iterator[Row]:
    """A plan with 5,000 changes: all its renderings, and the way from Terraform's JSON to it."""
    sizes: dict[str, int] = {}

    def sample(part: str) -> Sample:
        found = json.loads(checkout.call(sys.executable, "-m", "benchmarks.rendering", part))
        sizes[part] = found["size"]
        return Sample(seconds=found["seconds"], peak=found["peak"])

    pair = in_turn(lambda: sample("render"), lambda: sample("dump"), runs=runs * 3)
    ours, theirs = pair.seconds
    yield Row(
        what="5,000 changes in all renderings against `json.dumps` of their document",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.2f} s",
        result=f"{pair.ratio:.1f}x",
        bar="<= 1 s",
        met=ours <= 1,
    )
    yield Row(
        what="peak resident memory of that",
        ours=f"{pair.peak / 1e6:.0f} MB",
        theirs=f"{max(each.peak for each in pair.theirs) / 1e6:.0f} MB",
        result="",
        bar="<= 200 MB",
        met=pair.peak <= 200e6,
    )
    yield Row(
        what="size of the comment among them",
        ours=f"{sizes['render']:,} bytes",
        theirs=f"{sizes['dump']:,} bytes",
        result="",
        bar="<= 65,536 bytes",
        met=sizes["render"] <= 65_536,
    )
    pair = in_turn(lambda: sample("read"), lambda: sample("load"), runs=runs * 3)
    ours, theirs = pair.seconds
    yield Row(
        what="5,000 resources read from Terraform's plan against `json.loads` of it",
        ours=f"{ours:.2f} s",
        theirs=f"{theirs:.2f} s",
        result=f"{pair.ratio:.1f}x",
        bar="<= 1 s",
        met=ours <= 1,
    )


ALL: Sequence[Callable[[Checkout, Path, IO[bytes], int], Iterator[Row]]] = (
    start_up,
    sandbox,
    first_deploy,
    second_deploy,
    plan,
    rendering,
    thousand,
    twenty,
)


def deploy(checkout: Checkout) -> Command:
    """Return the command that is measured."""
    return checkout.command("inv", "deploy", "--env", "dev", "--sandbox", "--json")


def reset(checkout: Checkout) -> None:
    """Forget what was deployed, on both sides of the connection."""
    checkout.call("inv", "sandbox.reset")


def own_peak(checkout: Checkout, log: IO[bytes]) -> int:
    """Return the deployer's own peak memory in a first deploy, without its children (which the kernel adds)."""
    reset(checkout)
    program = (
        "import resource, sys; from invoke import Program; "
        "sys.argv[0] = 'inv'\n"
        "try: Program().run()\n"
        "finally: print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    before = Path(log.name).stat().st_size
    run(checkout.command(sys.executable, "-c", program, "deploy", "--env", "dev", "--sandbox"), log)
    log.flush()
    lines = Path(log.name).read_bytes()[before:].decode(errors="replace").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("PEAK "))) * 1024


def _by_tool(steps: Sequence[tuple[str, Sample]]) -> list[tuple[str, float]]:
    """Add up the runs of one tool that follow one another."""
    return [(name, sum(s.seconds for _, s in group)) for name, group in groupby(steps, key=lambda step: step[0])]
