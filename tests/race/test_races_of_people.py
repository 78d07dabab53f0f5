"""People set a case aside, retry it with its agent or change it, while others are at it."""

from acts import (
    answer,
    complete,
    delegate_to_other,
    delete,
    delete_queue,
    disconnect,
    label,
    relabel,
    retry,
    retry_by_same,
    set_aside,
    tick,
)
from meeting import CLAIM, LOCK, Met, meetings
from scenes import asked, pending, running


@meetings(
    Met(pending, tick, set_aside, "claims 1, then skipped: claimed, pending; claimed"),
    Met(pending, tick, set_aside, "claims 0, at once moved: postponed; postponed", before=CLAIM),
    Met(pending, tick, set_aside, "claims 0, at once moved: postponed; postponed", before=LOCK),
    Met(pending, set_aside, tick, "moved, at once claims 0: postponed; postponed"),
    Met(asked, answer, set_aside, "answered, then moved: postponed, interrupted; input_received postponed"),
    Met(asked, set_aside, answer, "skipped, then answered: pending, waiting; input_received"),
    Met(pending, set_aside, set_aside, "moved, then moved: postponed; postponed postponed"),
    Met(pending, set_aside, delete, "moved, then moved: gone"),
    Met(pending, delete, set_aside, "moved, then skipped: gone"),
    Met(running, complete, set_aside, "completed, then skipped: completed, completed; completed"),
    Met(running, set_aside, complete, "skipped, then completed: completed, completed; completed"),
    Met(running, retry, set_aside, "moved, then moved: postponed, running!; retried postponed"),
    Met(pending, set_aside, disconnect, "moved, at once interrupts 0: postponed; postponed"),
)
def test_a_case_is_set_aside_or_worked_on(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, complete, retry_by_same, "completed, then moved: pending, completed; completed retried"),
    Met(
        running,
        retry_by_same,
        complete,
        "moved, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(running, retry_by_same, disconnect, "moved, then interrupts 1: pending, running!; retried delegated"),
    Met(running, disconnect, retry_by_same, "interrupts 1, then NotAConsumer: pending, running!; retried"),
    Met(running, delegate_to_other, retry_by_same, "moved, then skipped: pending, running!; delegated"),
    Met(running, retry_by_same, delegate_to_other, "moved, then moved: pending, running!; retried delegated"),
    Met(running, delete, retry_by_same, "moved, then skipped: gone, running!"),
)
def test_a_retry_by_the_same_agent_delegates_to_a_consumer(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, relabel, label, "relabelled, then labelled: claimed, running; labels_changed"),
    Met(running, label, relabel, "labelled, then relabelled: claimed, running; labels_changed labels_changed"),
    Met(running, relabel, delete_queue, "relabelled, then deletes 1, interrupts 1: gone, running!"),
    Met(running, delete_queue, relabel, "deletes 1, interrupts 1, at once relabelled: gone, running!"),
    Met(running, delete_queue, relabel, "deletes 1, interrupts 1, then RunLost: gone, running!; 1 refused", commit=3),
    Met(running, relabel, delete, "relabelled, then moved: gone, running!"),
    Met(running, delete, relabel, "moved, then RunLost: gone, running!; 1 refused"),
    Met(running, retry, relabel, "moved, then RunLost: pending, running!; retried write_refused; 1 refused"),
)
def test_labels_of_a_run_meet_those_of_people(committed, meeting):
    meeting.check(committed)
