"""An attempt that holds its case no more, while the next one works on it or somebody takes it."""

from acts import ask, change, change_as_run, complete, complete_anew, crash, delete, label, retry, say, settle
from meeting import REFUSAL, Met, meetings
from scenes import replaced, running, taken_up


@meetings(
    Met(
        taken_up,
        complete,
        complete_anew,
        "refused, then completed: completed, completed; write_refused completed; 1 refused",
    ),
    Met(
        taken_up,
        complete_anew,
        complete,
        "completed, then refused: completed, completed; completed write_refused; 1 refused",
    ),
    Met(
        taken_up,
        crash,
        complete_anew,
        "refused, then completed: completed, completed; write_refused completed; 1 refused",
    ),
    Met(
        taken_up,
        complete_anew,
        ask,
        "completed, then refused: completed, completed; completed write_refused; 1 refused",
    ),
    Met(
        replaced,
        complete,
        complete_anew,
        "refused, then completed: completed, interrupted completed; write_refused completed; 1 refused",
    ),
    Met(
        replaced,
        complete_anew,
        complete,
        "completed, then refused: completed, interrupted completed; completed write_refused; 1 refused",
    ),
    Met(
        replaced,
        complete,
        settle,
        "refused, then moved: failed, interrupted running!; write_refused settled; 1 refused",
    ),
    Met(
        replaced,
        settle,
        complete,
        "moved, then refused: failed, interrupted running!; settled write_refused; 1 refused",
    ),
)
def test_refuses_a_late_outcome_and_leaves_the_new_attempt_alone(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        taken_up,
        say,
        complete_anew,
        "RunLost, at once completed: completed, completed; completed write_refused; 1 refused",
        before=REFUSAL,
    ),
    Met(
        taken_up,
        complete_anew,
        say,
        "completed, then RunLost: completed, completed; completed write_refused; 1 refused",
    ),
    Met(
        replaced,
        say,
        complete_anew,
        "RunLost, at once completed: completed, interrupted completed; completed write_refused; 1 refused",
        before=REFUSAL,
    ),
    Met(
        replaced,
        complete_anew,
        say,
        "completed, then RunLost: completed, interrupted completed; completed write_refused; 1 refused",
    ),
    Met(replaced, retry, say, "moved, then RunLost: pending, interrupted running!; retried write_refused; 1 refused"),
    Met(
        replaced,
        change_as_run,
        complete_anew,
        "RunLost, at once completed: completed, interrupted completed; completed write_refused; 1 refused",
        before=REFUSAL,
    ),
    Met(
        replaced,
        complete_anew,
        change_as_run,
        "completed, then RunLost: completed, interrupted completed; completed write_refused; 1 refused",
    ),
    Met(
        replaced,
        change_as_run,
        retry,
        "RunLost, at once moved: pending, interrupted running!; retried write_refused; 1 refused",
        before=REFUSAL,
    ),
)
def test_refuses_a_late_message_and_leaves_the_new_attempt_alone(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(replaced, complete, delete, "refused, at once moved: gone, interrupted running!; 1 refused", before=REFUSAL),
    Met(replaced, say, delete, "RunLost, at once moved: gone, interrupted running!; 1 refused", before=REFUSAL),
)
def test_records_no_late_write_of_a_case_that_is_being_deleted(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(replaced, delete, complete, "moved, then refused: gone, interrupted running!; 1 refused"),
    Met(replaced, delete, say, "moved, then RunLost: gone, interrupted running!; 1 refused"),
)
def test_records_no_refusal_that_waited_for_the_cases_deletion(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, say, retry, "said, at once moved: pending, running!; retried"),
    Met(running, say, delete, "said, at once moved: gone, running!"),
    Met(running, retry, say, "moved, at once said: pending, running!; retried"),
    Met(running, delete, say, "moved, at once said: gone, running!"),
)
def test_stores_a_message_before_the_case_is_taken_or_not_at_all(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, change_as_run, retry, "changed, then moved: pending, running!; updated retried"),
    Met(running, retry, change_as_run, "moved, then RunLost: pending, running!; retried write_refused; 1 refused"),
    Met(running, change_as_run, delete, "changed, then moved: gone, running!"),
    Met(running, delete, change_as_run, "moved, then RunLost: gone, running!; 1 refused"),
)
def test_applies_a_runs_change_before_the_case_is_taken_or_refuses_it(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, change, change_as_run, "changed, then changed: claimed, running; updated updated"),
    Met(running, change_as_run, change, "changed, then changed: claimed, running; updated updated"),
    Met(running, change, complete, "changed, then completed: completed, completed; updated completed"),
    Met(running, complete, change, "completed, then changed: completed, completed; completed updated"),
    Met(running, change, delete, "changed, then moved: gone, running!"),
    Met(running, delete, change, "moved, then NotFound: gone, running!"),
    Met(running, label, complete, "labelled, then completed: completed, completed; labels_changed completed"),
    Met(running, complete, label, "completed, then labelled: completed, completed; completed labels_changed"),
    Met(running, label, delete, "labelled, then moved: gone, running!"),
    Met(running, delete, label, "moved, then NotFound: gone, running!"),
)
def test_serializes_changes_by_a_person_and_a_run(committed, meeting):
    meeting.check(committed)
