"""From a person's stop to the end of the run, with hundreds of live runs in one worker."""

from random import sample
from time import sleep
from uuid import UUID

from bench import seed
from bench.figures import Figure, Series, at_most, percentile
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from casework.cli.roles import Pool
from casework.service import runs

GAP = 0.02
CONCURRENCY = 700


def measure(ground: Ground) -> list[Figure]:
    """Stops come one by one; both moments are the database's."""
    live, stops = ground.size(500, 50), ground.size(200, 20) // ground.rounds
    found = installation(ground, "interrupts", target="waits", pool=Pool.THREADS, concurrency=CONCURRENCY)
    seed.create(found.casework, found.queue, live + stops * ground.rounds, 100, {"seconds": 600})
    wait_for(lambda: len(_running(found)) == live + stops * ground.rounds, "all runs to start", 0.2)
    series: Series = {"p50": [], "p99": []}
    for number in range(ground.rounds):
        ground.say(f"round {number + 1}/{ground.rounds}: {stops} stops among {len(_running(found))} live runs")
        waited = _stop(found, stops)
        series["p50"].append(percentile(waited, 50))
        series["p99"].append(percentile(waited, 99))
    return [
        Figure(f"stop to stopped, p50, {live} or more live", "ms", series["p50"], target=at_most(100)),
        Figure(f"stop to stopped, p99, {live} or more live", "ms", series["p99"], target=at_most(1000)),
    ]


def _running(found: Installation) -> list[UUID]:
    rows = found.connection.execute("select id from runs where status = 'running' and stop_requested_at is null")
    return [row[0] for row in rows.fetchall()]


def _stop(found: Installation, count: int) -> list[float]:
    casework = found.casework
    chosen = sample(_running(found), count)
    for run in chosen:
        casework.perform(runs.stop(casework.db, casework.settings, casework.team_id, run))
        sleep(GAP)
    question = "select count(*) from runs where id = any(%s) and status = 'interrupted'"
    wait_for(lambda: found.connection.execute(question, (chosen,)).fetchone() == (count,), "the stops")
    rows = found.connection.execute(
        "select extract(epoch from completed_at - stop_requested_at)::float8 * 1000 from runs where id = any(%s)",
        (chosen,),
    )
    return [row[0] for row in rows.fetchall()]
