"""The heartbeat of 1,000 live runs: statements, milliseconds, and what that is of a core."""

from statistics import median
from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_most
from bench.ground import Ground, raw
from bench.statements import counted
from casework.agents.stop import Stop
from casework.core.effects import RunMessage
from casework.core.model import RunId
from casework.service.dispatch import claim_round
from casework.wiring import Casework
from casework.worker.heartbeats import Heartbeats
from silent import Silent

RUNS = 1000
BEATS = 20


def measure(ground: Ground) -> list[Figure]:
    """The heartbeats's own beat, called in this process."""
    casework = ground.casework("heartbeats")
    messages = _running(casework)
    heartbeats = Silent(casework, "bench", list)
    for message in messages:
        heartbeats.begin(message, Stop())
    series = alternate(ground.rounds, {"beat": lambda: _beats(heartbeats)}, ground.say)
    with counted() as statements:
        heartbeats.beat()
    share = [100 * spent / 1000 / casework.settings.heartbeat for spent in series["beat"]]
    return [
        Figure("one heartbeat of 1,000 runs", "ms", series["beat"]),
        Figure("of one core, at most", "%", share, target=at_most(2)),
        Figure("statements", "", [len(statements)], target=at_most(2)),
    ]


def _running(casework: Casework) -> list[RunMessage]:
    queue, _ = seed.worked_queue(casework)
    seed.pending(casework, queue.id, RUNS)
    while claim_round(casework.db).claimed:
        pass
    with raw(casework) as connection:
        connection.execute("update runs set status = 'running', last_heartbeat_at = now(), worker = 'bench'")
        rows = connection.execute("select id, attempt from runs").fetchall()
        seed.settled(connection)
    return [RunMessage(RunId(id), attempt) for id, attempt in rows]


def _beats(heartbeats: Heartbeats) -> float:
    spent = []
    for _ in range(BEATS):
        begun = perf_counter()
        heartbeats.beat()
        spent.append(perf_counter() - begun)
    return median(spent) * 1000
