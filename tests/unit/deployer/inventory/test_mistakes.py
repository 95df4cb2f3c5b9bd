"""Every mistake in environments.toml is one ConfigError with key, file, line and a way on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import ConfigError
from deployer.inventory.load import load, parse
from tests.support.inventory import ROOT, line_of, replaced

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("mistakes.toml").read_text(encoding="utf-8"))[
    "case"
]


def load_all(changed: str) -> None:
    """Load the text and look at every environment."""
    loaded = parse(changed, root=ROOT)
    for entry in ("production", "development", "pr-1"):
        loaded.environment(entry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_mistake_is_named_with_its_place(case: dict[str, Any]) -> None:
    """The message says what is wrong, the place is the line that is wrong."""
    changed = replaced((case["old"], case["new"]))

    with pytest.raises(ConfigError) as caught:
        load_all(changed)

    assert case["message"] in str(caught.value), caught.value
    assert (caught.value.place or "").startswith("environments.toml:")
    if "line" in case:
        assert caught.value.place == f"environments.toml:{line_of(changed, case['line']) + case.get('below', 0)}"


@pytest.mark.parametrize(
    "written", ['"hunter2-hunter2"', '{ env = "hunter2-hunter2" }', '{ aws = "x", key = 22 }', "22"]
)
def test_a_secret_that_was_written_down_is_not_repeated(written: str) -> None:
    """Somebody put the value where the reference belongs: the message names the key and shows nothing of the value."""
    old = 'SESSION_SECRET = { aws = "{project}/{environment}/worker", key = "SESSION_SECRET" }'

    with pytest.raises(ConfigError) as caught:
        load_all(replaced((old, f"SESSION_SECRET = {written}")))

    said = " ".join([caught.value.message, *caught.value.details])
    assert "worker.secrets.SESSION_SECRET" in said
    assert "hunter2" not in said
    assert "22" not in said
    assert "must be replaced" in (caught.value.hint or "")


def test_all_mistakes_of_one_table_are_said_together() -> None:
    """A file is mended in one go: the first problem leads, the others follow with their lines."""
    with pytest.raises(ConfigError) as caught:
        parse(replaced(('location = "weur"', 'location = "mars"'), ('"eu-central-1"', "7")), root=ROOT)

    assert "project.location" in caught.value.message
    assert any("project.aws_region" in detail and "environments.toml:" in detail for detail in caught.value.details)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (('name = "vibechecc"', "name = vibechecc"), "this is not TOML"),
        (('name = "vibechecc"', 'name = "vibechecc'), "this is not TOML"),
        (("[project]", "[project"), "this is not TOML"),
        (('zone = "vibechecc.app"', 'name = "twice"'), "this is not TOML"),
    ],
)
def test_broken_toml_names_file_line_and_column(pair: tuple[str, str], message: str) -> None:
    """The line is shown with a mark beneath the column."""
    changed = replaced(pair)

    with pytest.raises(ConfigError) as caught:
        parse(changed, root=ROOT)

    assert message in caught.value.message
    file, line, column = (caught.value.place or "").split(":")
    assert file == "environments.toml"
    assert abs(int(line) - line_of(changed, pair[1].split("\n")[0])) <= 1
    if caught.value.details:
        assert caught.value.details[1].index("^") == int(column) - 1


def test_broken_toml_at_the_end_of_the_file_has_a_line_too() -> None:
    """An unfinished last line is the place, not line 1."""
    changed = replaced() + "\nopen = ["

    with pytest.raises(ConfigError) as caught:
        parse(changed, root=ROOT)

    assert (caught.value.place or "").split(":")[1] == str(len(changed.splitlines()))


def test_a_missing_file_and_a_missing_table_are_said(tmp_path: Path) -> None:
    """Both say what is expected."""
    with pytest.raises(ConfigError, match=r"there is no environments\.toml"):
        load(tmp_path)
    (tmp_path / "environments.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=r"table \[app\] is missing"):
        load(tmp_path)
    (tmp_path / "environments.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"cannot read environments\.toml"):
        load(tmp_path)
