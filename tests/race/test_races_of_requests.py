"""Groups, several approvals, deadlines and reminders, with two at them at once."""

from copy import copy
from dataclasses import replace
from datetime import timedelta

from acts import answer, answer_the_other, approve, approve_too, bring_on, delete, reject, retry, stop, told
from invariants import broken
from meeting import Met, meetings
from scenes import asked_for_two_approvals, asked_two, ends, expired, expired_for_good, so_far, to_be_reminded
from waiting import Halted, Rival, wait_until_blocked


@meetings(
    Met(
        asked_two, answer, answer_the_other, "answered, then answered: pending, waiting; input_received input_received"
    ),
    Met(
        asked_two, answer_the_other, answer, "answered, then answered: pending, waiting; input_received input_received"
    ),
    Met(asked_two, answer, answer, "answered, then AlreadyAnswered: needs_input, waiting; input_received"),
)
def test_the_last_of_a_group_moves_the_case_once(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        asked_two,
        stop,
        answer_the_other,
        "is interrupted, then AlreadyAnswered: failed, interrupted; input_cancelled input_cancelled stopped",
    ),
    Met(asked_two, delete, answer_the_other, "moved, then AlreadyAnswered: gone, interrupted"),
    Met(
        asked_two,
        answer,
        retry,
        "answered, then moved: pending, interrupted; input_received input_cancelled retried",
    ),
)
def test_a_person_who_takes_the_case_ends_the_whole_group(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        asked_for_two_approvals,
        approve,
        approve_too,
        "pending, then answered: pending, waiting; input_approved input_received",
    ),
    Met(
        asked_for_two_approvals, approve, approve, "pending, then AlreadyAnswered: needs_input, waiting; input_approved"
    ),
    Met(
        asked_for_two_approvals,
        approve,
        reject,
        "pending, then rejected: pending, waiting; input_approved input_received",
    ),
    Met(asked_for_two_approvals, reject, approve, "rejected, then AlreadyAnswered: pending, waiting; input_received"),
)
def test_each_approval_counts_once(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(expired, bring_on, bring_on, "finds 1, moves, then finds 1, moves nothing: pending, waiting; input_expired"),
    Met(
        expired_for_good,
        bring_on,
        bring_on,
        "finds 1, moves, then finds 1, moves nothing: failed, failed; input_expired input_cancelled failed",
    ),
    Met(
        to_be_reminded,
        bring_on,
        bring_on,
        "finds 1, moves nothing, then finds 1, moves nothing: needs_input, waiting; input_reminded",
    ),
)
def test_one_of_two_sweeps_brings_a_request_on(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(expired, bring_on, answer, "finds 1, moves, then AlreadyAnswered: pending, waiting; input_expired"),
    Met(
        expired_for_good,
        bring_on,
        answer_the_other,
        "finds 1, moves, then AlreadyAnswered: failed, failed; input_expired input_cancelled failed",
    ),
    Met(expired, retry, bring_on, "moved, then finds 1, moves nothing: pending, interrupted; input_cancelled retried"),
    Met(expired, delete, bring_on, "moved, then finds 1, moves nothing: gone, interrupted"),
    Met(to_be_reminded, answer, bring_on, "answered, then finds 1, moves nothing: pending, waiting; input_received"),
)
def test_a_request_that_ended_meanwhile_is_left_alone(committed, meeting):
    meeting.check(committed)


def test_an_answer_that_is_under_way_at_the_deadline_counts(committed):
    scene = expired(committed)
    since = so_far(scene)
    with committed.begin() as tx:
        before = tx.now - timedelta(minutes=5)
    in_time = copy(committed)
    in_time.clock = lambda: before
    rivals = []

    def sweep():
        rivals.append(Rival(lambda: told(bring_on, scene)))
        wait_until_blocked(committed, rivals[0])

    assert told(answer, replace(scene, db=Halted(in_time, sweep))) == "answered"
    assert rivals[0].result() == "finds 1, moves nothing"
    assert ends(scene, since) == "pending, waiting; input_received"
    assert broken(committed) == {}
