"""The whole of casework against a model of itself."""

import logging
import os
from math import ceil

import pytest
from deaths import Deaths
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from world import World

from casework.core.lifecycle import EventType
from casework.service.crash_points import Point
from casework.store.database import Database
from factories import a_queue, an_agent
from rolled_back import undone

ENOUGH = 20_000
"""So many steps meet every kind of event, and a death at every point."""

STEPS = int(os.environ.get("CASEWORK_TEST_MODEL_STEPS", 800))
STEPS_EACH, STEPS_ON_AVERAGE = 50, 34


@pytest.fixture(scope="module")
def model_database(new_database):
    """A database of its own, so that nothing else is in it."""
    db = Database(new_database("model"))
    yield db
    db.close()


ELSEWHERE = {
    EventType.LABELS_CHANGED,
    EventType.INPUT_APPROVED,
    EventType.INPUT_EXPIRED,
    EventType.INPUT_REMINDED,
}
"""What the model does not do: labels, and requests with deadlines or several approvals, whose races are in tests/race."""


@pytest.mark.timeout(max(600, STEPS // 50))
def test_lives_random_lives_as_the_model_says(model_database, caplog):
    """CASEWORK_TEST_MODEL_STEPS makes it longer; beyond 20,000 steps it is different each time."""
    world = (
        [a_queue(model_database, "first"), a_queue(model_database, "second")],
        [
            an_agent(model_database, "quick", max_attempts=2),
            an_agent(model_database, "steady"),
            an_agent(model_database, "other", max_attempts=1),
        ],
    )
    caplog.set_level(logging.ERROR, logger="casework")
    World.steps = 0
    World.seen.clear()
    with undone(model_database) as tx:
        # The tables stay tiny: a plan that is kept is as good as a new one, and saves making it for each statement.
        tx.sql("set local plan_cache_mode = force_generic_plan")
        run_state_machine_as_test(
            lambda: Deaths(tx, *world),
            settings=settings(
                max_examples=ceil(STEPS / STEPS_ON_AVERAGE),
                stateful_step_count=STEPS_EACH,
                deadline=None,
                derandomize=STEPS <= ENOUGH,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    print(f"{World.steps} steps; {dict(World.seen.most_common())}")
    assert World.steps >= 0.9 * STEPS
    unseen = {*EventType, *Point} - set(World.seen) - ELSEWHERE
    assert not unseen or STEPS < ENOUGH
