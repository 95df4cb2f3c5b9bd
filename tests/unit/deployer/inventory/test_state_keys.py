"""Keys of states, there and back."""

from __future__ import annotations

import pytest

from deployer.inventory.state_keys import owner_of, state_key


def test_a_key_says_whose_state_it_is() -> None:
    """What was put together is taken apart."""
    assert owner_of(state_key("pr-12", "site")) == ("pr-12", "site")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "terraform/dev/site.tfstate.tflock",
        "copies/terraform/dev/site/1.tfstate",
        "terraform/site.tfstate",
        "terraform/dev/old/site.tfstate",
        "terraform/dev/.tfstate",
        "terraform//site.tfstate",
        "terraform/dev/site-tfstate",
    ],
)
def test_what_is_no_key_of_a_state_is_nobodys(key: str) -> None:
    """A lock, a copy, and whatever else lies there."""
    assert owner_of(key) is None
