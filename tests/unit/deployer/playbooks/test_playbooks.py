"""Playbooks as graphs: what waits for what, what needs no credentials, what doctor says without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.adapters.redact import Redactor
from deployer.adapters.target import cloudflare_target
from deployer.engine.playbook import Playbook
from deployer.engine.stop import Stop
from deployer.errors import CredentialsMissing, Damaged
from deployer.playbooks.credentials import require_credentials
from deployer.playbooks.deploy import deploy
from deployer.playbooks.destroy import destroy
from deployer.playbooks.doctor import examine
from deployer.playbooks.outputs import outputs
from deployer.playbooks.render import render
from deployer.playbooks.wiring import Wiring
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory


def wiring(tmp_path: Path, env: str = "production", **variables: str) -> Wiring:
    """A wiring for the real clouds, with these variables and no others."""
    loaded = inventory()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **variables}
    return Wiring(
        loaded=loaded,
        environment=loaded.environment(env),
        target=cloudflare_target(environment, account_id=loaded.inventory.project.account_id),
        folder=tmp_path / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def with_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> Wiring:
    """A wiring of the development environment, whose stack `site` has these bytes for its state."""
    bucket = MemoryBucket()
    bucket.put("terraform/development/site.tfstate", body, replaces=None)
    monkeypatch.setattr(Wiring, "state_bucket", bucket)
    names = ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
    return wiring(tmp_path, "dev", **dict.fromkeys(names, "made-up-credential"))


def state(**changed: Any) -> bytes:
    """A state with nothing in it."""
    whole = {"version": 4, "serial": 1, "lineage": "lineage-1", "outputs": {}, "resources": []}
    return json.dumps({**whole, **changed}).encode()


def before(playbook: Playbook, step: str) -> frozenset[str]:
    """Everything that has ended before a step starts."""
    return playbook.ancestors[step]


def test_listing_steps_needs_no_credentials(tmp_path: Path) -> None:
    """Making a playbook asks nothing of anybody."""
    names = [step.name for step in deploy(wiring(tmp_path)).steps]
    assert names[0] == "secrets"
    assert names[-1] == "proof"
    assert {"terraform zone", "terraform site", "terraform hosts"} <= set(names)
    assert "terraform zone" not in [step.name for step in deploy(wiring(tmp_path, "dev")).steps]


def test_nothing_is_touched_before_secrets_are_there(tmp_path: Path) -> None:
    """Every other step waits for them, in both directions."""
    for playbook in (deploy(wiring(tmp_path)), destroy(wiring(tmp_path))):
        for step in playbook.steps:
            assert step.name == "secrets" or "secrets" in before(playbook, step.name)


def test_the_build_runs_beside_terraform_and_the_push(tmp_path: Path) -> None:
    """It waits for neither, nor they for it; the Worker waits for all."""
    playbook = deploy(wiring(tmp_path))
    slow = {"app build", "terraform site", "terraform zone", "convex functions"}
    for step in slow:
        assert not before(playbook, step) & slow
    assert slow <= before(playbook, "worker")


def test_hosts_are_attached_after_the_worker_and_taken_off_first(tmp_path: Path) -> None:
    """Cloudflare refuses a host without a version; nobody must meet a page without its backend."""
    assert "worker" in before(deploy(wiring(tmp_path)), "terraform hosts")
    playbook = destroy(wiring(tmp_path))
    for step in ("terraform site", "worker", "convex functions", "buckets"):
        assert "terraform hosts" in before(playbook, step)


def test_functions_come_after_their_variables_and_go_before_them(tmp_path: Path) -> None:
    """A push is checked against the variables."""
    assert "convex variables" in before(deploy(wiring(tmp_path)), "convex functions")
    assert "convex functions" in before(destroy(wiring(tmp_path)), "convex variables")


def test_the_state_is_thrown_away_last(tmp_path: Path) -> None:
    """It is what says what there is to remove."""
    playbook = destroy(wiring(tmp_path))
    assert {step.name for step in playbook.steps} - before(playbook, "state") == {"state"}


def test_the_proof_is_last(tmp_path: Path) -> None:
    """Everything that could change the answer has ended."""
    playbook = deploy(wiring(tmp_path))
    assert {step.name for step in playbook.steps} - before(playbook, "proof") == {"proof"}


def test_missing_credentials_are_one_error(tmp_path: Path) -> None:
    """Those of every tool and service together."""
    empty = wiring(tmp_path)
    with pytest.raises(CredentialsMissing) as caught:
        require_credentials(empty, references=empty.references)
    assert caught.value.message == (
        "6 credentials are missing: CLOUDFLARE_API_TOKEN, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, "
        "CONVEX_DEPLOY_KEY_PRODUCTION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    )
    with pytest.raises(CredentialsMissing, match="3 credentials"):
        outputs(empty)


@pytest.mark.parametrize("body", [b"", b"{", b'{"version": 3}', state(outputs=[]), state(outputs={"a": "b"})])
def test_outputs_of_a_damaged_state_name_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Whatever is wrong with it."""
    ready = with_state(tmp_path, monkeypatch, body)
    with pytest.raises(Damaged, match="the state is damaged") as caught:
        outputs(ready)
    assert "inv state.restore --env development --stack site" in (caught.value.hint or "")


def test_outputs_are_read_from_the_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sensitive is not shown; a stack that is not deployed has none."""
    found = {"url": {"value": "https://x"}, "key": {"value": "s3cret", "sensitive": True}}
    ready = with_state(tmp_path, monkeypatch, state(outputs=found))
    assert outputs(ready) == {"site": {"url": "https://x", "key": "(sensitive)"}, "hosts": {}}


def test_credentials_are_masked_from_the_moment_they_are_used(tmp_path: Path) -> None:
    """Also those that only tools get."""
    names = ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "CONVEX_DEPLOY_KEY_PRODUCTION",
             "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")  # fmt: skip
    full = wiring(tmp_path, **{name: f"canary-{name}" for name in names})
    require_credentials(full, references=full.references)
    assert "canary" not in full.redactor.text(" ".join(f"canary-{name}" for name in names))


def test_rendering_says_what_only_a_deploy_tells(tmp_path: Path) -> None:
    """The same bytes each time, with a sentence in the place of an id."""
    files = {str(each.path): each.text for each in render(wiring(tmp_path))}
    assert files == {str(each.path): each.text for each in render(wiring(tmp_path))}
    assert set(files) == {
        *(f"terraform/{stack}/backend.tfbackend" for stack in ("zone", "site", "hosts")),
        *(f"terraform/{stack}/{stack}.tfvars.json" for stack in ("zone", "site", "hosts")),
        "build/wrangler.json",
    }
    assert "(known after terraform: site.kv_ids.CACHE)" in files["build/wrangler.json"]


def test_doctor_looks_at_everything_although_much_is_missing(tmp_path: Path) -> None:
    """Each wrong line says how to mend it; services are not asked without credentials."""
    findings = {each.subject: each for each in examine(wiring(tmp_path))}
    assert findings["python"].ok
    assert findings["node"].ok
    assert findings["terraform"].ok
    for name in ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "CONVEX_DEPLOY_KEY_PRODUCTION", "AWS credentials"):
        assert not findings[name].ok
        assert findings[name].hint
    assert "Cloudflare API" not in findings
    assert not findings["Convex deployment"].ok
    assert all(each.hint for each in findings.values() if not each.ok)
