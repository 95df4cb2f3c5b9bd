"""The two places in Markdown for texts from elsewhere."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from deployer.report.markdown import code, fenced, link, prose, table

MARKDOWN = MarkdownIt("commonmark", {"html": True})


@pytest.mark.parametrize("line", ["```", "`````", "~~~", "  ````  ", "", "a ``` b"])
def test_a_fence_is_longer_than_any_run_of_backticks_in_it(line: str) -> None:
    """Whatever the lines are, they are its whole contents."""
    tokens = MARKDOWN.parse(fenced(["first", line, "last"], language="diff"))

    assert [(token.type, token.info, token.content) for token in tokens] == [
        ("fence", "diff", f"first\n{line}\nlast\n"),
    ]


def test_code_reads_as_it_was() -> None:
    """A reader sees the very text, with escapes for what cannot be seen."""
    assert MARKDOWN.render(code("a_b_c __d__ <i>*\n")).strip() == "<p><code>a_b_c __d__ &lt;i&gt;*\\n</code></p>"


@pytest.mark.parametrize(
    ("text", "is_code"), [("a plain sentence: (1.0)", False), ("ask @mira", True), ("see #4", True)]
)
def test_a_sentence_is_code_only_if_it_would_call_somebody(text: str, is_code: bool) -> None:
    """Sentences look like sentences."""
    assert prose(text).startswith("<code>") == is_code


def test_an_address_that_is_too_long_is_no_link() -> None:
    """Half an address leads nowhere."""
    assert link("x", f"https://a.example/{'b' * 90}", longest=100).startswith("x: <code>https://a.example/bbb")


def test_a_cell_stays_in_its_column() -> None:
    """Whatever is in it: a bar or a new line would make another one."""
    rendered = MarkdownIt("commonmark").enable("table").render(table(("key", "after"), [("a | b", "c\n| d |")]))

    assert (rendered.count("<th>"), rendered.count("<td>"), rendered.count("<tr>")) == (2, 2, 2)
