"""An answer and whoever else is at the case that waits for it: it is given once, or it is too late and says so."""

from acts import answer, delegate, delete, retry, settle, stop
from meeting import Met, meetings
from scenes import asked


@meetings(
    Met(asked, answer, answer, "answered, then AlreadyAnswered: pending, waiting; input_received"),
)
def test_a_question_is_answered_once(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(asked, settle, answer, "moved, then AlreadyAnswered: failed, interrupted; input_cancelled settled"),
    Met(asked, retry, answer, "moved, then AlreadyAnswered: pending, interrupted; input_cancelled retried"),
    Met(asked, delegate, answer, "moved, then AlreadyAnswered: pending, interrupted; input_cancelled delegated"),
    Met(asked, stop, answer, "is interrupted, then AlreadyAnswered: failed, interrupted; input_cancelled stopped"),
    Met(asked, delete, answer, "moved, then AlreadyAnswered: gone, interrupted"),
)
def test_an_answer_that_meets_a_person_is_too_late(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(asked, answer, settle, "answered, then moved: failed, interrupted; input_received settled"),
    Met(asked, answer, retry, "answered, then skipped: pending, waiting; input_received"),
    Met(asked, answer, delegate, "answered, then moved: pending, interrupted; input_received delegated"),
    Met(asked, answer, stop, "answered, then TransitionRefused: pending, waiting; input_received"),
    Met(asked, answer, delete, "answered, then moved: gone, interrupted"),
)
def test_a_person_who_meets_an_answer_takes_a_case_that_is_answered(committed, meeting):
    meeting.check(committed)
