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
@pytest.mark.parametrize(("action", "word"), [(Action.DELETE, "delete"), (Action.REPLACE, "replace")])
def test_deleting_and_replacing_are_found(action: Action, word: str, address: str, pattern: str) -> None:
    """Each with the pattern that protects it and the place where that stands."""
    [finding] = check_protected(PATTERNS, [change(action, address)], place="environments.toml:9")

    assert finding.message == f"would {word} {address}, which `{pattern}` protects"
    assert (finding.severity, finding.where, finding.place) == ("error", address, "environments.toml:9")


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.RUN])
def test_whatever_keeps_a_thing_is_allowed(action: Action) -> None:
    """Protected is its life, not what it is like."""
    assert check_protected(PATTERNS, [change(action, "zone:x.y")], place="") == ()


def test_other_things_may_go() -> None:
    """Those that no pattern describes, and those of this machine."""
    others = [change(Action.DELETE, "site:module.worker.cloudflare_worker.this"), change(Action.DELETE, "convex:X")]

    assert check_protected(PATTERNS, [*others, change(Action.DELETE, "r2:x", local=True)], place="") == ()
    assert check_protected((), [change(Action.DELETE, "zone:x.y")], place="") == ()
