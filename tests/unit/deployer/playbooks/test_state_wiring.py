"""The key of copies: from where the inventory says, long enough, masked, and never silently none."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.adapters.redact import MASK, Redactor
from deployer.adapters.target import cloudflare_target
from deployer.engine.stop import Stop
from deployer.errors import ConfigError, SecretMissing, UsageError
from deployer.playbooks.destroy import destroy
from deployer.playbooks.states import restore
from deployer.playbooks.wiring import Wiring
from deployer.steps.secrets import COPY_KEY, ResolveSecrets
from tests.support.inventory import inventory

NAMED = ("plans_days = 30\n", 'plans_days = 30\ncopy_key = { env = "COPY_KEY" }\n')
SECRET = "thirty-two characters at the least"


def wiring(tmp_path: Path, *changes: tuple[str, str], **variables: str) -> Wiring:
    """A wiring for the real clouds, with these variables and no others."""
    loaded = inventory(*changes)
    return Wiring(
        loaded=loaded,
        environment=loaded.environment("dev"),
        target=cloudflare_target(variables, account_id=loaded.inventory.project.account_id),
        folder=tmp_path,
        stop=Stop(),
        redactor=Redactor(),
    )


def test_without_a_key_copies_are_plain(tmp_path: Path) -> None:
    """As the inventory wishes, and nothing is asked for."""
    made = wiring(tmp_path)
    assert made.copy_cipher is None
    assert COPY_KEY not in made.references


def test_the_key_is_resolved_with_all_secrets_and_masked(tmp_path: Path) -> None:
    """So that a missing one is told before anything is touched: by deploys, destroys and restores."""
    made = wiring(tmp_path, NAMED, COPY_KEY=SECRET)
    assert made.copy_cipher is not None
    assert made.redactor.text(f"x{SECRET}y") == f"x{MASK}y"
    assert COPY_KEY in made.references
    for playbook in (destroy(made), restore(made, stack="site", copy="", other_lineage=False, agreed=lambda: None)):
        first = playbook.steps[0]
        assert isinstance(first, ResolveSecrets)
        assert COPY_KEY in first.references


def test_a_missing_key_never_means_plain_copies(tmp_path: Path) -> None:
    """Not even where the reference says that it is not required."""
    for named in (NAMED, (NAMED[0], NAMED[1].replace('"COPY_KEY"', '"COPY_KEY", required = false'))):
        made = wiring(tmp_path, named)
        with pytest.raises(SecretMissing, match="has no value") as caught:
            _ = made.copy_cipher
        assert "COPY_KEY" in caught.value.details[0]


def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """With the command that makes a better one."""
    made = wiring(tmp_path, NAMED, COPY_KEY="short")
    with pytest.raises(ConfigError, match="shorter than 32") as caught:
        _ = made.copy_cipher
    assert "shorter than 32" in made.redactor.text(caught.value.message), "no word of it is taken for the key"
    with pytest.raises(ConfigError) as caught:
        _ = wiring(tmp_path, NAMED, COPY_KEY="hunter2").copy_cipher
    assert "openssl rand" in str(caught.value.hint)
    assert "hunter2" not in str(caught.value)


def test_copies_cannot_be_locked_for_longer_than_they_are_kept() -> None:
    """They could not be removed when their time has come."""
    with pytest.raises(ConfigError, match="copies_locked_days"):
        inventory(("copies_locked_days = 14", "copies_locked_days = 91"))


def test_a_stack_that_nobody_knows(tmp_path: Path) -> None:
    """Known ones are those of the inventory, and former ones with a state or copies."""
    from deployer.playbooks.states import require_stack
    from tests.support.buckets import MemoryBucket

    made = wiring(tmp_path)
    bucket = MemoryBucket()
    vars(made)["state_bucket"] = bucket
    bucket.put_json("terraform/development/former.tfstate", {})
    bucket.put_json("copies/terraform/development/older/x.tfstate", {})
    assert [require_stack(made, name) for name in ("site", "former", "older")] == ["site", "former", "older"]
    with pytest.raises(UsageError, match="did you mean `site`"):
        require_stack(made, "sit")
    with pytest.raises(UsageError, match="which stack") as caught:
        require_stack(made, "")
    assert "former" in str(caught.value.hint)
