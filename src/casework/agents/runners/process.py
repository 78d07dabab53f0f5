"""The process of a command: its own session and group, its output by lines, and its end, which leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, sleep
from typing import IO, Literal

from casework.agents.stop import Stop

MAX_LINE = 1_000_000
"""Bytes of a line that are kept."""

_POLL_SECONDS = 0.1
"""How often a command that writes nothing is looked at: whether it has ended, or is to stop."""

_END_POLL_SECONDS = 0.02

_KILLED_SECONDS = 5.0
"""How long to wait for a process that was killed. One that runs as another user cannot be, and goes on."""

_CHUNK = 65_536

_LEFT_IN_A_PIPE = 1 << 20
"""The most that a pipe holds. More, after the command has ended, comes from what it has left behind."""

# Its standard input ends with the worker, also if the worker is killed. Without a group by then, the worker was killed while it
# started the command: that is who works in the folder, or will in a moment. Only Linux shows it.
_GUARD = """
if read -r group; then
  read -r _
  kill -s KILL -- "-$group"
else
  for turn in 1 2 3 4 5 6 7 8 9 10; do
    for process in /proc/[0-9]*; do
      if [ "$process/cwd" -ef "$1" ]; then kill -s KILL -- "-${process#/proc/}" "${process#/proc/}"; fi
    done
    sleep 0.1
  done
fi
rm -rf -- "$1"
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, without its end."""

    stream: Literal["stdout", "stderr"]
    text: str
    is_cut: bool
    """Whether it was longer than `MAX_LINE`."""


class Process:
    """A program that runs in a folder of its own. Whoever makes one must call `end`."""

    def __init__(self, words: Sequence[str], folder: Path, stdin: IO[bytes], environment: Mapping[str, str]) -> None:
        """Start it. Raises OSError."""
        self._guard = _guard(folder)
        try:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            self._dismiss_guard()
            raise
        try:
            _tell_group(self._guard, self._process.pid)
        except OSError:
            self.end(0)
            raise

    def lines(self, stop: Stop) -> Iterator[Line]:
        """What it writes until it ends. Raises Interrupted if `stop` is requested."""
        with DefaultSelector() as selector:
            for stream in (_Lines("stdout"), _Lines("stderr")):
                selector.register(getattr(self._process, stream.name), EVENT_READ, stream)
            left = 2 * _LEFT_IN_A_PIPE
            while selector.get_map() and left > 0:
                stop.check()
                has_ended = self.has_ended
                ready = selector.select(0 if has_ended else _POLL_SECONDS)
                if has_ended and not ready:
                    break
                for key, _ in ready:
                    chunk = os.read(key.fd, _CHUNK)
                    left -= len(chunk) if has_ended else 0
                    if not chunk:
                        selector.unregister(key.fileobj)
                    yield from key.data.of(chunk)
            for key in selector.get_map().values():
                yield from key.data.of(b"")
        while not self.has_ended:
            stop.wait(_POLL_SECONDS)
            stop.check()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int:
        """The exit code, once it has ended; that of a process which a signal killed is the signal's number below zero."""
        return self._process.wait()

    def end(self, grace: float) -> None:
        """End it, if it has not ended, and all that it has started in its group: with SIGTERM, and SIGKILL `grace` seconds
        later."""
        try:
            if not self.has_ended:
                self._end_by_itself(monotonic() + grace)
        finally:
            self._kill()
            self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        self._guard.kill()
        self._guard.communicate()

    def _end_by_itself(self, deadline: float) -> None:
        """Output is dropped meanwhile: a full pipe would keep the process from ending."""
        streams = [stream.fileno() for stream in (self._process.stdout, self._process.stderr) if stream]
        for stream in streams:
            os.set_blocking(stream, False)
        self._signal(signal.SIGTERM)
        while monotonic() < deadline and self._group_lives():
            for stream in streams:
                with suppress(BlockingIOError):
                    os.read(stream, _CHUNK)
            sleep(_END_POLL_SECONDS)

    def _group_lives(self) -> bool:
        return not self.has_ended or (self._signal(0) and _some_live(self._process.pid))

    def _signal(self, number: int) -> bool:
        """Send a signal to the group. False if nothing is in it, or nothing that may be sent one."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILLED_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()


class _Lines:
    """Cuts one stream into lines."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self.name = name
        self._held = bytearray()
        self._is_cut = False

    def of(self, chunk: bytes) -> Iterator[Line]:
        """The lines that this chunk completes. An empty one is the end of the stream, and completes the last line."""
        *parts, rest = chunk.split(b"\n")
        for part in parts:
            self._hold(part)
            yield self._take()
        self._hold(rest)
        if not chunk and self._held:
            yield self._take()

    def _hold(self, part: bytes) -> None:
        room = MAX_LINE - len(self._held)
        self._is_cut |= len(part) > room
        self._held += part[:room]

    def _take(self) -> Line:
        line = Line(self.name, self._held.decode("utf-8", "replace").removesuffix("\r"), self._is_cut)
        self._held.clear()
        self._is_cut = False
        return line


def _some_live(group: int) -> bool:
    """Whether a process of the group is more than a zombie: in a container, nothing may reap those that lost their parent."""
    if not sys.platform.startswith("linux"):
        return True
    return any(_is_living_member(stat, group) for stat in Path("/proc").glob("[0-9]*/stat"))


def _is_living_member(stat: Path, group: int) -> bool:
    try:
        state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(its_group) == group and state not in "ZX"


def _guard(folder: Path) -> subprocess.Popen[bytes]:
    """A process that outlives this one by a moment, if this one is killed: it kills the command's group and removes the folder.
    It is there before the command is."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "casework-guard", str(folder)],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _tell_group(guard: subprocess.Popen[bytes], group: int) -> None:
    assert guard.stdin is not None
    os.write(guard.stdin.fileno(), b"%d\n" % group)
