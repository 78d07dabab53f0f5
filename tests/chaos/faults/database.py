"""What befalls PostgreSQL."""

import os
import random
import resource
import signal
import subprocess
from contextlib import ExitStack, suppress
from time import monotonic, sleep
from typing import Any

import psycopg

from casework.embedded.servers import start_and_wait
from chaos.faults.fault import AWAY_SECONDS, REFUSING_SECONDS
from chaos.ground import Ground
from patience import wait_for

STOPPED_SECONDS = 20.0
READ_ONLY_SECONDS = 8.0
HOUR = 3600.0
WRITTEN = ("cases", "runs", "case_events")

# Most statements are over before anybody could look for them. A connection that is idle ignores it.
CANCEL_SOME = """
select pg_cancel_backend(pid) from pg_stat_activity
where application_name like 'casework%' and random() < 0.3
"""
TERMINATE_ALL = """
select pg_terminate_backend(pid) from pg_stat_activity
where backend_type = 'client backend' and application_name <> 'storm'
"""
REFUSE = """
create function no_room() returns trigger language plpgsql as $$ begin
  raise exception 'could not extend a file: No space left on device' using errcode = 'disk_full';
end $$
"""


def _connect(ground: Ground) -> psycopg.Connection[Any]:
    return psycopg.connect(ground.home.database_url, autocommit=True, application_name="storm")


def _stop(ground: Ground, how: signal.Signals) -> None:
    assert ground.postgres.process is not None
    ground.postgres.process.send_signal(how)
    ground.postgres.process.wait()


def _restart(ground: Ground, how: signal.Signals) -> None:
    _stop(ground, how)
    start_and_wait(ground.postgres, ground.home)


def restart_postgres_fast(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL restarted, fast."""
    _restart(ground, signal.SIGINT)


def restart_postgres_immediate(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL restarted, immediate, which is a crash."""
    _restart(ground, signal.SIGQUIT)


def stop_postgres(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL stopped for 20 s."""
    _stop(ground, signal.SIGINT)
    sleep(STOPPED_SECONDS)
    start_and_wait(ground.postgres, ground.home)


def freeze_postgres(ground: Ground, chance: random.Random) -> None:
    """A PostgreSQL that accepts connections and does not answer for longer than the lease."""
    _signal_all(ground, signal.SIGSTOP)
    sleep(AWAY_SECONDS)
    _signal_all(ground, signal.SIGCONT)


def _processes(ground: Ground) -> list[int]:
    """The server's process, first, and those that it has forked."""
    assert ground.postgres.process is not None
    pid = ground.postgres.process.pid
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *map(int, listed.stdout.split())]


def _signal_all(ground: Ground, how: signal.Signals) -> None:
    assert ground.postgres.process is not None
    # What forks is stopped before it is asked for what it has forked.
    ground.postgres.process.send_signal(how)
    for pid in _processes(ground)[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


def demote_postgres(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL a standby for 8 s, which answers and takes no writes, as in a failover; then promoted."""
    _stop(ground, signal.SIGINT)
    (ground.home.postgres_data / "standby.signal").touch()
    ground.postgres.start()
    began = monotonic()
    wait_for(lambda: _is_standby(ground), "the standby to answer")
    sleep(max(0.0, began + READ_ONLY_SECONDS - monotonic()))
    with _connect(ground) as connection:
        connection.execute("select pg_promote()")
    wait_for(ground.postgres.serves, "the server to be promoted")


def _is_standby(ground: Ground) -> bool:
    with suppress(psycopg.OperationalError), _connect(ground) as connection:
        return bool(connection.execute("select pg_is_in_recovery()").fetchall()[0][0])
    return False


def fill_wal(ground: Ground, chance: random.Random) -> None:
    """The disk of PostgreSQL's log full for 3 s: the server panics, and cannot recover before there is room."""
    for pid in _processes(ground):
        with suppress(ProcessLookupError):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    sleep(REFUSING_SECONDS)
    _restart(ground, signal.SIGQUIT)


def fill_tables(ground: Ground, chance: random.Random) -> None:
    """The disk of PostgreSQL's tables full for 3 s: each write is refused with SQLSTATE 53100."""
    with _connect(ground) as connection:
        connection.execute(REFUSE)
        for table in WRITTEN:
            connection.execute(
                f"create trigger no_room before insert or update on {table} for each statement execute function no_room()"
            )
        sleep(REFUSING_SECONDS)
        for table in WRITTEN:
            connection.execute(f"drop trigger no_room on {table}")
        connection.execute("drop function no_room")


def terminate_backends(ground: Ground, chance: random.Random) -> None:
    """All connections to PostgreSQL terminated."""
    with _connect(ground) as connection:
        connection.execute(TERMINATE_ALL)


def cancel_statements(ground: Ground, chance: random.Random) -> None:
    """Statements cancelled at random for 3 s."""
    end = monotonic() + REFUSING_SECONDS
    with _connect(ground) as connection:
        while monotonic() < end:
            connection.execute(CANCEL_SOME)
            sleep(0.001)


def lock_tables(ground: Ground, chance: random.Random) -> float:
    """LOCK TABLE on cases and runs, held for longer than the lease."""
    while True:
        # Whoever holds one and waits for the other may make this one the victim of a deadlock.
        with suppress(psycopg.errors.DeadlockDetected), _connect(ground) as connection, connection.transaction():
            connection.execute("lock table cases, runs in access exclusive mode")
            began = monotonic()
            sleep(AWAY_SECONDS)
            return began


def vacuum_full(ground: Ground, chance: random.Random) -> None:
    """VACUUM FULL of everything."""
    with _connect(ground) as connection, suppress(psycopg.errors.DeadlockDetected):
        connection.execute("vacuum full")


def use_up_connections(ground: Ground, chance: random.Random) -> None:
    """All connections that PostgreSQL accepts taken by somebody else for longer than the lease."""
    end = monotonic() + AWAY_SECONDS
    with ExitStack() as held:
        first = held.enter_context(_connect(ground))
        _take_all(ground, held)
        while monotonic() < end:
            # Some of those that are closed come back before their places are taken.
            first.execute(TERMINATE_ALL)
            _take_all(ground, held)
            sleep(0.05)


def _take_all(ground: Ground, held: ExitStack) -> None:
    """Connect until the server refuses."""
    with suppress(psycopg.OperationalError):
        while True:
            held.enter_context(_connect(ground))


def skew_postgres_ahead(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL's clock set an hour ahead."""
    ground.database_clock.put_off((next(ground.turns) + 1) * HOUR)


def skew_postgres_behind(ground: Ground, chance: random.Random) -> None:
    """PostgreSQL's clock an hour behind for longer than the lease, and then right again."""
    ground.database_clock.put_off(-HOUR)
    sleep(AWAY_SECONDS)
    ground.database_clock.put_off(0.0)
