"""The tables as SQLAlchemy knows them. Checks and derived columns come from the lifecycle; migrations freeze them.

`cases.lane`, `cases.claim_for`, `runs.live` and `runs.holds_slot` are generated from the status, for two reasons:
nobody can forget to write them, and the planner cannot take their partial indexes for a guard such as
`status = 'running'` (with stale statistics it did, at 4 times the cost of the primary key).
"""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from casework.core.lifecycle import HOLDS_SLOT, LIVE, CaseStatus, RunStatus
from casework.core.model import AgentKind, CounterName, QueueMode, RequestKind
from casework.core.plan import Lane
from casework.core.roles import Role

ANYONE = UUID(int=0)
"""`cases.claim_for` of a case that every consumer may take: a value and not NULL, so that the index probe is one
equality and its order is known to the planner."""


def listed(values: Iterable[StrEnum]) -> str:
    """The values as the inside of an SQL IN list, in a fixed order."""
    return ", ".join(f"'{value}'" for value in sorted(values))


metadata = MetaData()


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _created() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))


# Each case and run is written a few times and then left. By a fifth of the table, which is the default, a million cases
# would let 200 thousand dead ones gather at the front of the claim's index.
VACUUMED = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.05"}

teams = Table(
    "teams",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _created(),
)

queues = Table(
    "queues",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column(
        "mode",
        Text,
        CheckConstraint(f"mode in ({listed(QueueMode)})", name="queues_mode"),
        nullable=False,
        server_default="active",
    ),
    _created(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("team_id", "name", name="queues_name"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, CheckConstraint(f"kind in ({listed(AgentKind)})", name="agents_kind"), nullable=False),
    Column("target", Text),
    Column("max_attempts", Integer, CheckConstraint("max_attempts > 0", name="agents_max_attempts")),
    _created(),
    _moment("deleted_at"),
    # A deleted agent keeps its row, because runs show its name; its name is free again.
    Index("agents_name", "team_id", "name", unique=True, postgresql_where=text("deleted_at is null")),
)

consumers = Table(
    "consumers",
    metadata,
    Column("queue_id", Uuid, ForeignKey("queues.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", Uuid, ForeignKey("agents.id"), primary_key=True),
    Column("trigger", Boolean, nullable=False),
    Column("concurrency", Integer, CheckConstraint("concurrency > 0", name="consumers_concurrency")),
    # No run of the consumer that was claimed before holds a slot.
    _moment("counted_from"),
    _created(),
)

# No foreign keys on cases, runs and events: they make a claim of 100 twice as dear.
cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("queue_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("status", Text, CheckConstraint(f"status in ({listed(CaseStatus)})", name="cases_status"), nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    _moment("ready_at", nullable=False),
    Column("assigned_agent_id", Uuid),
    Column("run_id", Uuid),
    Column("run_agent_id", Uuid),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("handed_over", Boolean, nullable=False, server_default=text("false")),
    Column("human_request_id", Uuid),
    Column("key", Text),
    _moment("claimed_at"),
    _moment("postponed_to"),
    _moment("completed_at"),
    _moment("created_at", nullable=False),
    _moment("updated_at", nullable=False),
    Column(
        "claim_for",
        Uuid,
        Computed(f"coalesce(run_agent_id, assigned_agent_id, '{ANYONE}'::uuid)", persisted=True),
        nullable=False,
    ),
    Column(
        "lane",
        SmallInteger,
        Computed(
            f"case when status = 'pending' and run_id is not null then {Lane.RESUMED:d} "
            f"when status = 'postponed' then {Lane.POSTPONED:d} when status = 'pending' then {Lane.NONE:d} - priority end",
            persisted=True,
        ),
    ),
    CheckConstraint("(run_id is null) = (run_agent_id is null)", name="cases_run_and_its_agent"),
    CheckConstraint(
        "status in ('pending', 'claimed', 'needs_input') or run_id is null", name="cases_bound_only_while_live"
    ),
    CheckConstraint("status not in ('claimed', 'needs_input') or run_id is not null", name="cases_claimed_by_a_run"),
    CheckConstraint("(status in ('completed', 'failed')) = (completed_at is not null)", name="cases_completed_at"),
    CheckConstraint("(status = 'postponed') = (postponed_to is not null)", name="cases_postponed_to"),
    CheckConstraint("(status = 'needs_input') = (human_request_id is not null)", name="cases_human_request"),
    # The claim's probe: one range scan for each lane, in pick-up order.
    Index("cases_claim", "queue_id", "claim_for", "lane", "ready_at", "id", postgresql_where=text("lane is not null")),
    # Lists of a queue by time, with or without a status; counts by status.
    Index("cases_list", "queue_id", "status", "created_at", "id"),
    # An import that is repeated adds nothing twice.
    Index("cases_key", "queue_id", "key", unique=True, postgresql_where=text("key is not null")),
    postgresql_with={"fillfactor": "80", **VACUUMED},
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid),
    Column("queue_id", Uuid, nullable=False),
    Column("agent_id", Uuid, nullable=False),
    Column("status", Text, CheckConstraint(f"status in ({listed(RunStatus)})", name="runs_status"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("outcome", Text),
    Column("reason", Text),
    Column("error", Text),
    Column("worker", Text),
    _moment("created_at", nullable=False),
    _moment("claimed_at", nullable=False),
    _moment("sent_at", nullable=False),
    Column("sends", SmallInteger, nullable=False, server_default="1"),
    _moment("started_at"),
    _moment("alive_at"),
    _moment("stop_requested_at"),
    _moment("stop_deadline"),
    Column("stop_releases", Boolean, nullable=False, server_default=text("false")),
    _moment("completed_at"),
    Column("refused_writes", Integer, nullable=False, server_default="0"),
    Column("live", Boolean, Computed(f"status in ({listed(LIVE)})", persisted=True), nullable=False),
    Column("holds_slot", Boolean, Computed(f"status in ({listed(HOLDS_SLOT)})", persisted=True), nullable=False),
    # At most one live run for each case.
    Index("runs_one_live", "case_id", unique=True, postgresql_where=text("live")),
    # The tick's count of used slots, and the sweep, which reads the same few rows.
    Index("runs_slots", "queue_id", "agent_id", "claimed_at", postgresql_where=text("holds_slot")),
    # The runs of a case, newest first.
    Index("runs_case", "case_id", "id"),
    # The runs of a queue, newest first.
    Index("runs_queue", "queue_id", "id"),
    # Heartbeats touch no indexed column, and find room on their page.
    postgresql_with={"fillfactor": "70", **VACUUMED},
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("reason", Text),
    _moment("created_at", nullable=False),
    Column("run_id", Uuid),
    Column("agent_id", Uuid),
    Column("human_request_id", Uuid),
    Index("case_events_case", "case_id", "id"),
)

human_requests = Table(
    "human_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column(
        "kind", Text, CheckConstraint(f"kind in ({listed(RequestKind)})", name="human_requests_kind"), nullable=False
    ),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("options", JSON, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    _moment("created_at", nullable=False),
    _moment("responded_at"),
    _moment("cancelled_at"),
    CheckConstraint("responded_at is null or cancelled_at is null", name="human_requests_ended_once"),
    # What a resumed run has been answered.
    Index("human_requests_run", "run_id", "id"),
    # The requests that wait for a person.
    Index("human_requests_open", "created_at", postgresql_where=text("responded_at is null and cancelled_at is null")),
    # A case that is deleted takes its requests along.
    Index("human_requests_case", "case_id"),
)

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
    _moment("created_at", nullable=False),
    # What was said is not said again by a resumed run.
    UniqueConstraint("run_id", "key", name="run_messages_key"),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    _moment("created_at", nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("queue_id", Uuid, ForeignKey("queues.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("color_hue", SmallInteger, nullable=False),
    _created(),
    UniqueConstraint("queue_id", "key", "value", name="labels_name"),
)

case_labels = Table(
    "case_labels",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("label_id", Uuid, ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True),
    # The cases of a label.
    Index("case_labels_label", "label_id", "case_id"),
)

# Beside the cases, because a claim writes a new version of its case's row, and every index of that row with it.
case_search = Table(
    "case_search",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("queue_id", Uuid, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    # Searches for words and the beginnings of words.
    Index("case_search_words", "words", postgresql_using="gin"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, CheckConstraint(f"role in ({listed(Role)})", name="api_keys_role"), nullable=False),
    Column("public", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    _created(),
    _moment("expires_at"),
    _moment("revoked_at"),
    # The agents that a key of role agent works for. No foreign keys: agents are never removed, only marked as deleted.
    Column("agent_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    _moment("last_used_at"),
    Column("last_used_from", Text),
)

counters = Table(
    "counters",
    metadata,
    Column("queue_id", Uuid, primary_key=True),
    Column("name", Text, CheckConstraint(f"name in ({listed(CounterName)})", name="counters_name"), primary_key=True),
    Column("value", BigInteger, nullable=False),
    # Each addition finds room on its page.
    postgresql_with={"fillfactor": "50"},
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("response", JSON(none_as_null=True)),
    _moment("created_at", nullable=False),
    # Old ones are forgotten.
    Index("idempotency_keys_age", "created_at"),
)

processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    _moment("started_at", nullable=False),
    _moment("seen_at", nullable=False),
)
