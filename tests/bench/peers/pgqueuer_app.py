"""PgQueuer: `python -m bench.peers.pgqueuer_app BATCH`."""

import asyncio
import os
import sys

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job


async def main(batch: int) -> None:
    """Work until killed."""
    url = os.environ["BENCH_DATABASE_URL"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        queuer = PgQueuer(PsycopgDriver(connection))

        @queuer.entrypoint("noop")
        async def noop(job: Job) -> None:
            pass

        await queuer.run(batch_size=batch)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
