"""What is urgent among long runs: a case of high priority, a case of another queue and an answered one, while 150 cases wait for 4 slots.

With --long, the runs take 20 s each, and the slots come free in turn.
"""

from collections.abc import Callable
from time import sleep, time

from bench import seed
from bench.figures import Figure, Series, at_most
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from bench.starts import Starts
from casework.core.model import NewCase, Priority, Queue
from casework.service import requests

SLOTS = 4
CASES = 150
SLACK, SLACK_OF_LONG = 0.3, 0.1
LONG, LONG_QUICK = 20.0, 4.0


def measure(ground: Ground) -> list[Figure]:
    """A consumer without a limit; what is urgent comes when all slots have just been taken."""
    seconds, slack = (0.3 if ground.quick else 1.0), SLACK
    if ground.long:
        seconds, slack = (LONG_QUICK if ground.quick else LONG), SLACK_OF_LONG
    starts = Starts(ground.home / "urgent-starts")
    found = installation(ground, "urgent", concurrency=SLOTS, target="works", extra=starts.environment)
    others, _ = seed.worked_queue(found.casework, "others", target="bench.agents:works")
    people, _ = seed.worked_queue(found.casework, "people", target="bench.agents:asks")
    found.warm_up({"seconds": 0 if ground.long else seconds}, 2 * SLOTS)
    series: Series = {"of high priority": [], "of another queue": [], "that was answered": []}
    for number in range(1, ground.rounds + 1):
        ground.say(f"round {number}/{ground.rounds}: {CASES} cases of {seconds:g} s")
        for name, waited in _waited(found, starts, others, people, seconds, in_turn=ground.long).items():
            series[name].append(waited)
    target = at_most(seconds + slack)
    return [Figure(f"a case {name} starts after", "s", waited, target=target) for name, waited in series.items()]


def _waited(
    found: Installation, starts: Starts, others: Queue, people: Queue, seconds: float, *, in_turn: bool
) -> dict[str, float]:
    casework, answer = found.casework, _asked(found, people)
    # Each of those that come in turn needs a slot for itself.
    data = {"seconds": seconds if in_turn else 0}
    starts.forget()
    for number in range(SLOTS if in_turn else 0):
        sleep(seconds / SLOTS if number else 0)
        seed.create(casework, found.queue, 1, 1, {"seconds": seconds})
        wait_for(lambda: starts.count() > number, "a run")  # noqa: B023 - called at once
    seed.create(casework, found.queue, CASES, CASES, {"seconds": seconds})
    wait_for(lambda: starts.count() >= SLOTS, "the first runs")
    urgent: dict[str, Callable[[], object]] = {
        "of high priority": lambda: seed.create_one(
            casework, found.queue, NewCase("of high priority", data, priority=Priority.HIGH)
        ),
        "of another queue": lambda: seed.create_one(casework, others, NewCase("of another queue", data)),
        "that was answered": answer,
    }
    sent = {}
    for name, act in urgent.items():
        sent[name] = time()
        act()
    began = starts.of(set(urgent), "the urgent cases")
    found.clear(found.queue)
    found.clear(others)
    return {name: began[name] - sent[name] for name in urgent}


def _asked(found: Installation, people: Queue) -> Callable[[], object]:
    """A case whose agent asks a person: how to answer it."""
    casework = found.casework
    case_id = seed.create_one(casework, people, NewCase("that was answered"))
    question = "select id from human_requests where case_id = %s"
    (request,) = wait_for(lambda: found.connection.execute(question, (case_id,)).fetchone(), "the question")
    wait_for(found.is_at_rest, "the end of the run that asked")
    return lambda: casework.perform(requests.answer(casework.db, casework.team_id, request, "yes"))
