"""How many waiting `async def` agents one worker process carries, and what each costs."""

from time import perf_counter, sleep

from bench import seed
from bench.figures import Figure, Series, at_least
from bench.ground import Ground
from bench.processes import cpu_seconds, resident_mb, tree, wait_for
from bench.runtime import Installation, installation
from casework.cli.roles import Pool

CONCURRENCY = 500
SECONDS = 5


def measure(ground: Ground) -> list[Figure]:
    """As many cases as the worker has threads, each asleep for five seconds."""
    count = ground.size(CONCURRENCY, 50)
    found = installation(ground, "waiting", target="waits", pool=Pool.THREADS, concurrency=CONCURRENCY)
    found.warm_up({"seconds": 0})
    sleep(1)
    idle = resident_mb(tree(found.workers[0]))
    series: Series = {name: [] for name in ("at once", "all done after", "memory", "cpu")}
    for number in range(min(ground.rounds, 3)):
        ground.say(f"round {number + 1}: {count} agents that sleep for {SECONDS} s")
        for name, value in _wave(found, count, idle).items():
            series[name].append(value)
    return [
        Figure("live at once, one worker", "runs", series["at once"], target=at_least(count * 0.95)),
        Figure(f"all {count} done after", "s", series["all done after"]),
        Figure("memory above idle, each", "kB", series["memory"]),
        Figure("processor time, each, from message to outcome", "ms", series["cpu"]),
        Figure("idle worker", "MB", [idle]),
    ]


def _wave(found: Installation, count: int, idle: float) -> dict[str, float]:
    pids = tree(found.workers[0])
    cpu, begun = cpu_seconds(pids), perf_counter()
    peak = [0, 0.0]

    def done() -> bool:
        row = found.connection.execute("select count(*) from runs where holds_slot and status = 'running'").fetchone()
        peak[0] = max(peak[0], row[0] if row else 0)
        peak[1] = max(peak[1], resident_mb(tree(found.workers[0])))
        return found.idle()

    seed.create(found.casework, found.queue, count, 100, {"seconds": SECONDS})
    wait_for(done, "the waiting agents", 0.1)
    return {
        "at once": peak[0],
        "all done after": perf_counter() - begun,
        "memory": max(0.0, peak[1] - idle) * 1000 / count,
        "cpu": (cpu_seconds(tree(found.workers[0])) - cpu) * 1000 / count,
    }
