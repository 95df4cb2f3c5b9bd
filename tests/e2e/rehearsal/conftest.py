"""One rehearsal for each module of tests: starting a sandbox is not free."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.rehearsal import Rehearsal, rehearsal


@pytest.fixture(name="stage", scope="module")
def _stage() -> Iterator[Rehearsal]:
    with rehearsal() as running:
        assert running.inv("sandbox.up").code == 0
        yield running
