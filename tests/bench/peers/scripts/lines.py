"""What the scripts of peers have in common: `SCRIPT install`, `SCRIPT work`, and `SCRIPT create`, which does what it reads.

Each line of `create` is `many COUNT`, which creates that many jobs by a hundred, or `one`, which creates one that is stamped with
the moment. It answers each with a line. These scripts run in environments of their own and import nothing of casework.
"""

import os
import sys
import time
from collections.abc import Callable

BATCH = 100


def started(at: float) -> None:
    """Leave how long ago a stamped job was created."""
    if at:
        with open(os.environ["BENCH_LOG"], "a") as log:
            log.write(f"{time.time() - at}\n")


def obey(create: Callable[[list[float]], object]) -> None:
    """Create jobs with these stamps, as standard input says."""
    print("ready", flush=True)
    for line in sys.stdin:
        word, _, count = line.strip().partition(" ")
        if word == "one":
            create([time.time()])
        else:
            for start in range(0, int(count), BATCH):
                create([0.0] * min(BATCH, int(count) - start))
        print("done", flush=True)


def play(roles: dict[str, Callable[[], object]]) -> None:
    """Do what the first argument names."""
    roles[sys.argv[1]]()
