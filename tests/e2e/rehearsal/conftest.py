"""One rehearsal for each module of tests: starting a sandbox is not free."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.rehearsal import Rehearsal, rehearsal
from tests.support.states import Store, store_of


@pytest.fixture(name="stage", scope="module")
def _stage() -> Iterator[Rehearsal]:
    with rehearsal() as running:
        assert running.inv("sandbox.up").code == 0
        yield running


@pytest.fixture(name="store")
def _store(stage: Rehearsal) -> Iterator[Store]:
    """The state bucket, in a world in which nothing was deployed."""
    stage.reset()
    with store_of(stage) as store:
        yield store
