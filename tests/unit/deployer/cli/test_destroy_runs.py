"""What has to be said before an environment is destroyed or deployed, and where nothing that is said is enough."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.support.cli import Checkout, FileStep, make_checkout, use_steps
from tests.support.inventory import line_of, text


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    return make_checkout(tmp_path, capsys)


def two_steps(root: Path) -> list[FileStep]:
    """One step and one that needs it."""
    return [FileStep(name="first", path=root / "one"), FileStep(name="second", needs=("first",), path=root / "two")]


def without_reviews(checkout: Checkout) -> None:
    """Production changes without reviewed plans here."""
    file = checkout.root / "environments.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("approvals = { additive")]
    file.write_text("\n".join(lines).replace(" reviewed_only = true,", "") + "\n")


class Terminal(io.StringIO):
    """A person who types one line."""

    def isatty(self) -> bool:
        """Somebody is there."""
        return True


def test_destroy_asks(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal and without --yes it is refused; --yes goes on; --check needs no answer."""
    use_steps(monkeypatch, two_steps(checkout.root), name="destroy")

    refused = checkout.inv("destroy", "--env", "dev")
    check = checkout.inv("destroy", "--env", "dev", "--check")
    done = checkout.inv("destroy", "--env", "dev", "--yes")

    assert refused.code == 11
    assert "hint: add --yes" in refused.err
    assert check.code == 0
    assert done.code == 0
    assert done.out == ""


def test_protected_environments_need_more_than_yes(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is data of the inventory: --allow-protected, and even then the name typed on a terminal."""
    without_reviews(checkout)
    use_steps(monkeypatch, two_steps(checkout.root), name="destroy")

    for flags in (["--yes"], ["--yes", "--allow-protected"]):
        ran = checkout.inv("destroy", "--env", "prod", *flags)
        assert ran.code == 11
        assert not (checkout.root / "one").exists()
    line = line_of((checkout.root / "environments.toml").read_text(), "guards = { protected = true")
    assert f"(environments.toml:{line})" in checkout.inv("destroy", "--env", "prod", "--yes").err
    assert "type its name on a terminal" in ran.err


def test_what_changes_by_reviewed_plans_is_destroyed_by_nobody_alone(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the real target, whatever is typed; looking is allowed, and where the inventory no longer says so."""
    use_steps(monkeypatch, two_steps(checkout.root), name="destroy")
    monkeypatch.setattr("sys.stdin", Terminal("production\n"))
    refused = checkout.inv("destroy", "--env", "prod", "--allow-protected")
    assert refused.code == 11
    assert "`production` changes by reviewed plans only, so nobody destroys it alone" in refused.err
    line = line_of(text(), "guards = { protected = true")
    assert f"(environments.toml:{line})" in refused.err
    assert "take `reviewed_only` and `approvals` out of the inventory" in " ".join(refused.err.split())
    assert checkout.inv("destroy", "--env", "prod", "--allow-protected", "--check").code == 0
    assert not (checkout.root / "one").exists()
    without_reviews(checkout)
    assert checkout.inv("destroy", "--env", "prod", "--allow-protected").code == 0


@pytest.mark.parametrize(
    "setting",
    [
        "guards.protected=false",
        "guards={ protected = false }",
        '"guards"."never_destroy"=[]',
        "approvals.destroy=0",
        "policy={}",
        "freezes={}",
        "plan.valid_minutes=999999",
        'project.approvers.mallory.ssh=["x"]',
        "host=pr-10.vibechecc.app",
        "kind=development",
    ],
)
def test_guard_rails_cannot_be_set_away(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """By no command: they are changed where they are reviewed."""
    use_steps(monkeypatch, two_steps(checkout.root), name="destroy")
    ran = checkout.inv("destroy", "--env", "prod", "--yes", "--allow-protected", "--set", setting)
    assert ran.code == 2
    assert "cannot be set on the command line: it decides what a run may do" in ran.err
    assert not (checkout.root / "one").exists()


@pytest.mark.parametrize(("typed", "code"), [("production\n", 0), ("prod\n", 11), ("", 11), ("y\n", 11)])
def test_the_name_is_typed_in_full(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    """Only the environment's own name goes on; an alias or `y` does not."""
    without_reviews(checkout)
    use_steps(monkeypatch, two_steps(checkout.root), name="destroy")
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    ran = checkout.inv("destroy", "--env", "prod", "--allow-protected", "--yes")

    assert ran.code == code
    assert "This removes everything of `production` on cloudflare." in ran.err
    assert (checkout.root / "one").exists() == (code == 0)


def test_a_deploy_by_hand_says_that_nothing_keeps_it(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ephemeral environment without a lease is a leftover to the next sweep; what is written out is none."""
    use_steps(monkeypatch, two_steps(checkout.root))
    said = checkout.inv("deploy", "--env", "pr-12")
    assert said.code == 0
    assert "without one a sweep removes `pr-12`; `inv pr.up --env pr-12` takes it" in said.err
    assert "lease" not in checkout.inv("deploy", "--env", "dev").err
