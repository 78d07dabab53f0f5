"""A message that comes twice, late or while somebody takes the case: a run is started once, or not at all."""

from acts import delegate, delete, retry, settle, start, start_all, stop, sweep
from meeting import RESEND, Met, meetings
from scenes import claimed, unsent


@meetings(
    Met(claimed, start, start, "started, then not started: claimed, running"),
    Met(claimed, start_all, start_all, "starts 1, then starts 0: claimed, running"),
    Met(claimed, start, start_all, "started, then starts 0: claimed, running"),
    Met(unsent, start_all, sweep, "starts 1, at once sweeps 0: claimed, running"),
    Met(unsent, sweep, start_all, "sweeps 1, then starts 1: claimed, running; resent"),
    Met(unsent, start, sweep, "started, at once sweeps 0: claimed, running"),
    Met(unsent, sweep, start, "sweeps 1, then started: claimed, running; resent"),
)
def test_starts_a_run_once_if_its_message_comes_twice(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(claimed, retry, start, "moved, then not started: pending, interrupted; retried"),
    Met(claimed, settle, start, "moved, then not started: failed, interrupted; settled"),
    Met(claimed, delegate, start, "moved, then not started: pending, interrupted; delegated"),
    Met(claimed, stop, start, "is interrupted, then not started: failed, interrupted; stopped"),
    Met(claimed, delete, start, "moved, then not started: gone, interrupted"),
    Met(claimed, retry, start_all, "moved, then starts 0: pending, interrupted; retried"),
    Met(claimed, delete, start_all, "moved, then starts 0: gone, interrupted"),
)
def test_starts_nothing_after_a_person_took_the_case(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(claimed, start, retry, "started, then moved: pending, running!; retried"),
    Met(claimed, start, settle, "started, then moved: failed, running!; settled"),
    Met(claimed, start, delegate, "started, then moved: pending, running!; delegated"),
    Met(claimed, start, stop, "started, then is running: failed, running!; stopped"),
    Met(claimed, start, delete, "started, then moved: gone, running!"),
    Met(claimed, start_all, retry, "starts 1, then moved: pending, running!; retried"),
    Met(claimed, start_all, delete, "starts 1, then moved: gone, running!"),
)
def test_asks_a_run_to_stop_that_starts_before_a_person_acts(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(unsent, sweep, delete, "sweeps 0, at once moved: gone, interrupted", before=RESEND),
    Met(unsent, sweep, retry, "sweeps 0, at once moved: pending, interrupted; retried", before=RESEND),
    Met(unsent, sweep, delete, "sweeps 1, then moved: gone, interrupted"),
    Met(unsent, sweep, retry, "sweeps 1, then moved: pending, interrupted; resent retried"),
    Met(unsent, delete, sweep, "moved, at once sweeps 0: gone, interrupted"),
    Met(unsent, retry, sweep, "moved, at once sweeps 0: pending, interrupted; retried"),
)
def test_resends_no_message_of_a_case_that_was_taken(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(unsent, sweep, sweep, "sweeps 1, at once sweeps 0: claimed, pending; resent"),
    Met(unsent, sweep, sweep, "sweeps 0, at once sweeps 1: claimed, pending; resent", before=RESEND),
)
def test_resends_a_message_once_with_two_sweeps(committed, meeting):
    meeting.check(committed)
