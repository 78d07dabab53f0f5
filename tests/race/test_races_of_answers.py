"""An answer and whoever else is at the case that waits for it: it is given once, or it is too late and says so."""

from acts import answer, delegate, delete, retry, settle, stop
from meeting import Met, meetings
from scenes import asked


@meetings(
    Met(asked, answer, answer, "answered, then AlreadyAnswered: pending, waiting; input_received"),
)
def test_accepts_one_answer_to_a_question(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(asked, settle, answer, "moved, then AlreadyAnswered: failed, interrupted; input_cancelled settled"),
    Met(asked, retry, answer, "moved, then AlreadyAnswered: pending, interrupted; input_cancelled retried"),
    Met(asked, delegate, answer, "moved, then AlreadyAnswered: pending, interrupted; input_cancelled delegated"),
    Met(asked, stop, answer, "is interrupted, then AlreadyAnswered: failed, interrupted; input_cancelled stopped"),
    Met(asked, delete, answer, "moved, then AlreadyAnswered: gone, interrupted"),
)
def test_refuses_an_answer_after_a_person_took_the_case(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(asked, answer, settle, "answered, then moved: failed, interrupted; input_received settled"),
    Met(asked, answer, retry, "answered, then skipped: pending, waiting; input_received"),
    Met(asked, answer, delegate, "answered, then moved: pending, interrupted; input_received delegated"),
    Met(asked, answer, stop, "answered, then TransitionRefused: pending, waiting; input_received"),
    Met(asked, answer, delete, "answered, then moved: gone, interrupted"),
)
def test_takes_an_answered_case_after_an_answer_under_way(committed, meeting):
    meeting.check(committed)
