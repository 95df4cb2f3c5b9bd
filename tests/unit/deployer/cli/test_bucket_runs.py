"""inv state.bootstrap from flags to exit code, on a bucket in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployer.engine.playbook import Playbook
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout, FileStep, make_checkout, use_steps


class Careless(MemoryBucket):
    """Two writers of one object are both told that they have won."""

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Whatever was there."""
        self.objects.pop(key, None)
        super().try_put(key, body, replaces=None)
        return True


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout = make_checkout(tmp_path, capsys)

    def steps(_wiring: object, **_more: Any) -> Playbook:
        return Playbook("bootstrap", [FileStep(name="first", path=checkout.root / "one")])

    monkeypatch.setattr("deployer.playbooks.bootstrap.bootstrap", steps)
    return checkout


def test_the_store_is_tried_when_the_bucket_is_as_it_should_be(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time, and it is no change; a check writes nothing, and says what it did not try."""
    bucket = use_steps(monkeypatch, [])

    looked = checkout.inv("state.bootstrap", "--check", "--json")
    assert looked.code == 0, looked.err
    assert bucket.writes == []
    assert "conditional writes were not tried" in looked.out
    for changed in (1, 0):
        before = len(bucket.writes)
        ran = checkout.inv("state.bootstrap", "--json")
        assert ran.code == 0, ran.err
        assert f'"changed": {changed}' in ran.out
        assert len(bucket.writes) > before
    assert not bucket.objects


def test_a_store_that_refuses_no_writer_fails_the_bootstrap(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the document of a failed run."""
    use_steps(monkeypatch, [])
    monkeypatch.setattr("deployer.playbooks.wiring.Wiring.bucket", lambda _wiring, _name: Careless())

    ran = checkout.inv("state.bootstrap", "--json")

    assert ran.code == 9
    assert '"outcome": "failed"' in ran.out
    assert "the store does not keep conditional writes" in ran.err
