"""`once` makes a property once per object, however many threads ask for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deployer.adapters.node import Node, program_folder
from deployer.adapters.once import once


@dataclass(frozen=True)
class Thing:
    """Has a property that takes a while."""

    made: list[object] = field(default_factory=list)

    @once
    def slow(self) -> object:
        """What is made."""
        time.sleep(0.02)
        self.made.append(object())
        return self.made[-1]

    @once
    def above(self) -> tuple[object, object]:
        """Asks for another one."""
        return (self.slow, self.slow)


def test_threads_share_what_one_of_them_made() -> None:
    """Eight threads that start together get one and the same object; another thing has its own."""
    thing, other, start = Thing(), Thing(), threading.Barrier(8)

    def ask() -> object:
        start.wait()
        return thing.above[0]

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert {id(each) for each in found} == {id(thing.made[0])}
    assert len(thing.made) == 1
    assert other.slow is not thing.slow


def test_threads_can_link_programs_at_the_same_time(tmp_path: Path) -> None:
    """Two steps that want `node` on their PATH at the same moment do not move each other's files away."""
    node = Node(Path("/bin/true"), "22.12.0", Path("/opt/npm-cli.js"))
    for attempt in range(40):
        start = threading.Barrier(4)

        def link(folder: Path = tmp_path / str(attempt), start: threading.Barrier = start) -> Path:
            start.wait()
            return program_folder(node, folder)

        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(link) for _ in range(4)]:
                future.result()
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["node", "npm", "npx"]
    assert (tmp_path / "0" / "node").stat().st_mode & 0o777 == 0o700
