"""What several rehearsals begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.kills import git
from tests.support.rehearsal import Rehearsal


@pytest.fixture
def deployed(stage: Rehearsal) -> Iterator[Rehearsal]:
    """Development as the inventory says, whatever the test before has left."""
    git(stage.root, "reset", "-q", "--hard")
    assert stage.deploy().code == 0
    yield stage
    git(stage.root, "reset", "-q", "--hard")
