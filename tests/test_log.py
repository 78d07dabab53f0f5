"""A log line is one line, whatever it tells of."""

import io
import json
import logging

import pytest

from casework import events, log

NASTY = "a\x1b[2J\n12:00:00 warning forged\u202e"


@pytest.fixture
def written():
    """Logs as a process does, and returns what it wrote: `written(form)`."""
    root, logger = logging.getLogger(), logging.getLogger("casework")
    before = root.handlers[:], root.level, logger.level

    def write(form):
        log.configure("INFO", form)
        stream = io.StringIO()
        root.handlers[0].setStream(stream)
        log.record(events.RequestServed("GET", NASTY, 200, 1.0, None))
        try:
            raise ValueError(NASTY)
        except ValueError:
            logger.exception("failed")
        return stream.getvalue()

    yield write
    root.handlers[:], root.level = before[0], before[1]
    logger.setLevel(before[2])


def test_text_lines_show_control_characters_escaped(written):
    first, *rest = written("text").splitlines()
    assert r" path=a\x1b[2J\n12:00:00 warning forged\u202e " in first
    assert not {"\x1b", "\u202e"} & set("".join(rest))


def test_json_lines_are_one_line_each(written):
    lines = [json.loads(line) for line in written("json").splitlines()]
    assert [line["action"] for line in lines] == ["api.request", "failed"]
    assert lines[0]["path"] == NASTY
