"""Runs that share a message: executed in turn, each by itself."""

from collections.abc import Callable, Iterable

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import RunMessage
from casework.service import cases
from casework.service.execute import execute_all
from factories import SETTINGS, Watching, claim, history, some_cases, the_case, the_run, worked_queue


def work_in_turn(db, messages: Iterable[RunMessage], before: dict[int, Callable[[], object]] | None = None):
    """Execute them; `before` says what else happens when a worker takes the n-th."""
    numbered = iter(enumerate(messages))

    def following():
        number, message = next(numbered, (-1, None))
        (before or {}).get(number, lambda: None)()
        return message

    return execute_all(db, SETTINGS, following, worker="w", watch=Watching(), perform=lambda effects: None)


def test_each_run_of_a_bundle_starts_when_the_one_before_has_ended(db):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)
    messages = claim(db)
    running = []

    def look():
        running.append([the_run(db, message).status for message in messages])

    done = work_in_turn(db, messages, {1: look, 2: look})
    assert done.value == ["completed"] * 3
    assert running == [
        [RunStatus.RUNNING, RunStatus.PENDING, RunStatus.PENDING],
        [RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.PENDING],
    ]
    assert {tuple(history(db, id)) for id in ids} == {("created", "claimed", "completed")}


def test_a_refused_outcome_starts_the_next_run_all_the_same(db):
    queue, _ = worked_queue(db)
    first, second = some_cases(db, queue, 2)
    messages = claim(db)
    settle = {1: lambda: cases.settle(db, SETTINGS, queue.id, [first], CaseStatus.FAILED)}
    assert work_in_turn(db, messages, settle).value == ["refused", "completed"]
    assert the_case(db, first).status is CaseStatus.FAILED
    assert the_run(db, messages[0]).refused_writes == 1
    assert the_case(db, second).status is CaseStatus.COMPLETED


def test_a_run_that_is_interrupted_while_it_waits_its_turn_does_not_start(db):
    queue, _ = worked_queue(db)
    first, second, third = some_cases(db, queue, 3)
    messages = claim(db)
    retry = {1: lambda: cases.retry(db, SETTINGS, queue.id, [second])}
    assert work_in_turn(db, messages, retry).value == ["completed", "not started", "completed"]
    assert the_case(db, second).status is CaseStatus.PENDING
    assert the_case(db, third).status is CaseStatus.COMPLETED


def test_an_outcome_of_several_statements_leaves_the_next_run_to_start_by_itself(db):
    queue, _ = worked_queue(db, "sample_agents:is_transient")
    some_cases(db, queue, 3)
    assert work_in_turn(db, claim(db)).value == ["attempt_failed"] * 3


def test_runs_in_another_order_than_their_ids_are_executed_too(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    assert work_in_turn(db, claim(db)[::-1]).value == ["completed"] * 3


def test_the_end_of_a_run_asks_for_a_tick_where_it_gives_a_slot_back(db):
    queue, _ = worked_queue(db, concurrency=2)
    some_cases(db, queue, 2)
    effects = work_in_turn(db, claim(db)).effects
    assert (effects.nudge, effects.refill) == (True, False)


def test_without_a_limit_the_end_of_a_run_leaves_ticks_to_a_refill(db):
    queue, _ = worked_queue(db, concurrency=None)
    some_cases(db, queue, 2)
    effects = work_in_turn(db, claim(db)).effects
    assert (effects.nudge, effects.refill) == (False, True)


def test_a_run_that_leaves_something_to_claim_asks_for_a_tick(db):
    queue, _ = worked_queue(db, "sample_agents:is_transient", concurrency=None)
    some_cases(db, queue)
    assert work_in_turn(db, claim(db)).effects.nudge
