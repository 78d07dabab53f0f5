"""Limits beside a consumer's concurrency, their lines, and the runs that these let through."""

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, Integer, Table, Text, Uuid, text

from casework.store.literals import ANYONE
from casework.store.tables.columns import created, metadata, moment

limits = Table(
    "limits",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Null: over all queues of the agent.
    Column("queue_id", Uuid, ForeignKey("queues.id", ondelete="CASCADE")),
    # Null: over all agents of the queue.
    Column("agent_id", Uuid, ForeignKey("agents.id")),
    # `label:NAME` or `data.PATH`: each value has a line of its own.
    Column("key", Text),
    Column("concurrency", Integer, CheckConstraint("concurrency > 0", name="limits_concurrency")),
    Column("rate_count", Integer, CheckConstraint("rate_count > 0", name="limits_rate_count")),
    Column("rate_seconds", Double, CheckConstraint("rate_seconds > 0", name="limits_rate_seconds")),
    Column("rate_burst", Integer, CheckConstraint("rate_burst > 0", name="limits_rate_burst")),
    created(),
    CheckConstraint("queue_id is not null or agent_id is not null", name="limits_bind_something"),
    CheckConstraint("concurrency is not null or rate_count is not null", name="limits_say_something"),
    CheckConstraint("num_nulls(rate_count, rate_seconds, rate_burst) in (0, 3)", name="limits_rate"),
    Index(
        "limits_scope",
        text(f"coalesce(queue_id, '{ANYONE}'::uuid)"),
        text(f"coalesce(agent_id, '{ANYONE}'::uuid)"),
        text("coalesce(key, '')"),
        unique=True,
    ),
)

limit_lines = Table(
    "limit_lines",
    metadata,
    # Made of the limit and the value, so that a case knows its line before there is a row.
    Column("id", Uuid, primary_key=True),
    Column("limit_id", Uuid, ForeignKey("limits.id", ondelete="CASCADE"), nullable=False),
    # As it is shown: a long one is cut.
    Column("value", Text, nullable=False),
    # Up to when starts are paid for, if the limit has a rate.
    moment("paid_until"),
    # When a tick is to look at it; null: when a run that it let through has ended.
    moment("next_at"),
    Index("limit_lines_limit", "limit_id"),
    Index("limit_lines_next", "next_at", postgresql_where=text("next_at is not null")),
    postgresql_with={"fillfactor": "70"},
)

# The attempts that were claimed under a line. One counts while it holds a slot; whoever counts deletes the others.
limit_holds = Table(
    "limit_holds",
    metadata,
    Column("line_id", Uuid, ForeignKey("limit_lines.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", Uuid, primary_key=True),
    Column("attempt", Integer, nullable=False),
)
