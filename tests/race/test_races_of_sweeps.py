"""The sweep and the run that it finds stuck: each is looked at again under its lock, so whoever is first wins."""

from acts import ask, beat, complete, delete, give_back, retry, settle, shut_down, sweep
from meeting import LOOK_AGAIN, STOPPED, Met, meetings
from scenes import abandoned, overdue, silent, staying


@meetings(
    Met(silent, sweep, sweep, "sweeps 1, then sweeps 0: pending, waiting; attempt_failed"),
    Met(silent, sweep, sweep, "sweeps 0, at once sweeps 1: pending, waiting; attempt_failed", before=LOOK_AGAIN),
    Met(overdue, sweep, sweep, "sweeps 1, then sweeps 0: pending, interrupted; interrupted"),
    Met(overdue, sweep, sweep, "sweeps 0, at once sweeps 1: pending, interrupted; interrupted", before=STOPPED),
    Met(abandoned, sweep, sweep, "sweeps 1, then sweeps 0: pending, interrupted; interrupted"),
    Met(staying, sweep, sweep, "sweeps 1, then sweeps 0: pending, waiting; released"),
)
def test_resumes_a_lost_run_once_with_two_sweeps(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(silent, sweep, beat, "sweeps 1, then given away: pending, waiting; attempt_failed"),
    Met(silent, sweep, beat, "sweeps 0, at once lives: claimed, running", before=LOOK_AGAIN),
    Met(silent, beat, sweep, "lives, then sweeps 0: claimed, running"),
    Met(abandoned, sweep, beat, "sweeps 1, then given away: pending, interrupted; interrupted"),
    Met(abandoned, sweep, beat, "sweeps 0, at once stop: pending, running!", before=STOPPED),
    Met(abandoned, beat, sweep, "stop, then sweeps 0: pending, running!"),
    Met(overdue, sweep, beat, "sweeps 1, then given away: pending, interrupted; interrupted"),
    Met(overdue, beat, sweep, "stop, then sweeps 1: pending, interrupted; interrupted"),
)
def test_saves_a_run_by_its_heartbeat_or_reports_it_given_away(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(silent, sweep, complete, "sweeps 1, then refused: pending, waiting; attempt_failed write_refused; 1 refused"),
    Met(silent, sweep, complete, "sweeps 0, at once completed: completed, completed; completed", before=LOOK_AGAIN),
    Met(silent, complete, sweep, "completed, then sweeps 0: completed, completed; completed"),
    Met(silent, sweep, ask, "sweeps 1, then refused: pending, waiting; attempt_failed write_refused; 1 refused"),
    Met(silent, sweep, ask, "sweeps 0, at once needs_input: needs_input, waiting; needs_input", before=LOOK_AGAIN),
    Met(silent, ask, sweep, "needs_input, then sweeps 0: needs_input, waiting; needs_input"),
    Met(overdue, sweep, complete, "sweeps 1, then refused: pending, interrupted; interrupted write_refused; 1 refused"),
    Met(
        overdue,
        sweep,
        complete,
        "sweeps 0, at once refused: pending, interrupted; write_refused interrupted; 1 refused",
        before=STOPPED,
    ),
    Met(overdue, complete, sweep, "refused, then sweeps 0: pending, interrupted; write_refused interrupted; 1 refused"),
)
def test_writes_an_outcome_before_the_sweep_or_refuses_it(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(abandoned, sweep, give_back, "sweeps 1, then lost: pending, interrupted; interrupted"),
    Met(abandoned, give_back, sweep, "interrupted, then sweeps 0: pending, interrupted; interrupted"),
    Met(overdue, sweep, give_back, "sweeps 1, then lost: pending, interrupted; interrupted"),
    Met(overdue, sweep, give_back, "sweeps 0, at once interrupted: pending, interrupted; interrupted", before=STOPPED),
    Met(overdue, give_back, sweep, "interrupted, then sweeps 0: pending, interrupted; interrupted"),
    Met(staying, sweep, give_back, "sweeps 1, then lost: pending, waiting; released"),
    Met(staying, give_back, sweep, "interrupted, then sweeps 0: pending, waiting; released"),
    Met(staying, sweep, shut_down, "sweeps 1, then releases 0: pending, waiting; released"),
    Met(staying, shut_down, sweep, "releases 1, then sweeps 0: pending, waiting; released"),
)
def test_ends_a_run_once_that_stops_while_it_is_fenced_out(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(silent, sweep, retry, "sweeps 1, then skipped: pending, waiting; attempt_failed"),
    Met(silent, sweep, retry, "sweeps 0, at once moved: pending, running!; retried", before=LOOK_AGAIN),
    Met(silent, retry, sweep, "moved, then sweeps 0: pending, running!; retried"),
    Met(silent, sweep, settle, "sweeps 1, then moved: failed, interrupted; attempt_failed settled"),
    Met(silent, settle, sweep, "moved, then sweeps 0: failed, running!; settled"),
    Met(silent, sweep, delete, "sweeps 1, then moved: gone, interrupted"),
    Met(silent, sweep, delete, "sweeps 0, at once moved: gone, running!", before=LOOK_AGAIN),
    Met(silent, delete, sweep, "moved, then sweeps 0: gone, running!"),
    Met(overdue, sweep, retry, "sweeps 1, then skipped: pending, interrupted; interrupted"),
    Met(overdue, retry, sweep, "skipped, then sweeps 1: pending, interrupted; interrupted"),
    Met(overdue, sweep, delete, "sweeps 1, then moved: gone, interrupted"),
    Met(overdue, delete, sweep, "moved, then sweeps 1: gone, interrupted"),
    Met(overdue, sweep, settle, "sweeps 1, at once moved: failed, interrupted; settled interrupted", before=STOPPED),
    Met(staying, sweep, retry, "sweeps 1, then skipped: pending, waiting; released"),
    Met(staying, retry, sweep, "moved, then sweeps 0: pending, running!; retried"),
)
def test_takes_a_case_from_its_run_once_by_a_person_or_the_sweep(committed, meeting):
    meeting.check(committed)
