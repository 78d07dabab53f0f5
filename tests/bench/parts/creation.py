"""Creating cases one by one, by a hundred, and from a file."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_least, compared
from bench.ground import Ground, environment, raw
from bench.processes import inherited
from casework.core.model import Queue
from casework.store.ids import new_ids
from casework.wiring import Casework

_RAW = """
insert into cases (id, queue_id, title, data, status, priority, ready_at, created_at, updated_at, created_event)
values (%(id)s, %(queue)s, %(title)s, '""', 'pending', 0, now(), now(), now(), nextval('case_events_id_seq'))
"""


def measure(ground: Ground) -> list[Figure]:
    """As a client does it, with its nudges."""
    casework = ground.casework("creation", like_workers=False)
    queue, _ = seed.worked_queue(casework)
    single, many, rows = ground.size(500, 100), ground.size(10_000, 1000), ground.size(20_000, 1000)
    file = _file(ground.home / "rows.csv", rows)

    def created(count: int, batch: int) -> float:
        begun = perf_counter()
        seed.create(casework, queue, count, batch)
        return count / (perf_counter() - begun)

    series = alternate(
        ground.rounds,
        {
            "one by one": lambda: created(single, 1),
            "raw, one by one": lambda: _raw(casework, queue, single),
            "by 100": lambda: created(many, 100),
            "import": lambda: _imported(casework, file, rows),
        },
        ground.say,
    )
    return [
        compared(series, "one by one", "/s", "raw, one by one"),
        compared(series, "raw, one by one", "/s"),
        compared(series, "by 100", "/s", "one by one", at_least(5)),
        compared(series, "import", "rows/s", "by 100", label="casework cases import, two labels and a key"),
    ]


def _raw(casework: Casework, queue: Queue, count: int) -> float:
    with raw(casework) as connection:
        ids = new_ids(count)
        begun = perf_counter()
        for id in ids:
            connection.execute(_RAW, {"id": id, "queue": queue.id, "title": "case"})
        return count / (perf_counter() - begun)


def _file(path: Path, rows: int) -> Path:
    with path.open("w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["number", "kind", "town", "note"])
        lines.writerows(
            [n, f"kind {n % 20}", f"town {n % 200}", "a note of some length about this"] for n in range(rows)
        )
    return path


def _imported(casework: Casework, file: Path, rows: int) -> float:
    """The whole command, into a queue of its own each time; its start counts."""
    queue, _ = seed.worked_queue(casework, f"import {new_ids(1)[0]}")
    command = [sys.executable, "-m", "casework", "cases", "import", str(queue.id), str(file), "--json"]
    options = ["--title", "Row {number}", "--label", "kind", "--label", "town", "--key", "number"]
    begun = perf_counter()
    done = subprocess.run([*command, *options], env=inherited(environment(casework)), capture_output=True, check=True)
    spent = perf_counter() - begun
    assert json.loads(done.stdout)["added"] == rows
    return rows / spent
