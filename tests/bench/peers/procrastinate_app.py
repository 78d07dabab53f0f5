"""Procrastinate: a worker of ten concurrent jobs."""

import os

import procrastinate

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ.get("BENCH_DATABASE_URL", ""), max_size=10)
)


@app.task(name="noop")
async def noop() -> None:
    """Do nothing."""


if __name__ == "__main__":
    app.run_worker(concurrency=10, wait=True, delete_jobs="never", install_signal_handlers=False)
