"""The side of those who use the embedded servers: make sure that they run, and keep them for as long as we do."""

import atexit
import fcntl
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING

from casework.embedded.home import Home
from casework.embedded.private import open_file
from casework.embedded.servers import answers_ping, is_ready, tail
from casework.errors import CaseworkError, ServerNotStarted

if TYPE_CHECKING:
    from casework.settings import Settings

WAIT_SECONDS = 75.0
_SPARE_SECONDS = 0.2
"""A spare supervisor ends sooner."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers are, and whether the database is casework's own."""

    database: str
    redis: str
    own_database: bool


def resolve(settings: "Settings") -> Urls:
    """The URLs that were given, and those of casework's own servers, started, for those that were not.

    Raises ServerNotStarted.
    """
    if settings.database_url and settings.redis_url:
        return Urls(settings.database_url, settings.redis_url, False)
    home = Home(settings.home_path)
    _use(home.path)
    return Urls(
        settings.database_url or home.database_url, settings.redis_url or home.redis_url, not settings.database_url
    )


def begin(settings: "Settings") -> None:
    """Let casework's own servers start, if they are needed, without waiting for them. Raises ServerNotStarted."""
    if not (settings.database_url and settings.redis_url):
        _begin(Home(settings.home_path).path)


_held: dict[Path, IO[str]] = {}
"""The client locks of this process, kept open to its end. A forked child shares them, and so is a client too."""


@cache
def _use(path: Path) -> None:
    """Become a client of a home's servers: start them, wait for them, and start them again if their supervisor dies."""
    home = Home(path)
    _wait(home, _begin(path))
    threading.Thread(target=_keep, args=(home, os.getpid()), name="casework-servers", daemon=True).start()


@cache
def _begin(path: Path) -> subprocess.Popen[bytes] | None:
    """Become a client of a home's servers, and let them start. Returns the supervisor that was started for that."""
    home = Home(path)
    home.make()
    lock = open_file(home.clients, "a")
    # Waits while a supervisor stops, which has the lock for itself.
    fcntl.flock(lock, fcntl.LOCK_SH)
    _held[path] = lock
    atexit.register(lock.close)
    return None if _owned(home) else _spawn(home)


def _owned(home: Home) -> bool:
    """Whether a supervisor is there: it holds the owner's lock."""
    try:
        _look_at_owner(home, fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


_spawned: list[subprocess.Popen[bytes]] = []
"""Supervisors outlive their clients on purpose; they are kept here so that nobody takes them for forgotten ones."""


def _disown() -> None:
    """Leave the supervisors alone without a warning that they still run."""
    for process in _spawned:
        if process.poll() is None:
            process.returncode = 0


def _spawn(home: Home) -> subprocess.Popen[bytes]:
    with open_file(home.log("supervisor"), "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "casework.embedded.supervisor", str(home.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            start_new_session=True,
        )
    if not _spawned:
        atexit.register(_disown)
    _spawned.append(process)
    return process


def _serving(home: Home) -> bool:
    if not answers_ping(home.valkey_socket):
        return False
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(home.sockets / ".s.PGSQL.5432"))
            # While it listens, the file is its own, and not one that a killed server left.
            return is_ready(home)
    except OSError:
        return False


def _wait(home: Home, supervisor: subprocess.Popen[bytes] | None) -> None:
    end = monotonic() + WAIT_SECONDS
    while not _serving(home) or not _owned(home):
        if supervisor is not None and supervisor.poll() not in (None, 0):
            raise ServerNotStarted(
                f"casework's own servers did not start: {tail(home.log('supervisor'))} (logs in {home.path})"
            )
        if monotonic() > end:
            raise ServerNotStarted(
                f"casework's own servers did not start within {WAIT_SECONDS:g} s (logs in {home.path})."
            )
        if (supervisor is None or supervisor.poll() is not None) and not _owned(home):
            supervisor = _spawn(home)
        sleep(0.02)


def _keep(home: Home, pid: int) -> None:
    """A supervisor that was killed is replaced by whoever notices first; a spare one ends at once."""
    while os.getpid() == pid:
        try:
            _wait_until_not_owned(home)
            _spawn(home).wait(_SPARE_SECONDS)
        except (OSError, CaseworkError):
            sleep(_SPARE_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _wait_until_not_owned(home: Home) -> None:
    """Sleeps in the kernel: a supervisor lets go of its lock by ending, however it ends."""
    _look_at_owner(home)


def _look_at_owner(home: Home, flags: int = 0) -> None:
    """Get the owner's lock, and give it back at once."""
    with open_file(home.owner, "a") as owner:
        fcntl.flock(owner, fcntl.LOCK_SH | flags)
        # A process that was forked meanwhile has the file too, and would keep the lock after it is closed here.
        fcntl.flock(owner, fcntl.LOCK_UN)
