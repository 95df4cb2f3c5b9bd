"""One AWS server for all tests of steps; each test has a bucket of its own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest

from deployer.adapters.state import Bucket
from deployer.engine.step import Context
from deployer.engine.stop import Stop
from tests.support.s3 import aws_server
from tests.support.s3 import bucket as make_bucket


@pytest.fixture(name="aws", scope="session")
def _aws() -> Iterator[str]:
    with aws_server() as address:
        yield address


@pytest.fixture(name="bucket")
def _bucket(aws: str) -> Bucket:
    return make_bucket(aws, f"state-{uuid.uuid4().hex[:8]}")


class GivenValues:
    """What earlier steps are said to have provided."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def read(self, name: str, reader: str) -> object:
        """The value; asking for another one fails the test."""
        return self.values[name]


@pytest.fixture(name="context")
def _context() -> type[ContextOf]:
    return ContextOf


class ContextOf:
    """Makes contexts: `context.of(check=..., **values)`."""

    @staticmethod
    def of(*, check: bool = False, stop: threading.Event | None = None, **values: object) -> Context:
        """A context in which earlier steps have provided `values` (double underscores stand for dots)."""
        given = GivenValues({name.replace("__", "."): value for name, value in values.items()})
        stopping = Stop(requested=stop) if stop else Stop()
        return Context(step="tested", check=check, stop=stopping, values=given)
