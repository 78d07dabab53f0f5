"""Absurd: two workers that claim 20 tasks at a time; spawned by 100 in a transaction."""

import os

import psycopg
from absurd_sdk import Absurd
from lines import obey, play, started

URL = os.environ["BENCH_DATABASE_URL"]


def install():
    from absurdctl import BUNDLED_SCHEMA_SQL

    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(BUNDLED_SCHEMA_SQL)
    Absurd(URL).create_queue()


def work():
    app = Absurd(URL)

    @app.register_task(name="noop")
    def noop(params, context):
        started(params["at"])

    app.start_worker(batch_size=20)


def create():
    connection = psycopg.connect(URL, autocommit=True)
    app = Absurd(connection)

    def send(stamps):
        with connection.transaction():
            for at in stamps:
                app.spawn("noop", {"at": at}, queue="default")

    obey(send)


if __name__ == "__main__":
    play({"install": install, "work": work, "create": create})
