"""One clone with a sandbox of its own for each module of tests: starting a sandbox is not free."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.e2e_clone import Clone, scratch_clone
from tests.support.e2e_world import World


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The clone of this module."""
    with scratch_clone(tmp_path_factory.mktemp("clone")) as clone:
        yield clone


@pytest.fixture(scope="module")
def world(clone: Clone) -> World:
    """What the clone's sandbox holds."""
    return World(clone)
