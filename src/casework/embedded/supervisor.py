"""The process that owns the servers of one home: `python -m casework.embedded.supervisor HOME`.

It starts them, starts again the one that dies, and stops both when no client is left. Clients hold a shared lock, which
the kernel gives back however a client ends; the supervisor tries to take it exclusively, and where it can, nobody is
there. It keeps the lock until the servers have stopped, so that a new client waits and then starts a new supervisor.
"""

import fcntl
import os
import signal
import sys
from pathlib import Path
from time import monotonic

from casework.embedded import identity
from casework.embedded.home import Home
from casework.embedded.private import open_file
from casework.embedded.servers import Postgres, Server, Valkey, start_and_wait
from casework.embedded.wakeup import Wakeup
from casework.errors import CaseworkError

LINGER_SECONDS = 2.0
"""How long the servers stay after the last client: commands that follow one another find them running."""

_POLL_SECONDS = 0.5
"""How often it looks whether clients are left. A server's end wakes it at once."""


def main() -> int:
    """Own the servers of the home that the command line names, until nobody needs them."""
    home = Home(Path(sys.argv[1]))
    # The terminal's Ctrl-C is for the clients.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    wakeup = Wakeup()
    with open_file(home.owner, "a") as owner, open_file(home.clients, "a") as clients:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        identity.give(home.postgres)
        identity.give(home.sockets)
        servers: list[Server] = [Postgres(home), Valkey(home)]
        try:
            # Both at once: to make a database takes a moment.
            servers[1].start()
            for server in servers:
                start_and_wait(server, home)
            _serve(servers, home, clients.fileno(), stopping, wakeup)
        except CaseworkError as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - the client that waits reads it from this log
            return 1
        finally:
            for server in reversed(servers):
                server.stop()
    return 0


def _serve(servers: list[Server], home: Home, clients: int, stopping: list[int], wakeup: Wakeup) -> None:
    deserted_since: float | None = None
    while not stopping:
        for server in servers:
            if server.process is None or server.process.poll() is not None:
                start_and_wait(server, home)
        if not _deserted(clients):
            deserted_since = None
        elif deserted_since is None:
            deserted_since = monotonic()
        if (
            deserted_since is not None
            and monotonic() - deserted_since >= LINGER_SECONDS
            and _deserted(clients, keep=True)
        ):
            return
        wakeup.sleep(_POLL_SECONDS)


def _deserted(clients: int, *, keep: bool = False) -> bool:
    try:
        fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if not keep:
        fcntl.flock(clients, fcntl.LOCK_UN)
    return True


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
