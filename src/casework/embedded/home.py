"""Where things lie in a home, and the URLs that follow from it. No two processes need to tell each other."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from casework.embedded import identity, private
from casework.errors import ServerNotStarted

# A socket's path has room for 104 bytes on macOS and 108 on Linux, and both URLs are read by several parsers: a home
# that is long, or holds anything but plain characters, gets its sockets elsewhere.
_LONGEST_SOCKET_DIR = 80
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")

SUPERUSER = "casework"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one home."""

    path: Path

    @property
    def postgres(self) -> Path:
        """Where PostgreSQL's files lie: in the home, unless whom it runs as cannot come there."""
        return self.path if identity.reachable(self.path) else Path("/var/lib") / f"casework-{self._digest}"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.postgres / "postgres"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:12]

    @property
    def valkey_data(self) -> Path:
        """Valkey's data directory."""
        return self.path / "valkey"

    @property
    def sockets(self) -> Path:
        """The directory of both sockets."""
        inside = self.path / "run"
        if len(str(inside)) <= _LONGEST_SOCKET_DIR and _PLAIN.fullmatch(str(inside)) and identity.reachable(inside):
            return inside
        return _temporary() / f"casework-{os.getuid()}-{self._digest}"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's socket."""
        return self.sockets / "valkey.sock"

    @property
    def clients(self) -> Path:
        """Held shared by each process that uses the servers, exclusively by the supervisor when it stops."""
        return self.path / "clients.lock"

    @property
    def owner(self) -> Path:
        """Held by the supervisor."""
        return self.path / "owner.lock"

    def log(self, name: str) -> Path:
        """A server's log file."""
        return self.path / f"{name}.log"

    @property
    def database_url(self) -> str:
        """The embedded database."""
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        """The embedded broker, as Celery takes it."""
        return f"redis+socket://{self.valkey_socket}?virtual_host=0"

    def make(self) -> None:
        """Make the directories, for this user alone. Raises ServerNotStarted, also if others could write what is there."""
        try:
            # The home first: where the others lie depends on who can come to it.
            private.make_directory(self.path)
            for directory in (self.postgres, self.sockets, self.valkey_data):
                private.make_directory(directory)
            for lock in (self.clients, self.owner):
                private.open_file(lock, "a").close()
        except OSError as error:
            raise ServerNotStarted(
                f"CASEWORK_HOME={str(self.path)!r} cannot be used: {error.strerror or error}. Set CASEWORK_HOME to a directory "
                "that this user can write, or give CASEWORK_DATABASE_URL and CASEWORK_REDIS_URL."
            ) from error


def _temporary() -> Path:
    # Not TMPDIR: processes of one home may have different ones, and must meet.
    shared = Path("/tmp")  # noqa: S108 - the directory made in it is private, and its owner is checked
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
