"""DBOS: a queue of workflows without steps, 50 at once in each of two processes, polled every 20 ms; created by 100 in a transaction."""

import os
import threading

import sqlalchemy
from dbos import DBOS, DBOSClient
from lines import obey, play, started

URL = os.environ["BENCH_DATABASE_URL"]
QUEUE, VERSION = "bench", "1"


def launched():
    DBOS(
        config={
            "name": "bench",
            "system_database_url": URL,
            "application_version": VERSION,
            "executor_id": str(os.getpid()),
            "max_executor_threads": 64,
            "log_level": "WARNING",
        }
    )

    @DBOS.workflow(name="noop")
    def noop(at):
        started(at)

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=50, polling_interval_sec=0.02)


def install():
    launched()
    DBOS.destroy()


def work():
    launched()
    threading.Event().wait()


def create():
    client = DBOSClient(system_database_url=URL)
    engine = sqlalchemy.create_engine(URL.replace("postgresql://", "postgresql+psycopg://", 1))
    options = {"workflow_name": "noop", "queue_name": QUEUE, "app_version": VERSION}

    def send(stamps):
        with engine.begin() as connection:
            for at in stamps:
                client.enqueue_in_transaction(connection, options, at)

    obey(send)


if __name__ == "__main__":
    play({"install": install, "work": work, "create": create})
