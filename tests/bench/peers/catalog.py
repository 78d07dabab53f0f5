"""What others do with the same servers: how each is installed, when its work is done, what it keeps and what it promises."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A queue or workflow engine that is measured as casework is."""

    script: str
    """In the folder `scripts`; its first lines name the settings, which are those that its documentation gives for throughput."""
    packages: tuple[str, ...]
    """Of PyPI, or of npm for a script of Node."""
    table: str
    unfinished: str
    """Which rows of the table are jobs that are not over. For one on Redis: the lists that hold them."""
    keeps: str
    jobs: int
    """How many a round works off: enough for a second or more."""
    python: tuple[int, int] = (3, 11)
    node: int = 0
    """The oldest major version of Node; 0 for Python."""
    on_redis: bool = False
    newest_is_over: str = "true"
    """What is asked first: whoever looks for what is left passes all that is over."""

    @property
    def done(self) -> str:
        """A question to its database: whether no job is left."""
        return f"select case when {self.newest_is_over} then not exists (select from {self.table} where {self.unfinished}) end"

    @property
    def left(self) -> str:
        """A question to its database: how many jobs are left."""
        return f"select count(*) from {self.table} where {self.unfinished}"


PEERS = {
    "procrastinate": Peer(
        "procrastinate_peer.py",
        ("procrastinate",),
        "procrastinate_jobs",
        "status in ('todo', 'doing')",
        "keeps the job and its events; at least once, a job of a dead worker is taken up again by a task of your own",
        1500,
        newest_is_over="(select status from procrastinate_jobs order by id desc limit 1) = 'succeeded'",
    ),
    "pgqueuer": Peer(
        "pgqueuer_peer.py",
        ("pgqueuer[psycopg]",),
        "pgqueuer",
        "true",
        "deletes the job and keeps rows of a log; at least once",
        10_000,
        newest_is_over="(select id from pgqueuer order by id desc limit 1) is null",
    ),
    "oban": Peer(
        "oban_peer.py",
        ("oban",),
        "oban_jobs",
        "state in ('available', 'executing', 'retryable', 'scheduled')",
        "keeps the job for a day; at least once, jobs of a dead node are rescued",
        10_000,
        python=(3, 12),
    ),
    "dbos": Peer(
        "dbos_peer.py",
        ("dbos",),
        "dbos.workflow_status",
        "status in ('ENQUEUED', 'PENDING')",
        "keeps workflow, input and output; goes on from the last step, its own processes recovered when they come back",
        2000,
    ),
    "absurd": Peer(
        "absurd_peer.py",
        ("absurd-sdk", "absurdctl", "psycopg[binary]"),
        "absurd.t_default",
        "state in ('pending', 'running', 'sleeping')",
        "keeps task and run; goes on from the last step, a claim that times out is taken up again",
        2000,
    ),
    "pg-boss": Peer(
        "pgboss.mjs",
        ("pg-boss", "pg"),
        "pgboss.job",
        "name = 'noop' and state < 'completed'",
        "keeps the job for a time; at least once, and the jobs of a batch fail together",
        10_000,
        node=22,
    ),
    "graphile-worker": Peer(
        "graphile.mjs",
        ("graphile-worker", "pg"),
        "graphile_worker._private_jobs",
        "true",
        "deletes the job and keeps nothing; at least once, a crash runs a batch of completed jobs again",
        10_000,
        node=22,
    ),
    "bullmq": Peer(
        "bullmq.mjs",
        ("bullmq", "ioredis"),
        "",
        "bull:noop:wait bull:noop:active",
        "keeps the job in Redis, which flushes once a second: a crash of the server loses what came since; at least once",
        10_000,
        node=18,
        on_redis=True,
    ),
}
