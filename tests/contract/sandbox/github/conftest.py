"""One sandbox with GitHub alone for all tests of this folder; each forgets what the one before did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.github_world import SEED, Client
from tests.support.sandbox import Running, running_sandbox


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """GitHub, seeded with one repository."""
    with running_sandbox(tmp_path_factory.mktemp("github"), only=("github",), seed=SEED) as world:
        yield world


@pytest.fixture
def github(running: Running) -> Client:
    """A client with the sandbox's own token, in a fresh world."""
    running.control("POST", "/reset")
    return Client(running)
