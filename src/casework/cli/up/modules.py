"""The modules of agents: imported in a process of its own to see whether they can be, and watched for changes."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO, Any

from casework.embedded import identity

SLOW_SECONDS = 5.0
_PIPE_SECONDS = 1.0


@dataclass
class Findings:
    """What importing the modules showed, as sentences, and the files that they consist of."""

    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    is_broken: bool = False
    """Whether a module cannot be imported."""


class Inspection:
    """One process that imports modules. Must be made in the main thread: a child dies with the thread that made it."""

    def __init__(self, entries: Sequence[str], targets: dict[str, str], tell: Callable[[str], None]) -> None:
        """`entries` are those of CASEWORK_AGENT_MODULES, `targets` those of agents, with their names. `tell` takes what
        the modules print."""
        self._targets = targets
        self._began = monotonic()
        self._told_slow = False
        self._importing = ""
        self._read: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._findings = Findings()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "casework.agents.inspection", *entries, *targets],
            # Otherwise a folder that is watched would change because its modules are imported.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=identity.die_with_parent(signal.SIGKILL),
        )
        self._threads = [
            self._reading(self._process.stdout, lambda line: self._read.put(json.loads(line))),
            self._reading(self._process.stderr, tell),
        ]

    def _reading(self, stream: IO[str] | None, take: Callable[[str], None]) -> threading.Thread:
        def read() -> None:
            assert stream is not None
            for line in stream:
                if line.strip():
                    take(line.rstrip())

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def look(self) -> Findings | None:
        """The findings, once the process has ended."""
        ended = self._process.poll() is not None
        if ended:
            # What a module left behind may keep the pipes open.
            for thread in self._threads:
                thread.join(_PIPE_SECONDS)
        with suppress(queue.Empty):
            while True:
                self._note(self._read.get_nowait())
        if not ended:
            return None
        if self._importing:
            self._findings.is_broken = True
            self._findings.bad.append(
                f"The module {self._importing!r} ends the process that imports it, with exit code {self._process.returncode}."
            )
        return self._findings

    def _note(self, found: dict[str, Any]) -> None:
        self._importing = found.get("importing", "")
        self._findings.files += [file for file in found.get("files", ()) if file not in self._findings.files]
        if "target" in found:
            self._findings.bad.append(f"Agent {self._targets[found['target']]}: {found['problem']}")
        elif "problem" in found:
            self._findings.is_broken = True
            hint = " Is its name right, and is its folder in PYTHONPATH?" if found["missing"] else ""
            self._findings.bad.append(f"{found['problem'].removesuffix('.')}.{hint}")
        elif "module" in found:
            self._findings.good.append(_named(found["module"], found["agents"]))

    @property
    def files(self) -> Sequence[str]:
        """The files that are known so far."""
        return self._findings.files

    def slow(self) -> str | None:
        """What to say, once, if it takes long."""
        if self._told_slow or monotonic() < self._began + SLOW_SECONDS:
            return None
        self._told_slow = True
        return f"The module {self._importing!r} takes more than {SLOW_SECONDS:g} s to import; its agents' first runs wait for it."

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _named(entry: str, agents: Sequence[str]) -> str:
    if agents:
        return f"Agents in {entry}: {', '.join(one.removeprefix(f'{entry}:') for one in agents)}."
    if entry.endswith(".*"):
        return f"{entry}: its modules are imported when their agents are needed."
    return f"{entry} holds no agent: mark its functions with @casework.agent."


class Watched:
    """Files, and when each was last changed."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._changed: dict[str, None] = {}

    def watch(self, files: Sequence[str]) -> None:
        """Watch these files from now on. What changed while they were imported again still counts as changed."""
        if files:
            self._seen = {file: self._seen.get(file, changed_at(file)) for file in files}

    def changed(self) -> list[str]:
        """The files that have changed, once two looks in a row find the same: an editor may write a file in several steps."""
        now = {file: changed_at(file) for file in self._seen}
        changed = [file for file, at in now.items() if at != self._seen[file]]
        self._seen = now
        if changed:
            self._changed.update(dict.fromkeys(changed))
            return []
        settled, self._changed = list(self._changed), {}
        return settled


def changed_at(file: str) -> int:
    """When the file was last changed, in nanoseconds; 0 if there is none."""
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0
