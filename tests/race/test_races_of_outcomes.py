"""A run's outcome and a person, in both orders: whoever comes second finds what the first one left."""

from acts import (
    ask,
    beat,
    complete,
    complete_all,
    complete_and_start,
    crash,
    delegate,
    delete,
    give_back,
    hand_over,
    leave,
    postpone,
    put_back,
    report,
    retry,
    settle,
    shut_down,
    stop,
)
from meeting import Met, meetings
from scenes import followed, leaving, pulled, running, sharing


@meetings(
    Met(
        running,
        settle,
        complete,
        "moved, then refused: failed, interrupted; settled write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        retry,
        complete,
        "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        delegate,
        complete,
        "moved, then refused: pending, interrupted; delegated write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        stop,
        complete,
        "is running, then refused: failed, interrupted; stopped write_refused interrupted; 1 refused",
    ),
    Met(running, delete, complete, "moved, then refused: gone, interrupted; 1 refused"),
    Met(running, settle, ask, "moved, then refused: failed, interrupted; settled write_refused interrupted; 1 refused"),
    Met(running, retry, ask, "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused"),
    Met(
        running,
        stop,
        ask,
        "is running, then refused: failed, interrupted; stopped write_refused interrupted; 1 refused",
    ),
    Met(running, delete, ask, "moved, then refused: gone, interrupted; 1 refused"),
    Met(
        running,
        retry,
        postpone,
        "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        settle,
        postpone,
        "moved, then refused: failed, interrupted; settled write_refused interrupted; 1 refused",
    ),
    Met(
        running, retry, crash, "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused"
    ),
    Met(
        running, settle, crash, "moved, then refused: failed, interrupted; settled write_refused interrupted; 1 refused"
    ),
    Met(
        running,
        retry,
        hand_over,
        "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(running, delete, hand_over, "moved, then refused: gone, interrupted; 1 refused"),
)
def test_refuses_and_records_an_outcome_after_a_person(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(followed, settle, complete_and_start, "moved, then refused, started: failed, running! running; settled"),
    Met(followed, retry, complete_and_start, "moved, then refused, started: pending, running! running; retried"),
    Met(followed, delegate, complete_and_start, "moved, then refused, started: pending, running! running; delegated"),
    Met(followed, delete, complete_and_start, "moved, then refused, started: gone, running! running"),
    Met(followed, stop, complete_and_start, "is running, then refused, started: failed, running! running; stopped"),
    Met(
        followed,
        complete_and_start,
        settle,
        "completed, started, then moved: failed, completed running; completed settled",
    ),
    Met(
        followed,
        complete_and_start,
        retry,
        "completed, started, then moved: pending, completed running; completed retried",
    ),
    Met(
        followed, complete_and_start, stop, "completed, started, then Conflict: completed, completed running; completed"
    ),
    Met(followed, complete_and_start, delete, "completed, started, then moved: gone, completed running"),
    Met(
        followed,
        complete_and_start,
        beat,
        "completed, started, then given away: completed, completed running; completed",
    ),
    Met(
        followed, complete_and_start, leave, "completed, started, then asks 0: completed, completed running; completed"
    ),
    Met(
        followed,
        complete_and_start,
        complete,
        "completed, started, then refused: completed, completed running; completed write_refused; 1 refused",
    ),
    Met(
        followed,
        complete,
        complete_and_start,
        "completed, then refused, started: completed, completed running; completed",
    ),
    Met(
        followed, leave, complete_and_start, "asks 1, then completed, started: completed, completed running; completed"
    ),
    Met(followed, beat, complete_and_start, "lives, then completed, started: completed, completed running; completed"),
)
def test_treats_an_outcome_written_with_the_next_start_as_any_other(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, complete, settle, "completed, then moved: failed, completed; completed settled"),
    Met(running, complete, retry, "completed, then moved: pending, completed; completed retried"),
    Met(running, complete, delegate, "completed, then moved: pending, completed; completed delegated"),
    Met(running, complete, stop, "completed, then Conflict: completed, completed; completed"),
    Met(running, complete, delete, "completed, then moved: gone, completed"),
    Met(running, ask, settle, "needs_input, then moved: failed, interrupted; needs_input input_cancelled settled"),
    Met(running, ask, retry, "needs_input, then moved: pending, interrupted; needs_input input_cancelled retried"),
    Met(
        running, ask, stop, "needs_input, then is interrupted: failed, interrupted; needs_input input_cancelled stopped"
    ),
    Met(running, ask, delete, "needs_input, then moved: gone, interrupted"),
    Met(running, postpone, retry, "postponed, then moved: pending, completed; postponed retried"),
    Met(running, postpone, settle, "postponed, then moved: failed, completed; postponed settled"),
    Met(running, crash, retry, "attempt_failed, then skipped: pending, waiting; attempt_failed"),
    Met(running, crash, settle, "attempt_failed, then moved: failed, interrupted; attempt_failed settled"),
    Met(running, hand_over, retry, "handed_over, then skipped: pending, completed; handed_over"),
    Met(running, hand_over, delete, "handed_over, then moved: gone, completed"),
)
def test_lets_a_person_act_on_the_case_after_an_outcome(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        pulled, retry, report, "moved, then RunLost: pending, interrupted; retried write_refused interrupted; 1 refused"
    ),
    Met(pulled, delete, report, "moved, then RunLost: gone, interrupted; 1 refused"),
    Met(
        pulled, settle, report, "moved, then RunLost: failed, interrupted; settled write_refused interrupted; 1 refused"
    ),
    Met(pulled, report, retry, "completed, then moved: pending, completed; completed retried"),
    Met(pulled, report, delete, "completed, then moved: gone, completed"),
    Met(pulled, report, report, "completed, then RunLost: completed, completed; completed write_refused; 1 refused"),
    Met(pulled, put_back, retry, "released, then skipped: pending, waiting; released"),
    Met(pulled, report, put_back, "completed, then RunLost: completed, completed; completed write_refused; 1 refused"),
    Met(pulled, put_back, report, "released, then RunLost: pending, waiting; released write_refused; 1 refused"),
)
def test_refuses_a_program_elsewhere_as_any_other(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(leaving, give_back, settle, "interrupted, then moved: failed, interrupted; released settled"),
    Met(leaving, give_back, retry, "interrupted, then skipped: pending, waiting; released"),
    Met(leaving, shut_down, settle, "releases 1, then moved: failed, interrupted; released settled"),
    Met(leaving, shut_down, retry, "releases 1, then skipped: pending, waiting; released"),
    Met(leaving, shut_down, delete, "releases 1, then moved: gone, interrupted"),
    Met(leaving, give_back, shut_down, "interrupted, then releases 0: pending, waiting; released"),
    Met(leaving, shut_down, give_back, "releases 1, then lost: pending, waiting; released"),
    Met(running, leave, retry, "asks 1, then moved: pending, running!; retried"),
    Met(running, retry, leave, "moved, then asks 0: pending, running!; retried"),
    Met(running, leave, complete, "asks 1, then completed: completed, completed; completed"),
    Met(running, complete, leave, "completed, then asks 0: completed, completed; completed"),
)
def test_releases_a_run_or_leaves_it_to_a_person(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(leaving, settle, give_back, "moved, then interrupted: failed, interrupted; settled interrupted"),
    Met(leaving, retry, give_back, "moved, then interrupted: pending, interrupted; retried interrupted"),
    Met(leaving, delete, give_back, "moved, then interrupted: gone, interrupted"),
    Met(leaving, settle, shut_down, "moved, then releases 1: failed, interrupted; settled interrupted"),
    Met(leaving, retry, shut_down, "moved, then releases 1: pending, interrupted; retried interrupted"),
    Met(leaving, delete, shut_down, "moved, then releases 1: gone, interrupted"),
    Met(pulled, retry, put_back, "moved, then interrupted: pending, interrupted; retried interrupted"),
)
def test_ends_a_run_that_gives_back_a_case_that_a_person_takes(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        sharing, complete_all, retry, "completed completed, then moved: pending, completed completed; completed retried"
    ),
    Met(
        sharing,
        retry,
        complete_all,
        "moved, then refused refused: pending, interrupted interrupted; retried write_refused interrupted; 2 refused",
    ),
    Met(sharing, complete_all, delete, "completed completed, then moved: gone, completed completed"),
    Met(sharing, delete, complete_all, "moved, then refused refused: gone, interrupted interrupted; 2 refused"),
    Met(sharing, complete_all, beat, "completed completed, then given away: completed, completed completed; completed"),
    Met(sharing, beat, complete_all, "lives, then completed completed: completed, completed completed; completed"),
    Met(
        sharing,
        complete_all,
        complete_all,
        "completed completed, then refused refused: completed, completed completed; completed write_refused; 2 refused",
    ),
    Met(sharing, complete_all, stop, "completed completed, then Conflict: completed, completed completed; completed"),
    Met(
        sharing,
        stop,
        complete_all,
        "is running, then refused completed: failed, interrupted completed; stopped write_refused interrupted; 1 refused",
    ),
    Met(
        sharing,
        complete_all,
        shut_down,
        "completed completed, then releases 0: completed, completed completed; completed",
    ),
    Met(
        sharing,
        shut_down,
        complete_all,
        "releases 2, then refused refused: pending, waiting waiting; released write_refused; 2 refused",
        commit=2,
    ),
)
def test_writes_or_refuses_each_of_several_outcomes(committed, meeting):
    meeting.check(committed)
