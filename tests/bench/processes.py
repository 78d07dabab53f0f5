"""Starting processes, and what /proc says that they cost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import patience

# A round of the benchmark may take long.
wait_for = partial(patience.wait_for, patience=120.0)
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
TESTS = Path(__file__).parent.parent
_PATH = os.pathsep.join(dict.fromkeys([str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
"""Where processes find what they import: these tests, and the build that is measured if it is not the installed one."""


@dataclass
class Processes:
    """The processes of a part; all of them end with it."""

    logs: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    count: int = 0

    def start(self, command: list[str], environment: dict[str, str], *, talks: bool = False) -> subprocess.Popen[bytes]:
        """Start a command, with its output in a log of its own. One that `talks` reads and writes pipes."""
        self.count += 1
        with self.last_log.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=inherited(environment),
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def python(self, module: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        """Start a module."""
        return self.start([sys.executable, "-m", module, *arguments], environment)

    @contextmanager
    def part(self) -> Iterator[None]:
        """End what was started inside the block."""
        try:
            yield
        finally:
            self.end()

    @property
    def last_log(self) -> Path:
        """The log of the process that was started last."""
        return self.logs / f"{self.count:03}.log"

    def last_words(self) -> str:
        """The end of each log, if something went wrong."""
        files = sorted(self.logs.iterdir())[-len(self.started) :] if self.started else []
        return "\n".join(f"-- {file.name}\n{file.read_text(errors='replace')[-800:]}" for file in files)

    def end(self) -> None:
        """Kill them, with their children."""
        for process in self.started:
            for pid in tree(process.pid) or [process.pid]:
                with _gone_is_fine():
                    os.kill(pid, signal.SIGKILL)
            process.wait()
        self.started.clear()


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    with suppress(ProcessLookupError, FileNotFoundError):
        yield


def inherited(more: dict[str, str]) -> dict[str, str]:
    """The environment of a process: ours without casework's settings, and what it is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
    return {**clean, "PYTHONPATH": _PATH, **more}


def tree(pid: int) -> list[int]:
    """A process and its descendants, the deepest last."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu_seconds(pids: list[int]) -> float:
    """Processor time that the processes have used."""
    used = 0
    for pid in pids:
        with _gone_is_fine():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
    return used / _TICKS


def resident_mb(pids: list[int]) -> float:
    """Memory that the processes hold."""
    pages = 0
    for pid in pids:
        with _gone_is_fine():
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE / 1e6


def proportional_mb(pids: list[int]) -> float:
    """Memory that the processes hold; what several share is counted once."""
    kilobytes = 0
    for pid in pids:
        with _gone_is_fine():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes * 1024 / 1e6
