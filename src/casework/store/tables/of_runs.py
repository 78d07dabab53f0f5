"""Runs and what belongs to them.

What changes as most runs go on stands in no index, so that their start and their end are HOT updates. `runs.live` and
`runs.holds_slot` are generated from the status, for those who look at a few runs; `store.bound` finds all of them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from casework.core.lifecycle import LIFECYCLE, Lifecycle
from casework.store.tables import derived
from casework.store.tables.columns import VACUUMED, metadata, moment


def runs_of(lifecycle: Lifecycle, metadata: MetaData) -> Table:
    """The table of runs that have this lifecycle."""
    return Table(
        "runs",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("case_id", Uuid),
        Column("queue_id", Uuid, nullable=False),
        Column("agent_id", Uuid, nullable=False),
        moment("created_at", nullable=False),
        moment("claimed_at", nullable=False),
        moment("sent_at", nullable=False),
        # Waits that other services asked for, and that cost no attempt.
        Column("asked_wait_seconds", Double, nullable=False, server_default="0"),
        # The numbers in the case's history of what the row says, this and `completed_event`: see the view case_history.
        Column("claimed_event", BigInteger),
        Column("attempt", Integer, nullable=False),
        Column("failures", Integer, nullable=False, server_default="0"),
        Column("refused_writes", Integer, nullable=False, server_default="0"),
        Column("send_count", SmallInteger, nullable=False, server_default="1"),
        Column("release_on_stop", Boolean, nullable=False, server_default=text("false")),
        Column("reason", Text),
        Column("error", Text),
        moment("stop_requested_at"),
        # Null unless the run is live.
        moment("stop_deadline"),
        # `completed_at` again, of a run that did not end soon after its claim.
        moment("ended_late_at"),
        # What follows changes as most runs start, and from `started_at` as they end.
        # Of this attempt; `started_at` is of the first.
        moment("attempt_started_at"),
        moment("last_heartbeat_at"),
        Column("worker", Text),
        moment("started_at"),
        Column("status", Text, derived.status_of_run(lifecycle), nullable=False),
        Column("live", Boolean, Computed(derived.live(lifecycle), persisted=True), nullable=False),
        Column("holds_slot", Boolean, Computed(derived.holds_slot(lifecycle), persisted=True), nullable=False),
        Column("outcome", Text),
        moment("completed_at"),
        Column("completed_event", BigInteger),
        # Runs that hold a slot although no case is bound to them: those that were asked to stop and have not stopped.
        Index("runs_stopping", "queue_id", "agent_id", postgresql_where=text("stop_deadline is not null")),
        # The runs of a case, newest first.
        Index("runs_case", "case_id", "id"),
        # The runs of a queue, newest first.
        Index("runs_queue", "queue_id", "id"),
        # How many runs of a queue ended, minute by minute: those that did not end soon after their claim, which are found by
        # `runs_queue`.
        Index("runs_ended_late", "queue_id", "ended_late_at", postgresql_where=text("ended_late_at is not null")),
        # A page has room for a row's three versions: pending, running, ended. At 70, as at 50, every other start or end went to
        # another page, and wrote an entry in each index; the table was as large. At 35, one in ten did. Heartbeats take the same time
        # from 35 to 60.
        postgresql_with={"fillfactor": "30", **VACUUMED},
    )


runs = runs_of(LIFECYCLE, metadata)

run_messages = Table(
    "run_messages",
    metadata,
    # The messages of a run, in order. An index of the ids alone would tempt the planner to read those of all runs.
    Column("run_id", Uuid, primary_key=True),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("type", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("key", Text, nullable=False),
    moment("created_at", nullable=False),
    # What was said is not said again by a resumed run.
    UniqueConstraint("run_id", "key", name="run_messages_key"),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    moment("created_at", nullable=False),
    Column("awaited", Boolean, nullable=False, server_default=text("false")),
)

run_state = Table(
    "run_state",
    metadata,
    # What a run keeps for itself, such as the checkpoints of a framework.
    Column("run_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    moment("updated_at", nullable=False),
)

run_usage = Table(
    "run_usage",
    metadata,
    # A row for each call of a model, so that a resumed run counts none of them again.
    Column("run_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("model", Text),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("cost", Numeric, nullable=False),
    moment("created_at", nullable=False),
)
