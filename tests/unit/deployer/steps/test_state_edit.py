"""Changes of a state by hand: what is refused, what is done already, and a copy around what Terraform does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.adapters.terraform import Stack
from deployer.adapters.terraform.state_commands import show
from deployer.engine.change import Action
from deployer.errors import Damaged, GuardRefused, ToolFailed, UsageError
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_edit import StateEdit, StateForgotten, StateMoved
from deployer.steps.state_file import StateFile
from tests.support.buckets import MemoryBucket, state_in, terraform_state

KEY = "terraform/development/site.tfstate"


def state_of(*names: str, serial: int = 1) -> dict[str, Any]:
    """A state with buckets of these names in a module, and a worker."""
    data = terraform_state(("cloudflare_worker", {"id": "w"}), serial=serial)
    instances = [{"index_key": name, "attributes": {"id": name}} for name in names]
    bucket = {"mode": "managed", "type": "cloudflare_r2_bucket", "name": "this", "instances": instances}
    data["resources"].append({"module": "module.storage", **bucket})
    return data


class Terraform:
    """Notes what it is told, and writes the state that comes of it."""

    def __init__(self, bucket: MemoryBucket, after: dict[str, Any] | None = None) -> None:
        self.bucket, self.after = bucket, after
        self.told: list[list[str]] = []

    def edit(self, verb: str, arguments: list[str]) -> None:
        """One command."""
        self.told.append(arguments)
        if self.after is None:
            raise ToolFailed(f"terraform {verb}")
        self.bucket.put_json(KEY, self.after)


def file(bucket: MemoryBucket, folder: Path) -> StateFile:
    """The state of the stack."""
    return StateFile(copies=StateCopies(state=state_in(bucket)), records=folder, identity="me@here")


def moved(bucket: MemoryBucket, folder: Path, terraform: Terraform, *, source: str, destination: str) -> StateMoved:
    """The step of a move."""
    return StateMoved(
        name="state site", state=file(bucket, folder), stack=lambda: cast("Stack", terraform), recover=lambda: None,
        source=source, destination=destination,
    )  # fmt: skip


def forgotten(
    bucket: MemoryBucket, folder: Path, terraform: Terraform, *addresses: str, protected: tuple[str, ...] = (),
    notes: list[str] | None = None,
) -> StateForgotten:  # fmt: skip
    """The step of a removal."""
    return StateForgotten(
        name="state site", state=file(bucket, folder), stack=lambda: cast("Stack", terraform), recover=lambda: None,
        addresses=addresses, protected=protected, protected_place="environments.toml:1",
        note=(notes if notes is not None else list[str]()).append,
    )  # fmt: skip


def run(step: StateEdit, context: Any) -> list[tuple[Action, str]]:
    """One run: what it changed."""
    facts = step.observe(context.of())
    changes = step.diff(context.of(), facts)
    if changes:
        step.apply(context.of(), facts, changes)
    return [(change.action, change.address) for change in changes]


A, B = 'module.storage.cloudflare_r2_bucket.this["A"]', 'module.storage.cloudflare_r2_bucket.this["B"]'


def test_a_thing_is_moved_once(tmp_path: Path, context: Any) -> None:
    """With copies from before and after; what has been moved before is nothing to do."""
    bucket = MemoryBucket()
    bucket.put_json(KEY, state_of("A"))
    terraform = Terraform(bucket, after=state_of("B", serial=2))
    step = moved(bucket, tmp_path, terraform, source=A, destination=B)
    assert run(step, context) == [(Action.UPDATE, f"site:{A}")]
    assert terraform.told == [["state", "mv", A, B]]
    assert [copy.serial for copy in step.state.copies.newest_first()] == [2, 1]
    assert run(step, context) == []


def test_a_module_is_moved_with_everything_in_it(tmp_path: Path, context: Any) -> None:
    """One change for each thing."""
    bucket = MemoryBucket()
    bucket.put_json(KEY, state_of("A", "B"))
    step = moved(bucket, tmp_path, Terraform(bucket, state_of()), source="module.storage", destination="module.s")
    assert run(step, context) == [(Action.UPDATE, f"site:{A}"), (Action.UPDATE, f"site:{B}")]


@pytest.mark.parametrize(
    ("source", "destination"),
    [("cloudflare_worker.this", "cloudflare_worker.this[0]"), ("cloudflare_worker.this[0]", "cloudflare_worker.this")],
)
def test_a_thing_gets_or_loses_an_index(tmp_path: Path, context: Any, source: str, destination: str) -> None:
    """One address is the beginning of the other one."""

    def with_worker(address: str, serial: int) -> dict[str, Any]:
        index = {"index_key": 0} if address.endswith("]") else {}
        data = terraform_state(("cloudflare_worker", {"id": "w"}), serial=serial)
        data["resources"][0]["instances"][0].update(index)
        return data

    bucket = MemoryBucket()
    bucket.put_json(KEY, with_worker(source, 1))
    terraform = Terraform(bucket, with_worker(destination, 2))
    step = moved(bucket, tmp_path, terraform, source=source, destination=destination)
    assert run(step, context) == [(Action.UPDATE, f"site:{source}")]
    assert run(step, context) == []


def test_moves_that_cannot_be(tmp_path: Path, context: Any) -> None:
    """An address that nobody knows, one that is taken, a state that is not there, one that is damaged."""
    bucket = MemoryBucket()
    terraform = Terraform(bucket)
    with pytest.raises(UsageError, match="no such state"):
        run(moved(bucket, tmp_path, terraform, source=A, destination=B), context)
    bucket.put_json(KEY, state_of("A", "B"))
    with pytest.raises(UsageError, match="is in the state as well"):
        run(moved(bucket, tmp_path, terraform, source=A, destination=B), context)
    with pytest.raises(UsageError, match="is not in the state") as caught:
        run(moved(bucket, tmp_path, terraform, source="module.storag", destination="module.x"), context)
    assert "inv state.list --env development --stack site" in str(caught.value.hint)
    bucket.put_json(KEY, [])
    with pytest.raises(Damaged):
        run(moved(bucket, tmp_path, terraform, source=A, destination=B), context)
    assert terraform.told == []


def test_what_is_forgotten_is_forgotten_once(tmp_path: Path, context: Any) -> None:
    """An address that is not there is said, and no error: it may have been forgotten before."""
    bucket, notes = MemoryBucket(), list[str]()
    bucket.put_json(KEY, state_of("A", "B"))
    terraform = Terraform(bucket, state_of("B", serial=2))
    step = forgotten(bucket, tmp_path, terraform, A, "module.other", notes=notes)
    assert run(step, context) == [(Action.DELETE, f"site:{A}")]
    assert terraform.told == [["state", "rm", A]]
    assert len(notes) == 1
    assert "`module.other` is not in the state" in notes[0]
    assert run(step, context) == []


def test_what_the_inventory_protects_is_not_forgotten(tmp_path: Path, context: Any) -> None:
    """Also as a part of a module."""
    bucket = MemoryBucket()
    bucket.put_json(KEY, state_of("A"))
    terraform = Terraform(bucket)
    with pytest.raises(GuardRefused, match="never_destroy") as caught:
        run(forgotten(bucket, tmp_path, terraform, "module.storage", protected=("*.cloudflare_r2_bucket.*",)), context)
    assert caught.value.place == "environments.toml:1"
    assert terraform.told == []


def test_without_a_copy_terraform_is_not_called(tmp_path: Path, context: Any) -> None:
    """The store refuses it, whatever the reason."""

    class Full(MemoryBucket):
        def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
            raise GuardRefused("no")

    bucket = Full()
    bucket.put_json(KEY, state_of("A"))
    terraform = Terraform(bucket, state_of())
    with pytest.raises(GuardRefused):
        run(forgotten(bucket, tmp_path, terraform, A), context)
    assert terraform.told == []


def test_what_is_shown_hides_what_is_sensitive() -> None:
    """Whole attributes, parts of them, parts of lists, outputs."""
    values = {"secret": "s3", "plain": "p", "inner": {"key": "s4", "name": "n"}, "list": ["s5", "x"], "none": None}
    marks = {"secret": True, "inner": {"key": True}, "list": [True], "none": True}
    resource = {"address": "module.m.t.n", "type": "t", "values": values, "sensitive_values": marks}
    data = {
        "values": {
            "root_module": {"child_modules": [{"resources": [resource]}]},
            "outputs": {"open": {"value": 1}, "closed": {"value": "s6", "sensitive": True}},
        }
    }

    class Shows:
        def shown_state(self) -> dict[str, Any]:
            """As Terraform says it."""
            return data

    shown = show(cast("Stack", Shows()))
    assert [thing.address for thing in shown.things] == ["module.m.t.n"]
    text = json.dumps([thing.values for thing in shown.things]) + json.dumps(shown.outputs)
    assert not any(secret in text for secret in ("s3", "s4", "s5", "s6"))
    assert shown.things[0].values["inner"] == {"key": "(sensitive)", "name": "n"}
    assert shown.things[0].values["none"] is None
    assert shown.outputs == {"open": 1, "closed": "(sensitive)"}
