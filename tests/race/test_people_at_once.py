"""Fifty people at the same hundred cases, while agents run them: no error, no deadlock, and every invariant holds."""

import random
import threading
from datetime import timedelta
from time import monotonic

from invariants import broken

from casework.agents import Complete
from casework.core.lifecycle import CaseStatus
from casework.service import cases
from casework.service.execution import outcomes
from casework.service.sweep import sweep
from casework.store import runs, transitions
from factories import SETTINGS, a_consumer, a_queue, an_agent, an_attempt, claim, some_cases

SECONDS = 5.0


def test_keeps_every_invariant_with_fifty_people_at_the_same_cases(committed):
    queue = a_queue(committed)
    agents = [an_agent(committed, f"agent {number}") for number in range(2)]
    for agent in agents:
        a_consumer(committed, queue, agent, concurrency=10)
    ids = some_cases(committed, queue, 100)
    end, errors = monotonic() + SECONDS, []

    def person(number):
        chance = random.Random(number)
        while monotonic() < end:
            some = chance.sample(ids, chance.randint(1, 100))
            chance.choice(
                (
                    lambda some=some: cases.retry(committed, SETTINGS, queue.id, some),
                    lambda some=some: cases.delegate(committed, SETTINGS, queue.id, some, chance.choice(agents).id),
                    lambda some=some: cases.settle(
                        committed, SETTINGS, queue.id, some, chance.choice((CaseStatus.COMPLETED, CaseStatus.FAILED))
                    ),
                    lambda some=some: cases.postpone(committed, SETTINGS, queue.id, some, timedelta(milliseconds=50)),
                    lambda some=some: cases.retry(committed, SETTINGS, queue.id, some, same_agent=True),
                    lambda some=some: cases.delete(committed, SETTINGS, queue.id, some[:1]),
                )
            )()
            threading.Event().wait(chance.random() * 0.3)

    def worker(number):
        chance = random.Random(1000 + number)
        while monotonic() < end:
            for message in claim(committed):
                started = an_attempt(committed, message, f"w{number}")
                if started is None:
                    continue
                holder = started.holder
                with committed.begin() as tx:
                    done = chance.choice(
                        (
                            lambda tx=tx, holder=holder: outcomes.write(tx, holder, Complete()),
                            lambda tx=tx, holder=holder: outcomes.try_again(tx, SETTINGS, holder, "again", None),
                            lambda tx=tx, holder=holder: transitions.release(tx, holder.fence, "released"),
                        )
                    )()
                if not done:
                    with committed.begin() as tx:
                        runs.record_refusal(tx, holder.fence, "an outcome")
                        transitions.stopped(tx, message.run_id, message.attempt, "stopped")
            sweep(committed, SETTINGS)

    def guarded(act, number):
        try:
            act(number)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=guarded, args=(act, n))
        for act, count in ((person, 50), (worker, 4))
        for n in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert broken(committed) == {}
