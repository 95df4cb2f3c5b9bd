"""Templates: what is wrong is shown with its place, and the same input gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from deployer.adapters.templates import Templates
from deployer.errors import TemplateError


def templates(tmp_path: Path, text: str, name: str = "a.json.j2") -> Templates:
    """One template."""
    (tmp_path / name).write_text(text)
    return Templates(tmp_path)


@pytest.mark.parametrize(
    "expression",
    ["nothing_here", "environment.nothing", "environment.nothing | tojson", "nothing_here.deeper"],
)
def test_an_undefined_name_fails_with_template_line_and_snippet(tmp_path: Path, expression: str) -> None:
    """Wherever it is used: alone, as an attribute, in a filter."""
    text = f'{{\n  "first": 1,\n  "second": {{{{ {expression} }}}}\n}}\n'
    with pytest.raises(TemplateError) as caught:
        templates(tmp_path, text).render("a.json.j2", {"environment": {"name": "dev"}})
    error = caught.value
    assert error.place == f"{tmp_path / 'a.json.j2'}:3"
    assert error.message.startswith("template `a.json.j2`, line 3: ")
    assert "nothing" in error.message
    assert any(line.startswith(">    3 |") and expression in line for line in error.details)


def test_an_undefined_name_in_an_included_template_is_placed_there(tmp_path: Path) -> None:
    """Not where it was included."""
    (tmp_path / "inner.j2").write_text("one\n{{ missing }}\n")
    with pytest.raises(TemplateError, match=r"`inner\.j2`, line 2"):
        templates(tmp_path, '{% include "inner.j2" %}').render("a.json.j2", {})


def test_a_syntax_error_is_placed(tmp_path: Path) -> None:
    """With the line on which Jinja stumbled."""
    with pytest.raises(TemplateError, match=r"line 2"):
        templates(tmp_path, "fine\n{% if %}\n").render("a.json.j2", {})


def test_a_template_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """And where it was looked for."""
    with pytest.raises(TemplateError, match="does not exist") as caught:
        Templates(tmp_path).render("none.j2", {})
    assert caught.value.place == str(tmp_path)


def test_json_is_checked_and_canonical(tmp_path: Path) -> None:
    """Whatever order and spacing the template has, the bytes are the same; broken JSON is placed."""
    one = templates(tmp_path, '{"b": {{ x | tojson }},\n\n "a": 1}').render_json(
        "a.json.j2", {"x": {"z": 1, "y": "ü<"}}
    )
    two = templates(tmp_path, '{"a": 1, "b": {"y": "ü<", "z": 1}}').render_json("a.json.j2", {})
    assert one == two
    with pytest.raises(TemplateError, match="does not make JSON"):
        templates(tmp_path, '{"a": }').render_json("a.json.j2", {})


def test_a_compiled_template_is_kept_until_its_text_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run uses it; a changed template is compiled anew, and an error in it has its place."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "work").mkdir()

    def rendered(text: str) -> str:
        (tmp_path / "templates" / "a.j2").write_text(text)
        fresh = Templates(tmp_path / "templates", compiled=tmp_path / "work" / "templates")
        return fresh.render("a.j2", {"name": "x"})

    assert rendered("one {{ name }}") == "one x\n"
    with monkeypatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))
        assert rendered("one {{ name }}") == "one x\n"
    assert rendered("two {{ name }}") == "two x\n"
    for _ in range(2):
        with pytest.raises(TemplateError) as caught:
            rendered("\n{{ missing }}")
        assert caught.value.place == f"{tmp_path / 'templates' / 'a.j2'}:2"


def test_compiled_templates_are_missed_by_nobody(tmp_path: Path) -> None:
    """Nothing is kept without a work folder, or where nothing can be written; it renders all the same."""
    (tmp_path / "a.j2").write_text("{{ name }}")
    (tmp_path / "file").write_text("in the way")
    for compiled in (tmp_path / "nowhere" / "templates", tmp_path / "file"):
        assert Templates(tmp_path, compiled=compiled).render("a.j2", {"name": "x"}) == "x\n"
    assert not (tmp_path / "nowhere").exists()
