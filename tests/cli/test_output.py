"""Event lines, warnings, the status line and the summary."""

import argparse
import io
import json

import pytest

from jamliquor_lite.cli.output import Output, add_output_arguments, seconds
from jamliquor_lite.errors import LocalError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_ready_is_the_first_event() -> None:
    out = io.StringIO()
    output = Output(True, out, io.StringIO())
    output.warn("early")
    output.event("peer", name="e1")
    assert out.getvalue() == ""
    output.ready(addresses=["here"], key=b"\x01\xff")
    output.event("header", slot=7)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["ready", "warning", "peer", "header"]
    assert events[0] == {"event": "ready", "addresses": ["here"], "key": "01ff"}


def test_what_waits_for_ready_is_shown_when_it_never_comes() -> None:
    out = io.StringIO()
    output = Output(True, out, io.StringIO())
    output.warn("early")
    output.close()
    output.close()
    assert json.loads(out.getvalue()) == {"event": "warning", "message": "early"}


def test_early_events_do_not_pile_up() -> None:
    out = io.StringIO()
    output = Output(True, out)
    for number in range(1000):
        output.event("early", number=number)
    output.ready()
    assert len(out.getvalue().splitlines()) == 65


def test_a_person_sees_lines_and_no_events() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(False, out, err)
    output.event("header", slot=7)
    output.warn("mind\nthe gap")
    output.line("a peer said \x1b[2J")
    output.status("no terminal, no status")
    output.summary(chain="dev", best_slot=7)
    assert out.getvalue() == 'a peer said ?[2J\n{"chain":"dev","best_slot":7}\n'
    assert err.getvalue() == "jamliquor-lite: warning: mind the gap\n"


def test_lines_for_a_person_are_no_events() -> None:
    out = io.StringIO()
    output = Output(True, out)
    output.ready()
    output.line("hello")
    output.status("here")
    assert len(out.getvalue().splitlines()) == 1


def test_the_status_line_is_overwritten_and_left_alone_by_others() -> None:
    out = Terminal()
    output = Output(False, out, io.StringIO())
    output.status("slot 10")
    output.status("slot 9")
    output.line("news")
    output.status("x" * 500)
    output.close()
    assert out.getvalue() == "\rslot 10\rslot 9 \nnews\n\r" + "x" * 120 + "\n"


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "nan", "inf", "1e10"])
def test_seconds_must_be_a_positive_number(text: str) -> None:
    parser = argparse.ArgumentParser()
    add_output_arguments(parser)
    with pytest.raises(LocalError, match="must be a positive number of seconds") as caught:
        seconds(parser.parse_args([f"--seconds={text}"]))
    assert caught.value.exit_code == 2


def test_seconds() -> None:
    parser = argparse.ArgumentParser()
    add_output_arguments(parser)
    assert seconds(parser.parse_args([])) is None
    assert seconds(parser.parse_args(["--seconds", "2.5"])) == 2.5
