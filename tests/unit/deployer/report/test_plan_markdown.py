"""The plan as Markdown: nothing breaks out of its place, the limit holds, and nothing is lost silently."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from deployer.engine.change import Action, Change
from deployer.report.plan_markdown import LEAST, plan_markdown, plan_summary
from deployer.review.manifest import Planner
from deployer.review.view import Finding, PlannedStep, PlanView
from tests.support import plans

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = [
    *("`", "``` ", "````\n# out\n", "\n\n# heading\n\n", "\r\n- item", "| a | b |", "a|b\\|c", "\\", "a\\", "$x$"),
    *("</details>", "</summary></details>", "<details>\n\n```", "<script>alert(1)</script>", "<img src=x onerror=y>"),
    *("<!-- ", "--> x", "&lt;b&gt; &#60;", "@mira please look", "#12 GH-7", "https://evil.example.org/x"),
    *("www.evil.example.org", "[x](https://evil.example.org)", "![x](y)", "**bold** _em_ ~~gone~~", "__init__"),
    *("> quote", "1. one", "    code", "\ta", "---", "===", "\u202egnirts", "\u2066\u200b\ufeff", "\x1b[31mred\x1b[0m"),
    *("\x00\x07\x7f\x9b", "\u2028\u2029\x85\x0b\x0c", "x" * 2_000, "`" * 400, "<" * 400),
]
NASTY = st.text(
    st.sampled_from("`|<>@*_~[]()!#\\\n\r\t\u202e\u2028&;$:-+=/'\" ab1é😀") | st.characters(codec="utf-8"), max_size=60
)


def poisoned(text: str) -> PlanView:
    """A plan in which every text that comes from elsewhere is this one."""
    detail = (
        f'~ {text}: "{text}" -> "a{text}"\n+ b: {text}\n- {text}\n{text}\n--- {text}\n+++ {text}\n@@ {text}\n+{text}'
    )
    changes = [
        Change(
            action=action,
            address=f"site:{text}",
            summary=text,
            detail=detail,
            forces=(text,) if action is Action.REPLACE else (),
        )
        for action in Action
    ]
    found: list[Finding] = [
        Finding(rule=text, severity="error", reason=text, message=text, where=text, place=text),
        Finding(rule=text, severity="warning", reason=text, message=text, where=text, place=text),
    ]
    return plans.plan_view(
        [PlannedStep(name=text, changes=tuple(changes))],
        findings=found,
        needed=2,
        environment=text,
        commit=text,
        settings=(text,),
        id=text,
        planner=Planner(who=text),
    )


def shape(tokens: Sequence[Token]) -> list[tuple[str, str, str]]:
    """What a reader of Markdown makes of it: blocks, their nesting, and our own tags."""
    return [
        (token.type, token.tag, " ".join(re.findall(r"<[^>]*>", token.content)) if token.type == "html_block" else "")
        for token in tokens
    ]


def inline(tokens: Sequence[Token]) -> list[Token]:
    """What stands within the lines."""
    return [child for token in tokens for child in token.children or ()]


def outside_code(tokens: Sequence[Token]) -> str:
    """Text in which GitHub looks for names, numbers and addresses to link."""
    text = "".join(child.content for child in inline(tokens))
    text += "".join(token.content for token in tokens if token.type == "html_block")
    return html.unescape(re.sub(r"<code>.*?</code>", "", text))


def assert_contained(text: str) -> None:
    """A plan with this text everywhere has the shape of a harmless one."""
    harmless = MARKDOWN.parse(plan_markdown(poisoned("x"), full="https://ci.example.org/1", plan="x"))
    rendered = plan_markdown(poisoned(text), full="https://ci.example.org/1", plan=text)
    tokens = MARKDOWN.parse(rendered)
    allowed = {
        "text",
        "softbreak",
        "strong_open",
        "strong_close",
        "link_open",
        "link_close",
        "html_inline",
        "text_special",
    }

    assert shape(tokens) == shape(harmless)
    assert {child.type for child in inline(tokens)} <= allowed
    assert {child.content for child in inline(tokens) if child.type == "html_inline"} <= {"<code>", "</code>"}
    for kind in ("strong_open", "link_open"):
        count = [sum(child.type == kind for child in inline(side)) for side in (tokens, harmless)]
        assert count[0] == count[1], kind
    assert not re.search(r"@|#\d|GH-\d|://|www\.", outside_code(tokens))
    assert [character for character in rendered if not character.isprintable() and character != "\n"] == []
    assert len(rendered.encode()) <= 65_536


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_text_stays_in_its_place(text: str) -> None:
    """Backticks, pipes, HTML, mentions, line ends, control and bidi characters change nothing around them."""
    assert_contained(text)


@settings(deadline=None)
@given(text=NASTY)
def test_any_text_stays_in_its_place(text: str) -> None:
    """The same for whatever else there is."""
    assert_contained(text)


@pytest.mark.parametrize(
    "full",
    ["https://ci.example.org/run?a=1&b=(2)", "https://ci.example.org/a) [x](y", "javascript:alert(1)", "plans/@x`|<b>"],
)
def test_where_the_whole_is_cannot_break_out_either(full: str) -> None:
    """An address of the web is a link to that very address; anything else is text."""
    tokens = MARKDOWN.parse(plan_markdown(plans.mixed(), full=full))
    links = [str(child.attrs["href"]) for child in inline(tokens) if child.type == "link_open"]

    assert all(link.startswith("https://ci.example.org/") and ")" not in link for link in links)
    assert len(links) == full.startswith("https://")
    assert "@" not in outside_code(tokens)


@settings(deadline=None, max_examples=30)  # large plans
@given(
    texts=st.lists(NASTY.map(lambda text: text * 40), min_size=1, max_size=4),
    times=st.sampled_from([1, 40, 400]),
    limit=st.sampled_from([LEAST, 30_000, 65_536, 300_000]),
)
def test_no_plan_is_longer_than_the_limit(texts: list[str], times: int, limit: int) -> None:
    """In bytes, whatever it holds, in characters of any width."""
    steps = [step for text in texts for step in poisoned(text).steps] * times
    view = dataclasses.replace(poisoned(texts[0]), steps=steps, findings=[*poisoned(texts[-1]).findings] * times)

    assert len(plan_markdown(view, limit=limit, full=texts[0], plan=texts[0]).encode()) <= limit


def shown(text: str) -> tuple[int, int]:
    """How many changes are named, and how many only counted."""
    named = len(re.findall(r"^\S+ +(?:may )?(?:create|update|replace|delete|run) \S+:", text, re.MULTILINE))
    return named, sum(int(found) for found in re.findall(r"^(\d+) more are not listed", text, re.MULTILINE))


@pytest.mark.parametrize("limit", [LEAST, 30_000, 65_536, 200_000, 400_000, 1_048_576])
def test_every_change_is_named_or_counted(limit: int) -> None:
    """Of 5,000 changes none is lost, however little room there is."""
    text = plan_markdown(plans.huge(), limit=limit)

    assert len(text.encode()) <= limit
    assert sum(shown(text)) == 5_000
    assert "plan.txt of the bundle" in text


@pytest.mark.parametrize("limit", [65_536, 200_000, 1_048_576])
def test_what_is_dangerous_is_named_first_and_never_folded(limit: int) -> None:
    """All 500 deletions and replacements stand in the open, above the first fold, with what forces them."""
    text = plan_markdown(plans.huge(), limit=limit)
    open_part = text[: text.index("<details>")]

    assert shown(open_part) == (500, 0)
    assert open_part.count("forced by name") == 250


def test_details_go_before_addresses_and_the_harmless_before_the_dangerous() -> None:
    """With less and less room: attributes of creations, of updates, of the rest; then addresses of creations."""
    view = plans.huge(700)
    whole = len(plan_markdown(view, limit=1_048_576).encode())
    given_up = []
    for limit in range(whole, LEAST, -1_000):
        text = plan_markdown(view, limit=limit)
        sections = re.split(r"^(?:#### |<details>)", text, flags=re.MULTILINE)[1:]
        given_up.append(
            tuple((len(re.findall(r"^[!+-] {5}\S", part, re.MULTILINE)) > 0, shown(part)[1] > 0) for part in sections)
        )
    order = list(dict.fromkeys(given_up))

    # Of each: whether attributes are shown, whether some are only counted. Dangerous ones, updates, creations.
    assert order == [
        ((True, False), (True, False), (True, False)),
        ((True, False), (True, False), (False, False)),
        ((True, False), (False, False), (False, False)),
        ((False, False), (False, False), (False, False)),
        ((False, False), (False, False), (False, True)),
        ((False, False), (False, True), (False, True)),
    ]


def test_findings_that_do_not_fit_are_counted_by_rule_errors_first() -> None:
    """A plan that breaks a rule a thousand times says so, and still has room for its changes."""
    findings = [plans.finding("warning", rule="names-own"), *[plans.finding()] * 1_000]
    text = plan_markdown(dataclasses.replace(plans.mixed(), findings=findings))

    assert "**Policy: 1000 errors and 1 warning; it cannot be applied**" in text
    listed = len(re.findall(r"^- \*\*error", text, re.MULTILINE))
    assert 20 < listed < 1_000
    assert f"and {1_001 - listed} more: <code>{1_000 - listed} tls-minimum, 1 names-own</code>" in text
    assert "#### Delete: 1, replace: 1" in text


def test_a_summary_has_all_details_of_what_a_comment_has_no_room_for() -> None:
    """The same plan, with the room of a step summary."""
    view = plans.huge(1_000)

    assert "left out for want of room" in plan_markdown(view)
    assert "for want of room" not in plan_summary(view)
    assert len(plan_summary(view).encode()) <= 1_048_576


def test_one_endless_name_does_not_hide_the_others() -> None:
    """It is shortened in its middle, and what is missing is counted."""
    endless = plans.change("delete", f"site:cloudflare_x.{'y' * 100_000}.end")
    text = plan_markdown(plans.plan_view([plans.step("terraform site", endless, plans.change("delete", "r2:a"))]))

    assert re.search(r"^-   delete site:cloudflare_x\.y+ \[99\d{3} more\] y+\.end$", text, re.MULTILINE)
    assert "-   delete r2:a" in text


def test_too_little_room_is_a_mistake_of_the_caller() -> None:
    """A limit below what counts alone need is refused, not exceeded."""
    with pytest.raises(ValueError, match="24576"):
        plan_markdown(plans.empty(), limit=LEAST - 1)
