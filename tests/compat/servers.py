"""Servers on local ports and sockets, which end with their block."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from redis import RedisError

from casework.broker.address import client
from casework.embedded import binaries, identity
from casework.embedded.servers import tail
from compat.packages import program
from patience import wait_for
from ports import free_port

USER = "casework"
SECRET = "s3cret"
SPARING_THE_DISK: Mapping[str, str] = {"fsync": "off"}


@contextmanager
def _running(
    command: Sequence[str],
    log: Path,
    serves: Callable[[], bool],
    before_exec: Callable[[], None] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    """A server that serves. Raises RuntimeError, with the end of its log, if it ends before that."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", preexec_fn=before_exec
        )

    def started() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended at its start: {tail(log)}")
        return serves()

    try:
        wait_for(started, f"{command[0]}, see {log}")
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def certificate(place: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    made, key = place / "localhost.pem", place / "localhost.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(made)]
    subprocess.run([program("openssl", "openssl"), "req", "-x509", *options, *subject], capture_output=True, check=True)
    key.chmod(0o600)
    return made, key


@contextmanager
def postgres(
    place: Path, program: binaries.Postgres, more: Mapping[str, str] = SPARING_THE_DISK, *, tls: bool = False
) -> Iterator[str]:
    """A new server on a local port; gives the URL of its database `postgres`."""
    data, port = place / "postgres", free_port()
    home = place / "postgres-program"
    home.mkdir()
    program = binaries.within_reach(program, home)
    data.mkdir(mode=0o700)
    identity.give(data)
    before_exec = identity.before_exec(signal.SIGINT)
    command = [
        str(program.bin / "initdb"),
        "-D",
        str(data),
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "-N",
        "--locale=C.UTF-8",
    ]
    subprocess.run(command, cwd="/", preexec_fn=before_exec, capture_output=True, check=True)
    settings = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **more}
    query = ""
    if tls:
        made, key = certificate(place)
        own = data / "server.key"
        own.write_bytes(key.read_bytes())
        own.chmod(0o600)
        identity.give(own)
        (data / "server.pem").write_bytes(made.read_bytes())
        settings |= {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key"}
        query = f"?sslmode=verify-full&sslrootcert={made}"
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    url = f"postgresql://{USER}@localhost:{port}/postgres{query}"
    command = [str(program.bin / "postgres"), "-D", str(data), *options]
    with _running(command, place / "postgres.log", lambda: _connects(url), before_exec, signal.SIGINT):
        yield url


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


_PGBOUNCER = """
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_tls_sslmode = disable
"""


@contextmanager
def pgbouncer(place: Path, server: int, mode: str, *, size: int = 10) -> Iterator[str]:
    """A PgBouncer before the server on that port; gives the URL of the database `postgres` through it."""
    port, file = free_port(), place / "pgbouncer.ini"
    file.write_text(_PGBOUNCER.format(server=server, port=port, user=USER, mode=mode, size=size))
    file.chmod(0o644)
    # It refuses to run as root; the file is read before it becomes somebody else.
    command = [program("pgbouncer", "pgbouncer"), *(["-u", "nobody"] if os.geteuid() == 0 else []), str(file)]
    url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    with _running(command, place / "pgbouncer.log", lambda: _connects(url)):
        yield url


@contextmanager
def redis(place: Path, program: str, *, socket: bool = False, tls: bool = False, number: int = 0) -> Iterator[str]:
    """A new Redis or Valkey; gives the URL of its database of that number."""
    port = free_port()
    options = {"--port": str(port), "--bind": "127.0.0.1", "--dir": str(place), "--save": "", "--appendonly": "no"}
    url = f"redis://localhost:{port}/{number}"
    if socket:
        options |= {"--port": "0", "--unixsocket": str(place / "redis.sock")}
        url = f"unix://{place / 'redis.sock'}?db={number}"
    if tls:
        made, key = certificate(place)
        options |= {"--port": "0", "--tls-port": str(port), "--tls-auth-clients": "no"}
        options |= {"--tls-cert-file": str(made), "--tls-key-file": str(key), "--tls-ca-cert-file": str(made)}
        url = f"rediss://localhost:{port}/{number}?ssl_ca_certs={made}"
    command = [program, *(word for pair in options.items() for word in pair)]
    with _running(command, place / "redis.log", lambda: _answers(url)):
        yield url


def _answers(url: str) -> bool:
    try:
        with client(url) as asked:
            return bool(asked.ping())
    except RedisError:
        return False


def as_user(url: str, user: str) -> str:
    """The URL with a user's name and the password that all of them have here."""
    return url.replace("://", f"://{user}:{SECRET}@", 1)
