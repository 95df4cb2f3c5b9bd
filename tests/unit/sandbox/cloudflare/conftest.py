"""A fresh stand-in for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cloudflare import Api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """The API with one account and one zone."""
    return Api(tmp_path)
