"""A plan made ahead: begun once, used only if it cannot have become wrong."""

from __future__ import annotations

import threading

import pytest

from deployer.adapters.terraform import Plan, PlannedChange
from deployer.errors import ServiceFailed
from deployer.steps.ahead import Ahead

CREATE = PlannedChange("create", "a.b")


def test_it_is_made_once_however_often_it_is_begun() -> None:
    """Several stacks may begin the same one at the same time; it is handed out once."""
    calls = []

    def make() -> Plan:
        calls.append(1)
        return Plan((CREATE,), (), {}, None)

    ahead = Ahead(make)
    threads = [threading.Thread(target=ahead.begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plan = ahead.take()
    assert plan is not None
    assert len(calls) == 1
    assert ahead.take() is None


def test_what_nobody_began_is_not_waited_for() -> None:
    """The stack plans when its turn has come."""
    assert Ahead(lambda: Plan((CREATE,), (), {}, None)).take() is None


@pytest.mark.parametrize("changes", [(), (PlannedChange("update", "a.b"),), (CREATE, PlannedChange("delete", "a.c"))])
def test_a_plan_about_what_is_there_is_not_used(changes: tuple[PlannedChange, ...]) -> None:
    """Another step may have changed it meanwhile."""
    ahead = Ahead(lambda: Plan(changes, (), {}, None))
    ahead.begin()
    assert ahead.take() is None


def test_its_failure_is_nobodys() -> None:
    """The same failure shows at the stack's turn."""

    def make() -> Plan:
        raise ServiceFailed("no")

    ahead = Ahead(make)
    ahead.begin()
    assert ahead.take() is None
