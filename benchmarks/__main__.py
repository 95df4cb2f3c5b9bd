"""Measure everything and write the table; `./bootstrap nox -s benchmarks` runs it.

One part alone, without writing the page: `python -m benchmarks --runs 3 --only start_up`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.checkout import ROOT, scratch
from benchmarks.measure import CommandFailedError
from benchmarks.row import Row
from benchmarks.rows import ALL

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- table: written by `nox -s benchmarks` -->\n", "<!-- end of table -->\n"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = ["| what | ours | bare | result | bar | met |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {r.what} | {r.ours} | {r.theirs} | {r.result} | {r.bar} | {'yes' if r.met else 'no'} |" for r in rows]
    when = datetime.now(UTC).date().isoformat()
    where = f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return "\n".join([*lines, "", f"Measured {when} on {where}; medians of runs taken in turn.", ""])


def main() -> int:
    """Run the rows asked for; write the page only when all were measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--runs", type=int, default=3, help="counted runs of the slow rows (quick ones: three times that)"
    )
    parser.add_argument(
        "--only", choices=[function.__name__ for function in ALL], help="one part, without writing the page"
    )
    options = parser.parse_args()
    chosen = [function for function in ALL if options.only in (None, function.__name__)]
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as name,
        scratch(Path(name)) as checkout,
        (Path(name) / "output.log").open("ab", buffering=0) as log,
    ):
        for function in chosen:
            for row in function(checkout, Path(name), log, options.runs):
                print(f"{row.what}: {row.ours} / {row.theirs or '-'} {row.result} (bar {row.bar})", file=sys.stderr)
                rows.append(row)
    print(table(rows))
    if options.only is None:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table(rows) + END + rest.partition(END)[2])
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandFailedError as error:
        sys.exit(f"error: a measured command failed\n{error}")
