"""When agents began: what `bench.agents` writes, one line for each run."""

from dataclasses import dataclass
from pathlib import Path

from bench.processes import wait_for


@dataclass(frozen=True, slots=True)
class Starts:
    """The file that an installation's agents write to."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """What workers are started with."""
        return {"BENCH_LOG": str(self.path)}

    def forget(self) -> None:
        """Begin with an empty file."""
        self.path.write_text("")

    def count(self) -> int:
        """How many runs have begun."""
        return self.path.read_bytes().count(b"\n") if self.path.exists() else 0

    def moments(self) -> dict[str, float]:
        """The moment of each case that has begun, by its title."""
        pairs = (line.split(" ", 1) for line in self.path.read_text().splitlines())
        return {title: float(moment) for moment, title in pairs}

    def of(self, titles: set[str], what: str) -> dict[str, float]:
        """The moments of these cases, once all of them have begun."""
        wait_for(lambda: titles <= self.moments().keys(), what)
        found = self.moments()
        return {title: found[title] for title in titles}
