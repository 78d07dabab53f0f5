"""Charts and marked texts: what they say in words, and that nothing in them is more than text."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from casework.core.lifecycle import EventType
from casework.core.timeline import Stage
from casework.service.figures import Minute
from casework.web import charts
from casework.web.formats import said
from casework.web.highlight import Highlight

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def widths(svg):
    return [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', svg)]


def test_minutes_say_their_sums_and_show_each_failure():
    found = [Minute(NOW, completed=2000), Minute(NOW, completed=10, failed=1), Minute(NOW)]
    svg = charts.minutes(found)
    assert "Runs that ended in the last hour: 2\u202f011, of which 1 failed; at most 2\u202f000 in a minute." in svg
    assert svg.count('class="failed"') == 1
    assert svg.count('class="done"') == 2
    heights = dict(zip(("done", "failed", "small"), map(float, re.findall(r'height="([\d.]+)"/>', svg)), strict=True))
    assert heights["done"] == 28 and heights["failed"] >= 1.5


def test_an_hour_without_runs_is_an_empty_chart():
    assert "<rect" not in charts.minutes([Minute(NOW)] * 60)


def stage(status, seconds, **fields):
    return Stage(status, EventType.CREATED, NOW, NOW + timedelta(seconds=seconds), **fields)


def test_a_way_shows_a_second_beside_a_day_and_fits():
    found = [stage("pending", 86_400), stage("claimed", 1, agent_name="<clerk>"), stage("completed", 9, is_last=True)]
    svg = charts.path(found)
    assert min(widths(svg)) > 10
    assert sum(widths(svg)) <= 1000
    assert "pending for 1 d; claimed by &lt;clerk&gt; for 1.0 s; completed" in svg
    assert "<clerk>" not in svg


def test_a_way_of_many_stages_shows_the_last():
    svg = charts.path([stage("pending", 1)] * 500)
    assert svg.count("<g ") == charts.MOST_STAGES
    assert sum(widths(svg)) <= 1000


@pytest.mark.parametrize(("used", "of", "width"), [(0, 4, 0.0), (1, 4, 25.0), (9, 4, 100.0)])
def test_slots_in_use_fill_their_bar(used, of, width):
    svg = charts.use(used, of)
    assert f"{used} of {of} slots in use" in svg
    assert widths(svg)[-1] == width
    assert charts.use(used, None) == ""


def test_marks_words_and_escapes_all_around_them():
    found = Highlight('pay "<b>"')
    assert found.text("Payment <b> & pay") == "<mark>Pay</mark>ment &lt;<mark>b</mark>&gt; &amp; <mark>pay</mark>"
    assert found.snippet({"x": "to pay \u202e now"}) == "…to <mark>pay</mark> \\u202e now…"
    assert found.snippet("nothing") == ""
    assert Highlight("").text("<i>") == "&lt;i&gt;"


def test_sentences_show_commands_and_moments():
    assert said("It ended at 2026-03-01T12:00:00+00:00: <x>, `casework up`.") == (
        'It ended at <time datetime="2026-03-01T12:00:00+00:00" data-moment>2026-03-01 12:00:00 UTC</time>: '
        "&lt;x&gt;, <code>casework up</code>."
    )
