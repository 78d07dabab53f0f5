"""`python -m bench.integrations`, from tests/: what the adapters of agent frameworks cost.

Time: a run of ten instant model calls through casework, with PostgreSQL, beside the same agent by itself, in alternating rounds.
Memory: many runs at once in one worker, each waiting for a model that takes two seconds.
"""

import argparse
import asyncio
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

from bench import seed
from bench.ground import Ground, environment, raw
from bench.processes import resident_mb, tree, wait_for
from casework.agents import HeldCase
from casework.cli.roles import Pool, beat_command, ticker_command, worker_command
from casework.core.model import DEFAULT_TEAM, NewCase
from casework.service import agents, cases, queues
from casework.wiring import Casework
from factories import claim, work
from integrations.conformance import FRAMEWORKS, Framework, case_of, look, says

MODEL_CALLS = 10
MODULES = "integrations.*"
MODEL_SECONDS = 2.0
SERVES = 200

INSTANT = [says("", look(str(n), str(n))) for n in range(MODEL_CALLS - 1)] + [says("done")]
SLOW = [says("", look("a", "1"), seconds=MODEL_SECONDS), says("done", seconds=MODEL_SECONDS)]
NOWHERE = Path(os.devnull)


def main() -> None:
    """Measure, and print a line for each figure."""
    options = _options()
    for name in [name for name in os.environ if name.startswith("CASEWORK_") and "_TEST_" not in name]:
        del os.environ[name]
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="casework-bench-", ignore_cleanup_errors=True) as home:
        ground = Ground(Path(home), options.rounds, False, False, print)
        for framework in FRAMEWORKS:
            if framework.version is None or (options.only and framework.name not in options.only):
                continue
            figures[framework.name] = overhead(ground, framework)
            with ground.processes.part():
                figures[framework.name] |= memory(ground, framework, options.runs)
            print(json.dumps({framework.name: figures[framework.name]}))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.integrations", description="Measure the adapters.")
    parser.add_argument("--only", action="append", choices=[one.name for one in FRAMEWORKS])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=SERVES, help="runs at once in one worker")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def overhead(ground: Ground, framework: Framework) -> dict[str, float]:
    """Milliseconds that a model call takes by itself, and how many the adapter adds to it."""
    casework = ground.casework("adapters", agent_modules=MODULES)
    queue = _worked(casework, framework)
    bare = import_module(framework.module).bare
    alone, through = [], []
    for _ in range(ground.rounds + 1):
        (case_id,) = cases.create(casework.db, queue.id, [NewCase("case", case_of(INSTANT, NOWHERE))]).value
        (message,) = claim(casework.db, casework.settings)
        begun = perf_counter()
        result = work(casework.db, message, casework.settings)
        through.append(perf_counter() - begun)
        assert result == "completed", result
        case, _ = cases.get(casework.db, DEFAULT_TEAM, case_id)
        held = HeldCase(case.id, case.queue_id, case.title, case.data, case.priority, (), case.created_at)
        begun = perf_counter()
        asyncio.run(bare(held))
        alone.append(perf_counter() - begun)
    casework.close()
    # The first round imports, connects and plans.
    base, all_of_it = median(alone[1:]), median(through[1:])
    return {
        "bare_ms": round(1000 * base / MODEL_CALLS, 2),
        "added_ms": round(1000 * (all_of_it - base) / MODEL_CALLS, 2),
    }


def _worked(casework: Casework, framework: Framework) -> Any:
    queue = queues.create(casework.db, DEFAULT_TEAM, "inbox")
    agent = agents.create(casework.db, casework.settings, DEFAULT_TEAM, "worker", target=framework.target())
    queues.set_consumer(casework.db, DEFAULT_TEAM, queue.id, agent.id, trigger=True, concurrency=None)
    return queue


def memory(ground: Ground, framework: Framework, runs: int) -> dict[str, float]:
    """Megabytes that each of many runs in one worker adds, and the seconds until all of them have ended."""
    casework = ground.casework("many", agent_modules=MODULES)
    queue = _worked(casework, framework)
    given = environment(casework)
    worker = ground.processes.start(worker_command(Pool.THREADS, runs), given).pid
    ground.processes.start(ticker_command(), given)
    ground.processes.start(beat_command(), given)
    connection = raw(casework)

    def completed() -> int:
        row = connection.execute("select count(*) from cases where status = 'completed'").fetchone()
        return row[0] if row else 0

    seed.create(casework, queue, 4, 1, case_of(INSTANT, NOWHERE))
    wait_for(lambda: completed() == 4, "the first cases", 0.1)
    sleep(1)
    idle = resident_mb(tree(worker))
    begun, peak = perf_counter(), idle
    seed.create(casework, queue, runs, 1, case_of(SLOW, NOWHERE))
    while completed() < runs + 4 and perf_counter() - begun < 120:
        peak = max(peak, resident_mb(tree(worker)))
        sleep(0.05)
    took = perf_counter() - begun
    casework.close()
    return {
        "runs": runs,
        "idle_mb": round(idle, 1),
        "mb_a_run": round((peak - idle) / runs, 2),
        "seconds": round(took, 1),
        "seconds_of_model": MODEL_SECONDS * len(SLOW),
    }


if __name__ == "__main__":
    main()
