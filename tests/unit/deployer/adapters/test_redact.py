"""Masking by value, in every form and across every border."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.adapters.redact import MASK, Redactor

CANARY = 'S3cr3t/"va|ue"+<with> &\\every=thing'
PEM = "-----BEGIN KEY-----\nMIIEvgIBADANBgkqh\nkiG9w0BAQEFAASCB\n-----END KEY-----\n"


def forms(value: str) -> list[str]:
    """How tools are known to repeat a value."""
    return [
        value,
        json.dumps(value),
        json.dumps({"key": value}),
        json.dumps(value).replace("/", "\\/"),
        json.dumps(value).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
        re.sub("%..", lambda found: found.group().lower(), urllib.parse.quote(value, safe="")),
        html.escape(value),
        repr(value),
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
        base64.b64encode(f"user:{value}".encode()).decode(),
        base64.b64encode(f"x{value}yz".encode()).decode(),
        base64.b64encode(f"ab{value}".encode()).decode(),
    ]


@pytest.mark.parametrize("form", range(len(forms(CANARY))))
def test_every_form_of_a_value_is_masked(form: int) -> None:
    """Escaped for JSON, URL, HTML or Python, or in base64 at any offset, the value does not show."""
    text = forms("abcSecretValue1234/+&<x>")[form]
    shown = Redactor(["abcSecretValue1234/+&<x>"]).text(f"before {text} after")
    assert MASK in shown
    assert "SecretValue" not in shown
    assert text[4:-4] not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_a_multi_line_value_is_masked_line_by_line() -> None:
    """A log that prefixes each line of a key still shows none of it."""
    shown = Redactor([PEM]).text("\n".join(f"log: {line}" for line in PEM.splitlines()))
    assert "MIIEvg" not in shown
    assert "kiG9w0" not in shown


def test_overlapping_values_leave_no_rest() -> None:
    """Where two values overlap, the tail of the second does not stick out."""
    assert Redactor(["abcdefgh", "efghijkl"]).text("x abcdefghijkl y") == f"x {MASK} y"


def test_short_values_do_not_mask_ordinary_words() -> None:
    """`on` as a value must not turn every output into stars."""
    assert Redactor(["on", ""]).text("button on") == "button on"


@given(st.data())
def test_a_stream_masks_across_any_border(data: st.DataObject) -> None:
    """However a text is cut into pieces, what comes out is what masking the whole would give."""
    text = f"start {CANARY} middle {json.dumps(CANARY)} and {CANARY[:10]} end{CANARY}"
    redactor = Redactor([CANARY])
    stream = redactor.stream()
    shown = ""
    rest = text
    while rest:
        size = data.draw(st.integers(1, 12))
        shown += stream.feed(rest[:size])
        rest = rest[size:]
    assert shown + stream.finish() == redactor.text(text)


def test_a_stream_holds_back_only_what_may_be_the_start_of_a_value() -> None:
    """Ordinary lines are shown at once."""
    stream = Redactor(["secret-value"]).stream()
    assert stream.feed("building...\n") == "building...\n"
    assert stream.feed("a sec") == "a "
    assert stream.feed("ond line\n") == "second line\n"
