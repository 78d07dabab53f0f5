"""Procrastinate and PgQueuer as contenders of the end-to-end part."""

import asyncio
import os
from collections.abc import Callable
from time import perf_counter

import psycopg

from bench.ground import Ground
from bench.processes import wait_for

Contenders = dict[str, Callable[[], float]]

PROCRASTINATE = "Procrastinate, 2 processes of 10, deferred by 100"
PGQUEUER = "PgQueuer, batch {}, enqueued by 100"
PGQUEUER_BEST = PGQUEUER.format(100)
PROCESSES = 2


def _drained(connection: psycopg.Connection[tuple[bool]], question: str, send: Callable[[], None], count: int) -> float:
    """The question looks at the newest job first, as that of casework does."""

    def done() -> bool:
        row = connection.execute(question).fetchone()
        return bool(row and row[0])

    begun = perf_counter()
    send()
    wait_for(done, "the last job")
    return count / (perf_counter() - begun)


def procrastinate(ground: Ground, count: int) -> Contenders:
    """Two worker processes, ten jobs at once each."""
    url = ground.database("procrastinate")
    os.environ["BENCH_DATABASE_URL"] = url
    from bench.peers.procrastinate_app import app, noop

    app.open()
    app.schema_manager.apply_schema()
    for _ in range(PROCESSES):
        ground.processes.python("bench.peers.procrastinate_app", {"BENCH_DATABASE_URL": url})
    connection = psycopg.connect(url, autocommit=True)
    question = (
        "select case when (select status from procrastinate_jobs order by id desc limit 1) = 'succeeded' then"
        " not exists (select from procrastinate_jobs where status in ('todo', 'doing')) end"
    )

    def bulk(count: int = count) -> float:
        def send() -> None:
            for _ in range(count // 100):
                noop.batch_defer(*[{}] * 100)

        return _drained(connection, question, send, count // 100 * 100)

    bulk(100)
    return {PROCRASTINATE: bulk}


def pgqueuer(ground: Ground, count: int) -> Contenders:
    """One process; it claims and completes in batches, and runs its no-ops in the process that claims."""
    return {name: contender for batch in (10, 100) for name, contender in _pgqueuer(ground, count, batch).items()}


def _pgqueuer(ground: Ground, count: int, batch: int) -> Contenders:
    from pgqueuer.db import PsycopgDriver, SyncPsycopgDriver
    from pgqueuer.queries import Queries, SyncQueries

    url = ground.database(f"pgqueuer_{batch}")

    async def install() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await Queries(PsycopgDriver(connection)).install()

    asyncio.run(install())
    ground.processes.python("bench.peers.pgqueuer_app", {"BENCH_DATABASE_URL": url}, str(batch))
    connection = psycopg.connect(url, autocommit=True)
    queries = SyncQueries(SyncPsycopgDriver(connection))
    question = "select (select id from pgqueuer order by id desc limit 1) is null"

    def bulk(count: int = count) -> float:
        def send() -> None:
            for _ in range(count // 100):
                queries.enqueue(["noop"] * 100, [None] * 100, [0] * 100)

        return _drained(connection, question, send, count // 100 * 100)

    bulk(100)
    return {PGQUEUER.format(batch): bulk}
