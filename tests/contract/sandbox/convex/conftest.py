"""One sandbox per module with Convex in it, and the small application deployed by the real CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.convex import Convex, application, convex_sandbox


@pytest.fixture(scope="module")
def convex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Convex]:
    """A sandbox with Convex alone."""
    with convex_sandbox(tmp_path_factory.mktemp("convex")) as running:
        yield running


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the small application."""
    return application(tmp_path_factory.mktemp("checkout"))
