"""Procrastinate: two processes of ten jobs at once; jobs and their events stay."""

import asyncio
import os

from lines import obey, play, started
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

URL = os.environ["BENCH_DATABASE_URL"]
app = App(connector=PsycopgConnector(conninfo=URL, max_size=10))


@app.task(name="noop")
async def noop(at):
    started(at)


def install():
    with App(connector=SyncPsycopgConnector(conninfo=URL)).open() as opened:
        opened.schema_manager.apply_schema()


async def work():
    async with app.open_async():
        await app.run_worker_async(concurrency=10, delete_jobs="never", install_signal_handlers=False)


def create():
    with App(connector=SyncPsycopgConnector(conninfo=URL)).open() as opened:
        task = opened.configure_task("noop")
        obey(lambda stamps: task.batch_defer(*[{"at": at} for at in stamps]))


if __name__ == "__main__":
    play({"install": install, "work": lambda: asyncio.run(work()), "create": create})
