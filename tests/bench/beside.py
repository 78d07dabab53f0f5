"""Another build beside this one. Each measures a part by itself, in processes of its own, in alternating rounds."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.ground import Ground, Skipped
from bench.processes import TESTS

ROUND_SECONDS = 3600.0


class Failed(Exception):
    """A build could not measure a part; the message says why."""


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended after the block. It is asked to: then it ends what it has started itself."""
    try:
        yield process
    except subprocess.TimeoutExpired:
        raise Failed(f"a round took longer than {ROUND_SECONDS:g} s") from None
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True)
class Build:
    """An interpreter, and where it finds the library first; "" for where it is installed."""

    name: str
    python: str
    source: str = ""

    def measure(self, part: str, urls: Mapping[str, str], flags: Sequence[str]) -> dict[str, Any]:
        """One round of a part. Raises Failed."""
        path = os.pathsep.join(filter(None, [str(TESTS), self.source]))
        with tempfile.TemporaryDirectory(prefix="casework-bench-") as place:
            file, log = Path(place) / "figures.json", Path(place) / "log"
            command = [self.python, "-m", "bench", "--only", part, "--rounds", "1", "--json", str(file), *flags]
            environment = {**os.environ, **urls, "PYTHONPATH": path}
            with (
                log.open("wb") as out,
                _ended(subprocess.Popen(command, cwd=TESTS, env=environment, stdout=out, stderr=out)) as process,
            ):
                status = process.wait(ROUND_SECONDS)
            found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
            if reason := found.get("left_out", {}).get(part):
                raise Failed(reason)
            if status != 0 or not found:
                raise Failed(log.read_text(errors="replace").strip().rpartition("\n")[2])
        return found


def build_in(directory: Path) -> Build:
    """The build of a checkout, or of a virtual environment in which casework is installed. Raises ValueError."""
    directory = directory.absolute()
    own = directory / ".venv" / "bin" / "python"
    if (directory / "src" / "casework").is_dir():
        return Build("the base", str(own) if own.exists() else sys.executable, str(directory / "src"))
    if (directory / "pyvenv.cfg").exists():
        return Build("the base", str(directory / "bin" / "python"))
    raise ValueError(f"{directory} is neither a checkout of casework nor a virtual environment")


def measure(part: str, ground: Ground, base: Build, flags: Sequence[str]) -> list[Figure]:
    """A part of this build, as ratios to the base. Raises Skipped if one of them lacks what the part needs."""
    here = Build("this build", sys.executable, os.environ.get("PYTHONPATH", ""))
    urls = {
        "CASEWORK_TEST_DATABASE_URL": ground.urls.database,
        "CASEWORK_TEST_REDIS_URL": ground.urls.redis,
    }
    rounds: dict[str, list[dict[str, Any]]] = {here.name: [], base.name: []}
    for number in range(1, ground.rounds + 1):
        for build in (here, base):
            ground.say(f"round {number}/{ground.rounds}: {build.name}")
            try:
                rounds[build.name].append(build.measure(part, urls, flags))
            except Failed as error:
                raise Skipped(f"{build.name} cannot measure it: {error}") from None
    return joined(rounds[here.name], rounds[base.name])


def joined(here: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """The figures that both builds have, each as a ratio of its rounds, and those of the base."""
    mine, theirs = _by_name(here), _by_name(base)
    figures = []
    for name, (unit, values) in mine.items():
        if name not in theirs:
            continue
        others = theirs[name][1]
        ratios = [one / other for one, other in zip(values, others, strict=True) if other]
        figures += [Figure(name, unit, values, "the base", ratios), Figure(f"{name}: the base", unit, others)]
    return figures


def _by_name(rounds: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, list[float]]]:
    """Units and values of the figures that every round has."""
    found: dict[str, tuple[str, list[float]]] = {}
    for one in rounds:
        # A series that stands against several others has a line for each of them.
        for name, figure in {figure["name"]: figure for figure in one["figures"]}.items():
            found.setdefault(name, (figure["unit"], []))[1].append(figure["median"])
    return {name: figure for name, figure in found.items() if len(figure[1]) == len(rounds)}
