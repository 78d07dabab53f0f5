"""The way of a case through its statuses."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from casework.core import timeline
from casework.core.lifecycle import CaseStatus, EventType
from casework.core.model import CaseEvent, CaseId, RunId

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUN = RunId(UUID(int=7))


def history(*lines):
    """Events of these types, a minute apart."""
    return [
        CaseEvent(
            number,
            CaseId(UUID(int=1)),
            type,
            None,
            BEGAN + timedelta(minutes=number),
            RUN,
            None,
            "clerk",
            None,
            changes[0] if changes else None,
        )
        for number, (type, *changes) in enumerate((line if isinstance(line, tuple) else (line,)) for line in lines)
    ]


def shown(events, status):
    now = BEGAN + timedelta(minutes=len(events) + 9)
    return timeline.stages(events, status, now)


def test_each_move_begins_a_stage_that_lasts_until_the_next():
    found = shown(history("created", "claimed", "needs_input", "input_received", "resumed", "completed"), "completed")
    assert [stage.status for stage in found] == [
        "pending",
        "claimed",
        "needs_input",
        "pending",
        "claimed",
        "completed",
    ]
    assert {stage.lasts for stage in found[:-1]} == {timedelta(minutes=1)}
    assert [stage.agent_name for stage in found] == [None, "clerk", None, None, "clerk", None]
    assert timeline.spent(found) == {
        "pending": timedelta(minutes=2),
        "claimed": timedelta(minutes=2),
        "needs_input": timedelta(minutes=1),
    }


def test_what_moves_nothing_is_no_stage():
    found = shown(history("created", "labels_changed", "updated", "resent", "write_refused"), CaseStatus.PENDING)
    assert [(stage.status, stage.lasts, stage.is_last) for stage in found] == [("pending", timedelta(minutes=14), True)]


@pytest.mark.parametrize(
    ("changes", "status"),
    [(None, "pending"), ([{"field": "postponed_to", "new": "2026-03-01T13:00:00Z"}], "postponed")],
)
def test_a_case_that_is_created_for_later_begins_postponed(changes, status):
    first, _ = shown(history(("created", changes), "claimed"), CaseStatus.CLAIMED)
    assert first.status == status


def test_a_settled_case_has_the_status_that_it_has_now():
    found = shown(history("created", "settled"), CaseStatus.FAILED)
    assert (found[-1].status, found[-1].has_ended) == (CaseStatus.FAILED, True)


def test_how_it_was_settled_before_it_went_on_is_not_invented():
    found = shown(history("created", "settled", "retried"), CaseStatus.PENDING)
    assert [stage.status for stage in found] == ["pending", None, "pending"]


def test_the_lifecycle_says_where_each_line_of_history_leads():
    moves = {"claimed", "handover", "resumed", "postponed", "failed", "stopped", "released", "attempt_failed"}
    for type in moves | {"handed_over", "retried", "delegated", "completed", "needs_input", "input_received"}:
        (_, second, _) = shown(history("created", type, "completed"), CaseStatus.COMPLETED)
        assert (second.began_with, second.status is not None) == (EventType(type), True)
