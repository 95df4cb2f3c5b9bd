"""The boundary to Terraform: our own mistakes are told, and cost no state."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from tf.gen import tfplugin_pb2 as pb

from sandbox.provider.facts import schema
from sandbox.provider.protocol import dump, load
from sandbox.provider.provider import Provider
from sandbox.provider.server import Servicer

KV = schema("resource", "cloudflare_workers_kv_namespace")


class _Caller:
    """The other end of a call."""

    def is_active(self) -> bool:
        """Terraform still waits."""
        return True


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Servicer:
    """A provider whose every operation fails in a way that nobody thought of."""

    def fail(*_: Any) -> None:
        raise KeyError("nobody thought of this")

    for name in ("apply", "read", "plan"):
        monkeypatch.setattr(Provider, name, fail)
    caplog.set_level(logging.CRITICAL)
    return Servicer(Provider({}))


def test_a_mistake_of_ours_is_a_diagnostic(broken: Servicer) -> None:
    """The connection stays, and the message names the operation and the type."""
    request = pb.ReadResource.Request(type_name=KV.name, current_state=dump(KV.empty(), KV))

    answer = broken.ReadResource(request, _Caller())

    assert answer.diagnostics[0].summary == "The embedded provider has a bug"
    assert KV.name in answer.diagnostics[0].detail


def test_a_mistake_in_an_apply_leaves_the_state_as_it_was(broken: Servicer) -> None:
    """What existed before is not forgotten."""
    state = {**KV.empty(), "account_id": "a", "title": "t", "id": "i"}
    request = pb.ApplyResourceChange.Request(
        type_name=KV.name, prior_state=dump(state, KV), planned_state=dump({**state, "title": "u"}, KV)
    )

    answer = broken.ApplyResourceChange(request, _Caller())

    assert load(answer.new_state, KV) == state
    assert answer.diagnostics[0].severity == pb.Diagnostic.ERROR


def test_the_schema_is_made_once() -> None:
    """Terraform asks for it in every run."""
    servicer = Servicer(Provider({}))

    first, second = (servicer.GetProviderSchema(pb.GetProviderSchema.Request(), _Caller()) for _ in range(2))

    assert first is second
    assert (len(first.resource_schemas), len(first.data_source_schemas)) == (60, 94)
