"""How a rule judges a plan, whatever the rules of this repository are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from deployer.engine.change import Action, Change
from deployer.inventory.review import Rule
from deployer.review.naming import Naming
from deployer.review.policy import PlannedResource, Word, check_policy
from deployer.review.view import Finding

NAMING = Naming(
    project="shop", zone="shop.example", name="pr-12", host="pr-12.shop.example", templates=("pr-{number}",)
)
REASON = "because"


def resource(
    values: Mapping[str, Any] | None = None, *, type_: str = "thing", action: Word = "create", **more: Any
) -> PlannedResource:
    """A resource `site:thing.this` with these values."""
    return PlannedResource(
        stack="site", address=f"{type_}.this", type=type_, action=action, values=values or {}, **more
    )


def check(rule: Mapping[str, Any], *resources: PlannedResource, changes: Sequence[Change] = ()) -> tuple[Finding, ...]:
    """The findings of one rule."""
    made = Rule.model_validate({"reason": REASON, **rule})
    return check_policy({"rule": made}, resources, changes, naming=NAMING, places={"rule": "environments.toml:7"})


def messages(rule: Mapping[str, Any], *resources: PlannedResource, changes: Sequence[Change] = ()) -> list[str]:
    """What the findings say."""
    return [finding.message for finding in check(rule, *resources, changes=changes)]


def test_a_finding_says_all_there_is_to_know() -> None:
    """Rule, why, what, where it is, where the rule stands."""
    [finding] = check({"attributes": ("rules[*].on",), "none_of": (False,)}, resource({"rules": [{}, {"on": False}]}))

    assert finding == Finding(
        rule="rule",
        severity="error",
        reason=REASON,
        message="`rules[1].on` is `false`, must not be `false`",
        where="site:thing.this rules[1].on",
        place="environments.toml:7",
    )


@pytest.mark.parametrize(
    ("check_", "good", "bad", "must"),
    [
        ({"like": ("a*", "b")}, ["a", "abc", "b"], ["xa", "bb"], "must be like `a*` or `b`"),
        ({"unlike": ("a*",)}, ["b"], ["a", "ab"], "must not be like `a*`"),
        ({"one_of": ("1.2", 3)}, ["1.2", 1.2, 3, "3"], ["1.3", 4], "must be `1.2` or `3`"),
        ({"none_of": (True, "off")}, [False, "on"], [True, "true", "off"], "must not be `true` or `off`"),
        ({"names": "own"}, ["shop-pr-12"], ["shop-pr-1", "shop"], "must bear the name `pr-12`"),
        ({"names": "not-foreign"}, ["shop-pr-12", "shop"], ["pr-1"], "must not bear `pr-1`, which is another"),
    ],
)
def test_what_a_value_must_be(check_: dict[str, Any], good: list[Any], bad: list[Any], must: str) -> None:
    """Each check is silent on what it allows and says what it wants of anything else."""
    rule = {"attributes": ("value",), **check_}

    assert messages(rule, *(resource({"value": value}) for value in good)) == []
    for value in bad:
        [message] = messages(rule, resource({"value": value}))
        assert must in message


def test_several_checks_all_hold() -> None:
    """A value that passes one of them and not the other is found."""
    rule = {"attributes": ("value",), "like": ("a*",), "none_of": ("ab",)}

    assert messages(rule, resource({"value": "ac"})) == []
    assert len(messages(rule, resource({"value": "ab"}), resource({"value": "b"}))) == 2


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("rules[*].on", ["rules[0].on", "rules[12].on"]),
        ("*.on", ["deep.down.on", "rules[0].on", "rules[12].on"]),
        ("deep.*", ["deep.down.on"]),
        ("tags[*]", ["tags[0]", "tags[1]"]),
        ("rules", []),
        ("empty", ["empty"]),
        ("none", []),
        ("nowhere[*].at.all", []),
    ],
)
def test_attributes_are_found_by_patterns(pattern: str, found: list[str]) -> None:
    """A star fits any text, a star in brackets any index; null is not there, and what is nowhere is no violation."""
    values = {
        "rules": [{"on": 1}, *[{}] * 11, {"on": 1}], "deep": {"down": {"on": 1}}, "tags": ["a", "b"],
        "empty": [], "none": None,
    }  # fmt: skip
    findings = check({"attributes": (pattern,), "one_of": ("x",)}, resource(values))

    assert sorted(finding.where.partition(" ")[2] for finding in findings) == sorted(found)


def test_a_rule_concerns_types_actions_and_attributes() -> None:
    """Anything else is none of its business."""
    rule = {"types": ("thing*",), "where": {"kind": "a"}, "attributes": ("value",), "one_of": (1,)}
    bad = {"kind": "a", "value": 2}

    assert len(messages(rule, resource(bad), resource(bad, type_="thing_else"))) == 2
    assert messages(rule, resource(bad, type_="other"), resource(bad, action="delete")) == []
    assert messages(rule, resource({**bad, "kind": "b"}), resource({"value": 2})) == []
    assert len(messages({**rule, "actions": ("delete",)}, resource(bad, action="delete"), resource(bad))) == 1


def test_a_rule_that_is_off_is_silent() -> None:
    """Whatever the plan does."""
    assert messages({"attributes": ("v",), "one_of": (1,), "enabled": False}, resource({"v": 2})) == []


def test_what_must_be_set_is_missed() -> None:
    """Also where the list in which it would be is empty or not there."""
    rule = {"attributes": ("rules[*].on",), "none_of": (False,), "required": True}

    assert messages(rule, resource({"rules": [{"on": True}]})) == []
    cases: list[dict[str, Any]] = [{}, {"rules": []}, {"rules": None}, {"rules": [{"on": None}]}]
    for values in cases:
        assert messages(rule, resource(values)) == ["there is no `rules[*].on`, which must be set"]


@pytest.mark.parametrize("unknown", ["value", "whole", "whole.list", "whole.list[0]", "whole.list[0].on"])
def test_what_only_the_apply_tells_is_counted(unknown: str) -> None:
    """One warning, whatever the severity; and no violation because it is not there yet."""
    rule = {"attributes": ("value", "whole.list[*].on"), "one_of": (1,), "required": True}
    findings = check(rule, resource(unknown=frozenset({unknown, "id"})), resource(unknown=frozenset({unknown})))

    assert [(finding.severity, finding.message) for finding in findings] == [
        ("warning", "2 values are only known after the apply, and not judged")
    ]
    assert findings[0].where == f"site:thing.this {unknown}, site:thing.this {unknown}"


def test_whether_a_rule_concerns_a_thing_may_be_unknown_too() -> None:
    """That is no silence either."""
    for check_ in ({"attributes": ("value",), "one_of": (1,)}, {"at_most": 0}):
        rule = {"where": {"kind": "a"}, **check_}
        assert messages(rule, resource({"value": 2}, unknown=frozenset({"kind"}))) == [
            "1 value is only known after the apply, and not judged"
        ]


def test_a_sensitive_value_is_judged_and_not_shown() -> None:
    """To mark it is no way around a rule, and to judge it is no way to read it."""
    rule = {"attributes": ("deep.value",), "one_of": ("1.2",)}
    [finding] = check(rule, resource({"deep": {"value": "hunter2"}}, hidden=frozenset({"deep"})))

    assert "hunter2" not in repr(finding)
    assert finding.message == "`deep.value` is `(sensitive)`, must be `1.2`"
    assert "hunter2" not in repr(resource({"value": "hunter2"}))


def test_a_long_value_is_shown_whole_or_not_at_all() -> None:
    """Half a secret would not be recognized any more."""
    assert messages({"attributes": ("v",), "one_of": (1,)}, resource({"v": "x" * 201})) == [
        "`v` is `a text of 201 characters`, must be `1`"
    ]


def change(action: Action, address: str, **more: Any) -> Change:
    """A change of some other step."""
    return Change(action=action, address=address, summary="", **more)


def test_a_limit_counts_terraform_and_all_others() -> None:
    """Each thing once, nothing that stays on this machine, and nothing that is only done."""
    rule = {"actions": ("delete", "replace"), "at_most": 2}
    gone = resource(action="delete")
    others = [
        change(Action.DELETE, gone.where),
        change(Action.DELETE, "convex:SITE_URL"),
        change(Action.RUN, "convex:functions"),
        change(Action.DELETE, "app:build", local=True),
        change(Action.CREATE, "convex:NEW"),
    ]

    assert messages(rule, gone, changes=others) == []
    [finding] = check(rule, gone, changes=[*others, change(Action.DELETE, "worker:x/SECRET")])
    assert finding.message == "3 things would be deleted or replaced, at most 2 may be"
    assert finding.where == "site:thing.this, convex:SITE_URL, worker:x/SECRET"


def test_a_limit_for_some_types() -> None:
    """Terraform's by their types, others by what their address begins with; attributes only Terraform's have."""
    gone = [resource(action="delete"), resource({"kind": "a"}, type_="other", action="delete")]
    others = [change(Action.DELETE, "convex:SITE_URL"), change(Action.DELETE, "worker:x")]

    def found(**rule: Any) -> list[str]:
        findings = check({"actions": ("delete",), "at_most": 0, **rule}, *gone, changes=others)
        return [finding.where for finding in findings]

    assert found(types=("convex",)) == ["convex:SITE_URL"]
    assert found(types=("thing",)) == ["site:thing.this"]
    assert found(where={"kind": "a"}) == ["site:other.this"]
    assert found() == ["site:thing.this, site:other.this, convex:SITE_URL and 1 more"]
    assert messages({"actions": ("delete",), "at_most": 0, "types": ("other",)}, *gone) == [
        "1 thing would be deleted, none may be"
    ]


def test_errors_come_first() -> None:
    """Within them, the order of the inventory."""
    rules = {
        name: Rule(reason=REASON, attributes=("v",), one_of=(1,), severity="error" if name in "bc" else "warning")
        for name in "abcd"
    }
    found = check_policy(rules, [resource({"v": 2})], (), naming=NAMING, places={})

    assert [finding.rule for finding in found] == list("bcad")
