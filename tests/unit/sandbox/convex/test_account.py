"""Keys and the account's rules, without a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.convex import keys
from sandbox.convex.answers import Refusal
from sandbox.convex.state import QUOTA, Account, empty
from sandbox.store import Snapshot


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account with its project."""
    made = Account(Snapshot(tmp_path / "account.json", empty))
    made.ensure_project("team", "project")
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod:brisk-otter-482|secret", ("prod", "brisk-otter-482", None, None)),
        ("brisk-otter-482|secret", ("admin", "brisk-otter-482", None, None)),
        ("preview:team:project|secret", ("preview", None, "team", "project")),
        ("preview:calm-otter-1|secret", ("preview", "calm-otter-1", None, None)),
    ],
)
def test_forms_of_keys(text: str, expected: tuple[str | None, ...]) -> None:
    """Each form says what it is for; the secret is kept as a digest only."""
    key = keys.parse(text)
    assert key is not None
    assert (key.kind, key.deployment, key.team, key.project) == expected
    assert "secret" not in repr(key).replace("secret_digest", "")


@given(st.text(max_size=40))
def test_other_texts_are_no_keys(text: str) -> None:
    """Whatever is pasted there: a key or nothing, never a crash; without a secret part always nothing."""
    assert keys.parse(text.replace("|", "")) is None
    key = keys.parse(text)
    assert key is None or "|" in text


def test_names_and_references(account: Account) -> None:
    """The first deployment of a type is the default one; references are unique; previews are named after theirs."""
    prod = account.add("prod", name="polished-heron-217")
    assert prod["isDefault"]
    assert not account.add("prod")["isDefault"]
    preview = account.add("preview", identifier="feature/x")
    assert preview["reference"] == "preview/feature/x"
    with pytest.raises(Refusal, match="exists already"):
        account.add("preview", identifier="feature/x")


def test_quota(account: Account) -> None:
    """No more deployments than the plan allows, of all types together."""
    for number in range(QUOTA):
        account.add("preview", identifier=str(number))
    with pytest.raises(Refusal, match="quota of 40") as refused:
        account.add("dev")
    assert (refused.value.status, refused.value.code) == (400, "DeploymentQuotaReached")


def test_expired_deployments_and_keys(account: Account) -> None:
    """What has expired is found, and an expired key opens nothing."""
    kept = account.add("preview", identifier="kept")
    account.add("preview", identifier="over", expires=1)
    assert [account.deployment(name)["previewIdentifier"] for name in account.expired()] == ["over"]
    account.add_key("old", "secret", deployment=kept["name"], expires=1)
    assert account.find_key(keys.digest("secret"), kept["name"]) is None


def test_deleting_takes_the_keys_along(account: Account) -> None:
    """A deployment of the same name that is made later does not open to the old one's keys."""
    account.add("dev", name="brisk-otter-482")
    account.add_key("one", "secret", deployment="brisk-otter-482")
    account.remove("brisk-otter-482")
    account.add("dev", name="brisk-otter-482")
    assert account.find_key(keys.digest("secret"), "brisk-otter-482") is None


def test_secrets_are_not_kept(account: Account, tmp_path: Path) -> None:
    """Keys that clients made are on disk as digests; only the control plane's own can be handed out again."""
    made = account.add("preview", identifier="x")
    account.add_key("client", "a-client-secret", deployment=made["name"])
    managed = account.managed_key(made)
    assert account.managed_key(made) == managed
    account.flush()
    assert "a-client-secret" not in (tmp_path / "account.json").read_text()
