"""What the machine does by itself, at the beginning and at the end: figures of a machine that changed meanwhile are noise."""

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Machine:
    """Milliseconds of a fixed loop and of one flush to the disk that the servers write to."""

    spin: float
    flush: float
    load: float

    def __str__(self) -> str:
        return f"loop {self.spin:.0f} ms, flush {self.flush:.2f} ms, load {self.load:.1f} on {os.cpu_count()} cores"


def look(directory: Path) -> Machine:
    """How the machine is now."""
    return Machine(_spin(), _flush(directory / "flush"), os.getloadavg()[0])


def _spin() -> float:
    begun = perf_counter()
    sum(number * number for number in range(300_000))
    return 1000 * (perf_counter() - begun)


def _flush(path: Path) -> float:
    spent = []
    with path.open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 8192)
            file.flush()
            begun = perf_counter()
            os.fdatasync(file.fileno())
            spent.append(perf_counter() - begun)
    path.unlink()
    return 1000 * median(spent)
