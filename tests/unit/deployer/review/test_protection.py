"""What no plan may destroy."""

from __future__ import annotations

import pytest

from deployer.engine.change import Action, Change
from deployer.review.protection import check_protected

PATTERNS = ("zone:*", "*.cloudflare_r2_bucket.*", "r2:*")


def change(action: Action, address: str, *, local: bool = False) -> Change:
    """A change of one thing."""
    return Change(action=action, address=address, summary="", local=local)


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        ("zone:module.dnssec.cloudflare_zone_dnssec.this[0]", "zone:*"),
        ('site:module.storage.cloudflare_r2_bucket.this["UPLOADS"]', "*.cloudflare_r2_bucket.*"),
        ("r2:vibechecc-terraform-state", "r2:*"),
    ],
)
@pytest.mark.parametrize(
    ("action", "word"), [(Action.DELETE, "delete"), (Action.REPLACE, "replace"), (Action.FORGET, "forget")]
)
def test_deleting_replacing_and_forgetting_are_found(action: Action, word: str, address: str, pattern: str) -> None:
    """Each with the pattern that protects it and the place where that stands."""
    [finding] = check_protected(PATTERNS, [change(action, address)], place="environments.toml:9")

    assert finding.message == f"would {word} {address}, which `{pattern}` protects"
    assert (finding.severity, finding.where, finding.place) == ("error", address, "environments.toml:9")


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.RUN])
def test_whatever_keeps_a_thing_is_allowed(action: Action) -> None:
    """Protected is its life, not what it is like."""
    assert check_protected(PATTERNS, [change(action, "zone:x.y")], place="") == ()


def test_another_address_takes_no_protection_away() -> None:
    """What is moved and replaced in one plan is protected under the address that it had."""
    gone = change(Action.REPLACE, "site:a.new")
    former = {"site:a.new": "site:a.old"}

    [finding] = check_protected(("site:a.old",), [gone], place="", former=former)
    assert finding.where == "site:a.new"
    assert check_protected(("site:a.old",), [gone], place="") == ()
    assert check_protected(("site:a.old",), [change(Action.UPDATE, "site:a.new")], place="", former=former) == ()


def test_other_things_may_go() -> None:
    """Those that no pattern describes, and those of this machine."""
    others = [change(Action.DELETE, "site:module.worker.cloudflare_worker.this"), change(Action.DELETE, "convex:X")]

    assert check_protected(PATTERNS, [*others, change(Action.DELETE, "r2:x", local=True)], place="") == ()
    assert check_protected((), [change(Action.DELETE, "zone:x.y")], place="") == ()
