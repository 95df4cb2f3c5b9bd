"""The guide's table of a deploy has the steps that a deploy has."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.cli import ROOT, Checkout

PAGE = ROOT / "docs" / "guide" / "running.md"


def test_every_step_of_a_deploy_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the playbook's own list, with nothing left over."""
    names: dict[str, None] = {}
    for environment in ("production", "dev", "pr-12"):
        ran = Checkout(ROOT, capsys).inv("deploy", "--env", environment, "--list-steps", "--json")
        names |= dict.fromkeys(step["name"] for step in json.loads(ran.out)["steps"])
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| step |") : text.index("A release is known by")]
    explained = re.findall(r"`([\w ]+)`", "".join(line.split(" | ")[0] for line in table.splitlines()))

    assert set(explained) == set(names)
