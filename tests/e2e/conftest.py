"""One clone, or one rehearsal, with a sandbox of its own for each module of tests: starting a sandbox is not free."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.e2e_clone import Clone, scratch_clone
from tests.support.e2e_world import World
from tests.support.rehearsal import Rehearsal, rehearsal
from tests.support.states import Store, store_of


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The clone of this module."""
    with scratch_clone(tmp_path_factory.mktemp("clone")) as clone:
        yield clone


@pytest.fixture(scope="module")
def world(clone: Clone) -> World:
    """What the clone's sandbox holds."""
    return World(clone)


@pytest.fixture(scope="module")
def stage() -> Iterator[Rehearsal]:
    """The rehearsal of this module."""
    with rehearsal() as running:
        assert running.inv("sandbox.up").code == 0
        yield running


@pytest.fixture
def store(stage: Rehearsal) -> Iterator[Store]:
    """The state bucket, in a world in which nothing was deployed."""
    stage.reset()
    with store_of(stage) as store:
        yield store
