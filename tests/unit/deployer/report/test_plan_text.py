"""The plan for a terminal: nothing lost, nothing that a terminal obeys, and what to type next."""

from __future__ import annotations

import dataclasses
import re

import pytest

from deployer.engine.change import Action, Change
from deployer.report.plan_text import plan_lines
from deployer.review.view import Finding, PlanView
from tests.support import plans

# `mixed` was made with uncommitted changes.
COMMITTED = plans.plan_view(plans.mixed().steps, needed=2)
UNCOMMITTED = "next: commit, then `inv plan --env production`; uncommitted changes cannot be approved"


def text(view: PlanView, *, diff: bool = False, plan: str | None = "plan/") -> str:
    """What is printed."""
    return "\n".join(plan_lines(view, diff=diff, plan=plan))


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    """Escapes, line ends and changes of direction in any text are shown, not done."""
    evil = "a\x1b[2J\r\nb\u202ec\x9b1m"
    change = Change(
        action=Action.REPLACE, address=f"x:{evil}", summary=evil, detail=f'+ {evil}: "{evil}"', forces=(evil,)
    )
    finding = Finding(rule=evil, severity="error", reason=evil, message=evil, where=evil, place=evil)
    view = plans.plan_view([plans.step(evil, change)], findings=[finding], id=evil, environment=evil, settings=(evil,))
    for diff in (False, True):
        printed = text(view, diff=diff, plan=evil)
        # The difference alone has lines of its own.
        assert [character for character in printed if not character.isprintable() and character != "\n"] == []
        assert "\\x1b[2J\\r\\nb\\u202ec\\x9b1m" in printed


def test_what_is_folded_is_counted_and_diff_unfolds_it() -> None:
    """Of 5,000 changes all are named or counted; those that delete or replace are named in any case."""
    view = plans.huge()
    folded, whole = text(view), text(view, diff=True)

    def named(printed: str) -> int:
        return len(re.findall(r'this\["h\d+"\]', printed))

    assert named(whole) == 5_000
    assert named(folded) + sum(map(int, re.findall(r"^ +\.\.\. (\d+) more$", folded, re.MULTILINE))) == 5_000
    assert all(
        f'  -   delete site:module.zone.cloudflare_dns_record.this["h{n}"]' in folded for n in range(0, 5_000, 20)
    )
    assert "2250 cloudflare_dns_record" in folded


def test_few_creations_of_a_kind_are_named() -> None:
    """Folding begins where nobody would read on."""
    changes = [plans.change("create", f"site:cloudflare_dns_record.r{n}") for n in range(10)]

    assert "more" not in text(plans.plan_view([plans.step("terraform site", *changes)]))


def test_updates_are_folded_only_if_they_do_the_same() -> None:
    """Eleven records that get the same lifetime are one line; one that differs is shown."""
    changes = [plans.change("update", f"site:cloudflare_dns_record.r{n}", "~ ttl: 1 -> 60") for n in range(11)]
    odd = plans.change("update", "site:cloudflare_dns_record.odd", "~ ttl: 1 -> 61")
    printed = text(plans.plan_view([plans.step("terraform site", *changes, odd)]))

    assert "  ~   update 11 cloudflare_dns_record" in printed
    assert printed.count("~ ttl: 1 -> 60") == 1
    assert "  ~   update site:cloudflare_dns_record.odd\n      ~ ttl: 1 -> 61" in printed


def test_deletions_are_never_folded() -> None:
    """Each thing that goes has its line, however many go."""
    changes = [plans.change("delete", f"site:cloudflare_dns_record.r{n}") for n in range(30)]

    assert text(plans.plan_view([plans.step("terraform site", *changes)])).count("  -   delete site:") == 30


def test_a_long_difference_is_capped_and_diff_shows_all_of_it() -> None:
    """A plan is read to its end."""
    change = plans.change("update", "site:x.y", "\n".join(f"+ a{n}: {n}" for n in range(40)))
    view = plans.plan_view([plans.step("terraform site", change)])

    assert "... 29 more lines" in text(view)
    assert "+ a39: 39" not in text(view)
    assert "+ a39: 39" in text(view, diff=True)


@pytest.mark.parametrize(
    ("view", "plan", "last"),
    [
        (plans.empty(), "plan/", "plan: nothing to change, 41 unchanged"),
        (COMMITTED, "plan/", "next: `inv approve --plan plan/`"),
        (plans.mixed(), "plan/", UNCOMMITTED),
        (plans.mixed(), None, UNCOMMITTED),
        (dataclasses.replace(plans.mixed(), needed=0), "plan/", "next: `inv apply --plan plan/`"),
        (plans.additive(), "plan/", "next: `inv approve --plan plan/ --sandbox`"),
        (COMMITTED, None, "next: `inv plan --env production --out plan/` keeps it"),
        (plans.additive(), None, "next: `inv plan --env pr-12 --sandbox --out plan/` keeps it"),
        (plans.violations(), "plan/", "next: mend what breaks the rules, then `inv plan --env production`"),
    ],
)
def test_the_last_line_says_what_to_type(view: PlanView, plan: str | None, last: str) -> None:
    """Approve, apply, keep it, mend it or commit; never what would be refused; nothing if there is nothing to do."""
    assert text(view, plan=plan).replace("\n  ", " ").splitlines()[-1] == last


def test_what_changes_only_this_machine_is_not_counted() -> None:
    """A build is shown apart, asks for no approval and is no pending change."""
    build = Change(action=Action.RUN, address="app:build", summary="npm run build", local=True)
    printed = text(plans.plan_view([plans.step("build", build)], needed=1))

    assert "on this machine, run: 1" in printed
    assert printed.splitlines()[-1] == "plan: nothing to change"


def test_masking_comes_before_shortening() -> None:
    """A secret that found its way into a difference is masked in every rendering, also where only a part is shown."""
    secret = "s3cr3t-" * 20
    change = plans.change("update", "site:x.y", f'~ a: "{secret}old" -> "{secret}new"', summary=secret)
    finding = dataclasses.replace(plans.finding(), message=f"is {secret}")
    view = plans.plan_view([plans.step("terraform site", change)], findings=[finding])
    masked = view.masked(lambda value: value.replace(secret, "***"))

    assert "s3cr3t" in text(view)
    assert "s3cr3t" not in text(masked) + text(masked, diff=True)
    assert masked.changes[0].address == "site:x.y"
