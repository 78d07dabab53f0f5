"""Behind PgBouncer: never another client's answer, nothing that a session would have to keep, one error if it cannot work."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from psycopg.conninfo import conninfo_to_dict

from casework.errors import DatabaseUnavailable
from casework.service import cases, queues
from casework.store import schema
from casework.store.connection import PLANS_KEPT_SECONDS
from casework.store.database import NOW, Database
from chaos.proxy import Proxy
from factories import TEAM, claim, some_cases, work, worked_queue

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 2
server_tls_sslmode = disable
"""

Open = Callable[..., Database]


@pytest.fixture
def through(committed: Database, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Open]:
    """Opens the committed database through a PgBouncer of that mode, which shares two connections among all."""
    ours = conninfo_to_dict(committed.url)
    started: list[subprocess.Popen[str]] = []
    opened: list[Database] = []
    ports: dict[str, int] = {}

    def server() -> int:
        if str(ours.get("host", "")).startswith("/"):
            return Proxy(Path(str(ours["host"])) / f".s.PGSQL.{ours.get('port', 5432)}").port
        return int(ours.get("port", 5432))

    def start(mode: str) -> int:
        """Start one. Another process may take a port between its choice and its use, so a few are tried."""
        said: list[str] = []
        for port in (free_port() for _ in range(5)):
            file = tmp_path / f"{mode}-{port}.ini"
            file.write_text(CONFIGURATION.format(server=server(), port=port, user=ours["user"], mode=mode))
            # It refuses to run as root.
            command = ["pgbouncer", *(["-u", "nobody"] if os.getuid() == 0 else []), str(file)]
            started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
            log = started[-1].stderr
            assert log is not None
            for line in log:
                said.append(line)
                if "process up" in line:
                    return port
        raise AssertionError("".join(said))

    def open_(mode: str, **options: object) -> Database:
        if mode not in ports:
            ports[mode] = start(mode)
        url = f"postgresql://{ours['user']}@127.0.0.1:{ports[mode]}/{ours['dbname']}"
        opened.append(Database(url, **options))
        return opened[-1]

    yield open_
    for db in opened:
        db.close()
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def hostile(committed: Database) -> None:
    """What the database sets for each new session, against everything that casework needs."""
    for setting in (
        "datestyle = 'German'",
        "timezone = 'Asia/Tokyo'",
        "intervalstyle = 'iso_8601'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "statement_timeout = '300ms'",
        "array_nulls = off",
    ):
        with committed.single() as tx:
            tx.sql(f"alter database committed set {setting}")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pooler_is_noticed_and_a_direct_connection_too(committed, through, mode):
    with through(mode).begin() as tx:
        assert not tx.is_direct
    with committed.begin() as tx:
        assert tx.is_direct


@pytest.mark.parametrize("caches_plans", [False, True])
def test_clients_that_share_connections_get_their_own_answers(through, caches_plans):
    """They send other statements in the same order: by names of one kind, they would meet those of others."""
    clients = [through("transaction", caches_plans=caches_plans) for _ in range(4)]

    def ask(number: int) -> list[object]:
        answers = []
        for step in range(40):
            with clients[number].single() as tx:
                answers.append(tx.sql(f"select {number * 1000 + step % 5} + %(zero)s::int", {"zero": 0}).scalar_one())
        return answers

    with ThreadPoolExecutor(4) as threads:
        for number, answers in enumerate(threads.map(ask, range(4))):
            assert answers == [number * 1000 + step % 5 for step in range(40)]


def prepared(db: Database) -> list[str]:
    with db.single() as tx:
        return [
            row.name
            for row in tx.sql("select name from pg_prepared_statements where statement like '%%one more%%' order by 1")
        ]


ONE_MORE = "insert into one_more values (%(number)s)"


@pytest.fixture
def one_more(committed: Database) -> Iterator[None]:
    """A table."""
    with committed.single() as tx:
        tx.sql("create table one_more (number int)")
    yield
    with committed.single() as tx:
        tx.sql("drop table one_more")


