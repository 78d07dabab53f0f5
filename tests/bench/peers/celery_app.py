"""Celery as most use it: `delay`, and what a task has done kept in a table, or not."""

import os
import time
from functools import cache
from typing import Any

import psycopg
import redis
from celery import Celery

from casework.broker.address import client

MARK = "bench:last"
SCHEMA = """
create table jobs (
  id bigint generated always as identity primary key, data jsonb not null, status text not null default 'pending',
  created_at timestamptz not null default now(), finished_at timestamptz
);
create table job_runs (id bigint generated always as identity primary key, job_id bigint not null, worker text, at timestamptz not null default now());
create table job_events (id bigint generated always as identity primary key, job_id bigint not null, type text not null, at timestamptz not null default now());
create index on job_runs (job_id);
create index on job_events (job_id);
"""

app = Celery("bench", set_as_current=False)
app.conf.update(
    broker_url=os.environ.get("BENCH_REDIS_URL", "memory://"),
    broker_connection_retry_on_startup=True,
    task_default_queue="peer",
    task_ignore_result=True,
)


@cache
def broker() -> redis.Redis:
    """The Redis that the mark is left in."""
    return client(app.conf.broker_url)


@cache
def database() -> psycopg.Connection[Any]:
    """One connection for each process of the pool."""
    return psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)


@app.task
def noop(last: bool) -> None:
    """Do nothing; the last one says that it was."""
    if last:
        broker().set(MARK, 1)


@app.task
def recorded(job: int, last: bool) -> None:
    """Do nothing, and keep that it was done."""
    connection = database()
    with connection.transaction():
        connection.execute("update jobs set status = 'done', finished_at = now() where id = %s", (job,))
        connection.execute("insert into job_runs (job_id, worker) values (%s, %s)", (job, str(os.getpid())))
        connection.execute("insert into job_events (job_id, type) values (%s, 'done')", (job,))
    if last:
        broker().set(MARK, 1)


@app.task
def started(at: float) -> None:
    """Leave how long ago it was sent."""
    with open(os.environ["BENCH_LOG"], "a") as log:
        log.write(f"{time.time() - at}\n")


@app.task
def recorded_start(job: int, at: float) -> None:
    """Keep that it has started, and leave how long ago it was sent."""
    database().execute("update jobs set status = 'running' where id = %s and status = 'pending'", (job,))
    with open(os.environ["BENCH_LOG"], "a") as log:
        log.write(f"{time.time() - at}\n")
