"""Streams, colours, the status line, and redaction at the last moment."""

from __future__ import annotations

import errno
import io

import pytest

from deployer.adapters.redact import Redactor
from deployer.report.sink import Sink, wants_colour


def sink(*, live: bool = False, colour: bool = False) -> tuple[Sink, io.StringIO, io.StringIO]:
    """A sink and its two streams."""
    out, err = io.StringIO(), io.StringIO()
    return Sink(out=out, err=err, live=live, colour=colour), out, err


def test_data_and_talk_go_to_their_own_streams() -> None:
    """A pipe gets data only."""
    each, out, err = sink()
    each.data("result")
    each.talk("working")

    assert (out.getvalue(), err.getvalue()) == ("result\n", "working\n")


def test_every_way_out_is_redacted() -> None:
    """A value that was read after the sink was made is masked in data, talk and status line."""
    redactor = Redactor()
    each, out, err = sink(live=True)
    each.redact = redactor.text
    redactor.add("s3cret-value")
    each.data("a s3cret-value")
    each.talk("b s3cret-value")
    each.status("c s3cret-value")

    assert "s3cret" not in out.getvalue() + err.getvalue()
    assert out.getvalue() == "a ***\n"


def test_the_status_line_is_wiped_before_anything_else_is_printed() -> None:
    """On a terminal it stays last; elsewhere it does not exist."""
    live, _, shown = sink(live=True)
    live.status("at work")
    live.talk("line")
    live.status("")
    plain, _, nothing = sink()
    plain.status("at work")

    assert shown.getvalue() == "at work\r\033[Kline\nat work\r\033[K"
    assert nothing.getvalue() == ""


def test_talking_to_nobody_is_no_failure() -> None:
    """A closed pipe or terminal silences the talk; another failure of the stream is not hidden."""

    class Gone(io.StringIO):
        number = errno.EPIPE

        def write(self, _text: str, /) -> int:
            raise OSError(self.number, "gone")

    out, err = io.StringIO(), Gone()
    each = Sink(out=out, err=err, live=True)
    each.status("at work")
    each.talk("words")
    each.data("result")

    assert out.getvalue() == "result\n"
    full = Gone()
    full.number = errno.ENOSPC
    with pytest.raises(OSError, match="gone"):
        Sink(out=out, err=full).talk("words")


def test_the_status_line_never_wraps() -> None:
    """It is cut to the width of the terminal."""
    each, _, err = sink(live=True)
    each.status("x" * 200)

    assert len(err.getvalue()) == 79


def test_paint_without_colour_is_plain() -> None:
    """No escape ever reaches a log."""
    plain, _, _ = sink()
    coloured, _, _ = sink(colour=True)

    assert plain.paint("ok", "green") == "ok"
    assert coloured.paint("ok", "green", "bold") == "\033[32;1mok\033[0m"


@pytest.mark.parametrize(
    ("environment", "terminal", "no_color", "expected"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"TERM": "dumb"}, True, False, False),
        ({}, True, True, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False),
    ],
)
def test_who_gets_colours(environment: dict[str, str], *, terminal: bool, no_color: bool, expected: bool) -> None:
    """A terminal that wants them."""
    assert wants_colour(environment, terminal=terminal, no_color=no_color) is expected
