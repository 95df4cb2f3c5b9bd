"""Commands as the ledger keeps them."""

from __future__ import annotations

import shlex

from deployer.cli.command_line import Flags, command_line, names_of


def test_flags_without_a_value_are_left_out() -> None:
    """In the order in which they are given; one with several values is repeated."""
    flags: Flags = {"env": "dev", "stack": "", "force": True, "sandbox": False, "address": ("a", "b")}
    assert command_line("state.rm", flags) == "inv state.rm --env dev --force --address a --address b"


def test_values_are_quoted_as_a_shell_wants_them() -> None:
    """What was typed is what comes back."""
    address = 'module.storage.cloudflare_r2_bucket.this["UPLOADS"]'
    assert shlex.split(command_line("state.rm", {"address": address})) == ["inv", "state.rm", "--address", address]


def test_of_settings_only_the_names_are_kept() -> None:
    """The values may be secrets."""
    assert names_of(["worker.variables.TOKEN=s3=cr3t"]) == ("worker.variables.TOKEN",)
