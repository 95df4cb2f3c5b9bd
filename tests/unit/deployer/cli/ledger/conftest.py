"""A checkout whose deploy has one step, with credentials and a bucket in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout, FileStep, make_checkout, use_steps


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for name in (CLOUDFLARE_TOKEN, *R2_KEYS, *AWS_KEYS):
        monkeypatch.setenv(name, "made-up-credential")
    return make_checkout(tmp_path, capsys)


@pytest.fixture(name="bucket")
def _bucket(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    return use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one")])
