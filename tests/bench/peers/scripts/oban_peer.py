"""Oban for Python: a queue of 300 in each of two processes; jobs stay, completed, for a day."""

import asyncio
import os

import psycopg
from lines import obey, play, started
from oban import Oban, worker
from oban.schema import install_sql

URL = os.environ["BENCH_DATABASE_URL"]


@worker(queue="default")
class Noop:
    async def process(self, job):
        started(job.args["at"])


def install():
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(install_sql())


async def work():
    pool = await Oban.create_pool(URL, max_size=10)
    async with Oban(pool=pool, queues={"default": 300}):
        await asyncio.Event().wait()


def create():
    with asyncio.Runner() as runner:

        async def opened():
            return Oban(pool=await Oban.create_pool(URL, max_size=2))

        oban = runner.run(opened())
        obey(lambda stamps: runner.run(oban.enqueue_many([Noop.new({"at": at}) for at in stamps])))


if __name__ == "__main__":
    play({"install": install, "work": lambda: asyncio.run(work()), "create": create})