def test_what_workers_repeat_is_prepared_once_for_all_of_them(through):
    clients = [through("transaction", caches_plans=True, pool_size=1) for _ in range(3)]
    for _ in range(3):
        for db in clients:
            with db.single() as tx:
                assert tx.sql("select 'one more', %(number)s::int", {"number": 1}).one()[1] == 1
    (name,) = prepared(through("transaction"))
    assert name.startswith("casework_")


def test_other_clients_find_nothing_prepared_by_a_command(through):
    db = through("transaction")
    for _ in range(9):
        with db.single() as tx:
            tx.sql("select 'one more'")
    assert prepared(db) == []


@pytest.mark.usefixtures("one_more")
@pytest.mark.parametrize("open_", ["begin", "single"])
def test_a_transaction_that_finds_its_statement_gone_is_done_once(through, open_):
    ours, other = through("transaction", caches_plans=True), through("transaction")
    for number in range(4):
        with getattr(ours, open_)() as tx:
            tx.sql(ONE_MORE, {"number": number})
        with other.single() as tx:
            tx.sql("deallocate all")
    with other.single() as tx:
        assert [row.number for row in tx.sql("select number from one_more order by 1")] == [0, 1, 2, 3]


@pytest.mark.usefixtures("one_more")
def test_a_statement_whose_result_has_changed_is_prepared_again(through):
    ours, other = through("transaction", caches_plans=True), through("transaction")
    for kind in ("int", "text", "bigint"):
        with other.single() as tx:
            tx.sql(f"alter table one_more alter number type {kind} using number::{kind}")
        for _ in range(2):
            with ours.single() as tx:
                assert tx.sql("select * from one_more -- one more").all() == []
    assert len(prepared(other)) == 3


def test_transactions_give_the_same_whether_plans_are_discarded_or_not(through):
    db = through("transaction", caches_plans=True, pool_size=1)
    end = monotonic() + 3 * PLANS_KEPT_SECONDS
    while monotonic() < end:
        for open_ in (db.begin, db.single, db.snapshot):
            with open_() as tx:
                found = tx.together(("select %(one)s::int", {"one": 1}), ("select 2", {}))
                assert [rows.scalar_one() for rows in found] == [1, 2]


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("caches_plans", [False, True])
def test_cases_live_whole_lives_behind_a_pooler(through, mode, caches_plans):
    db = through(mode, caches_plans=caches_plans)
    schema.check(db)
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 3)
    assert [work(db, message) for message in claim(db)] == ["completed"] * 3
    assert {case.completed_at.utcoffset().total_seconds() for case in cases.get_many(db, ids)} == {0}
    assert queues.stats(db, TEAM, queue.id).ended_last_hour == 3


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_settings_hold_in_each_transaction_and_leave_nothing(through, mode):
    db = through(mode)
    for open_ in (db.begin, db.single):
        with open_() as tx:
            found = tx.sql(
                f"select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only,"
                f" current_setting('statement_timeout') as time_out, array[interval '-90 minutes', '3 days -00:00:01.000001', '-1 day', '0'] as lengths, '2026-03-01 12:00+00'::timestamptz as moment, {NOW} as now"
            ).one()
        assert (found.isolation, found.read_only, found.time_out) == ("read committed", "off", "0")
        assert found.lengths == [
            timedelta(minutes=-90),
            timedelta(days=3, seconds=-1, microseconds=-1),
            timedelta(days=-1),
            timedelta(),
        ]
        assert found.moment.isoformat() == "2026-03-01T12:00:00+00:00"
        assert found.now.utcoffset().total_seconds() == 0


def test_an_error_in_a_single_statement_leaves_no_transaction_open(through):
    db = through("transaction", pool_size=1)
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable), db.single() as tx:
            tx.sql("do $$ begin raise exception using errcode = '55P03'; end $$")
    with db.begin() as tx:
        assert tx.sql("select count(*) from pg_stat_activity where state like 'idle in%%'").scalar_one() == 0


def test_a_pooler_without_transactions_is_refused_in_one_line(through):
    db = through("statement")
    with pytest.raises(DatabaseUnavailable, match="set its pool_mode to transaction or session"), db.begin() as tx:
        tx.sql("select 1")


def test_a_schema_is_made_through_a_pooler(through):
    assert schema.upgrade(through("transaction")) == schema.HEAD
