"""`casework up`: seconds until /healthz answers, memory of its own processes, and what an idle one takes of a core."""

import sys
from time import perf_counter, sleep

from bench.figures import Figure, Series, at_most, with_units
from bench.ground import Ground, environment
from bench.processes import cpu_seconds, proportional_mb, tree, wait_for
from ports import free_port, get

SETTLE_SECONDS = 5


def measure(ground: Ground) -> list[Figure]:
    """On servers that run, and with servers of its own, whose data are there: the first start of all makes them."""
    series: Series = {}
    home = ground.home / "up"
    _up(ground, {"CASEWORK_HOME": str(home)}, 0)
    for number in range(1, ground.rounds + 1):
        ground.say(f"round {number}/{ground.rounds}")
        given = environment(ground.casework("footprint"))
        idle = ground.size(20, 3)
        for name, value in _up(ground, given, idle).items():
            series.setdefault(name, []).append(value)
        own = _up(ground, {"CASEWORK_HOME": str(home)}, 0)
        series.setdefault("servers of its own, seconds to /healthz, s", []).append(own["seconds to /healthz, s"])
    return with_units(series, {"idle": at_most(1)})


def _up(ground: Ground, given: dict[str, str], idle_seconds: float) -> dict[str, float]:
    port = free_port()
    begun = perf_counter()
    process = ground.processes.start([sys.executable, "-m", "casework", "up", "--port", str(port)], given)
    wait_for(lambda: get(port, "/healthz") == 200, "/healthz", 0.01)
    found = {"seconds to /healthz, s": perf_counter() - begun}
    if idle_seconds:
        # Workers import agents and say what they can do.
        sleep(SETTLE_SECONDS)
        own = tree(process.pid)
        cpu = cpu_seconds(own)
        sleep(idle_seconds)
        found |= {
            "idle, % of a core": 100 * (cpu_seconds(own) - cpu) / idle_seconds,
            "memory, MB": proportional_mb(own),
            "processes, ": len(own),
        }
    process.terminate()
    process.wait(60)
    return found
