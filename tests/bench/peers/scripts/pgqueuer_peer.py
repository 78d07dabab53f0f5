"""PgQueuer: two processes that claim and complete 100 jobs at a time; completed jobs are deleted, and log rows stay."""

import asyncio
import os

import psycopg
from lines import obey, play, started
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver, SyncPsycopgDriver
from pgqueuer.queries import Queries, SyncQueries

URL = os.environ["BENCH_DATABASE_URL"]


async def install():
    async with await psycopg.AsyncConnection.connect(URL, autocommit=True) as connection:
        await Queries(PsycopgDriver(connection)).install()


async def work():
    async with await psycopg.AsyncConnection.connect(URL, autocommit=True) as connection:
        queuer = PgQueuer(PsycopgDriver(connection))

        @queuer.entrypoint("noop")
        async def noop(job):
            started(float(job.payload))

        await queuer.run(batch_size=100)


def create():
    queries = SyncQueries(SyncPsycopgDriver(psycopg.connect(URL, autocommit=True)))

    def send(stamps):
        count = len(stamps)
        queries.enqueue(["noop"] * count, [repr(at).encode() for at in stamps], [0] * count)

    obey(send)


if __name__ == "__main__":
    play({"install": lambda: asyncio.run(install()), "work": lambda: asyncio.run(work()), "create": create})
