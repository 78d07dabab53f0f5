"""Queues, agents, cases, runs, and what belongs to them."""

from alembic import op

revision = "0001"
down_revision = None

DDL = """
CREATE TABLE case_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    case_id UUID NOT NULL,
    type TEXT NOT NULL,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id UUID,
    agent_id UUID,
    human_request_id UUID,
    PRIMARY KEY (id)
);

CREATE INDEX case_events_case ON case_events (case_id, id);

CREATE TABLE case_search (
    case_id UUID NOT NULL,
    queue_id UUID NOT NULL,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (case_id)
);

CREATE INDEX case_search_words ON case_search USING gin (words);

CREATE TABLE cases (
    id UUID NOT NULL,
    queue_id UUID NOT NULL,
    title TEXT NOT NULL,
    data JSON NOT NULL,
    status TEXT NOT NULL CONSTRAINT cases_status CHECK (status in ('claimed', 'completed', 'failed', 'needs_input', 'pending', 'postponed')),
    priority SMALLINT DEFAULT '0' NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE NOT NULL,
    assigned_agent_id UUID,
    run_id UUID,
    run_agent_id UUID,
    attempt INTEGER DEFAULT '0' NOT NULL,
    handed_over BOOLEAN DEFAULT false NOT NULL,
    human_request_id UUID,
    key TEXT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    postponed_to TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    claim_for UUID GENERATED ALWAYS AS (coalesce(run_agent_id, assigned_agent_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED NOT NULL,
    lane SMALLINT GENERATED ALWAYS AS (case when status = 'pending' and run_id is not null then 0 when status = 'postponed' then 1 when status = 'pending' then 4 - priority end) STORED,
    PRIMARY KEY (id),
    CONSTRAINT cases_run_and_its_agent CHECK ((run_id is null) = (run_agent_id is null)),
    CONSTRAINT cases_bound_only_while_live CHECK (status in ('pending', 'claimed', 'needs_input') or run_id is null),
    CONSTRAINT cases_claimed_by_a_run CHECK (status not in ('claimed', 'needs_input') or run_id is not null),
    CONSTRAINT cases_completed_at CHECK ((status in ('completed', 'failed')) = (completed_at is not null)),
    CONSTRAINT cases_postponed_to CHECK ((status = 'postponed') = (postponed_to is not null)),
    CONSTRAINT cases_human_request CHECK ((status = 'needs_input') = (human_request_id is not null))
)
 WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX cases_claim ON cases (queue_id, claim_for, lane, ready_at, id) WHERE lane is not null;

CREATE UNIQUE INDEX cases_key ON cases (queue_id, key) WHERE key is not null;

CREATE INDEX cases_list ON cases (queue_id, status, created_at, id);

CREATE TABLE counters (
    queue_id UUID NOT NULL,
    name TEXT NOT NULL CONSTRAINT counters_name CHECK (name in ('forced_interrupt', 'message_resent', 'run_lost', 'write_refused')),
    value BIGINT NOT NULL,
    PRIMARY KEY (queue_id, name)
)
 WITH (fillfactor = 50);

CREATE TABLE human_requests (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    run_id UUID NOT NULL,
    kind TEXT NOT NULL CONSTRAINT human_requests_kind CHECK (kind in ('approval', 'question')),
    title TEXT NOT NULL,
    description TEXT,
    options JSON NOT NULL,
    answer JSON,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    responded_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT human_requests_ended_once CHECK (responded_at is null or cancelled_at is null)
);

CREATE INDEX human_requests_case ON human_requests (case_id);

CREATE INDEX human_requests_open ON human_requests (created_at) WHERE responded_at is null and cancelled_at is null;

CREATE INDEX human_requests_run ON human_requests (run_id, id);

CREATE TABLE idempotency_keys (
    team_id UUID NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    response JSON,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (team_id, key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE processes (
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE run_messages (
    run_id UUID NOT NULL,
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    type TEXT NOT NULL,
    role TEXT NOT NULL,
    content JSON NOT NULL,
    key TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (run_id, id),
    CONSTRAINT run_messages_key UNIQUE (run_id, key)
);

CREATE TABLE run_steps (
    run_id UUID NOT NULL,
    name TEXT NOT NULL,
    value JSON NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (run_id, name)
);

CREATE TABLE runs (
    id UUID NOT NULL,
    case_id UUID,
    queue_id UUID NOT NULL,
    agent_id UUID NOT NULL,
    status TEXT NOT NULL CONSTRAINT runs_status CHECK (status in ('completed', 'failed', 'interrupted', 'pending', 'running', 'waiting')),
    attempt INTEGER NOT NULL,
    failures INTEGER DEFAULT '0' NOT NULL,
    outcome TEXT,
    reason TEXT,
    error TEXT,
    worker TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sends SMALLINT DEFAULT '1' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    alive_at TIMESTAMP WITH TIME ZONE,
    stop_requested_at TIMESTAMP WITH TIME ZONE,
    stop_deadline TIMESTAMP WITH TIME ZONE,
    stop_releases BOOLEAN DEFAULT false NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    refused_writes INTEGER DEFAULT '0' NOT NULL,
    live BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running', 'waiting')) STORED NOT NULL,
    holds_slot BOOLEAN GENERATED ALWAYS AS (status in ('pending', 'running')) STORED NOT NULL,
    PRIMARY KEY (id)
)
 WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX runs_case ON runs (case_id, id);

CREATE UNIQUE INDEX runs_one_live ON runs (case_id) WHERE live;

CREATE INDEX runs_queue ON runs (queue_id, id);

CREATE INDEX runs_slots ON runs (queue_id, agent_id, claimed_at) WHERE holds_slot;

CREATE TABLE teams (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE agents (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT agents_kind CHECK (kind in ('pull', 'python')),
    target TEXT,
    max_attempts INTEGER CONSTRAINT agents_max_attempts CHECK (max_attempts > 0),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(team_id) REFERENCES teams (id)
);

CREATE UNIQUE INDEX agents_name ON agents (team_id, name) WHERE deleted_at is null;

CREATE TABLE api_keys (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CONSTRAINT api_keys_role CHECK (role in ('admin', 'agent', 'operator', 'reader')),
    public TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(team_id) REFERENCES teams (id),
    UNIQUE (public)
);

CREATE TABLE queues (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    mode TEXT DEFAULT 'active' NOT NULL CONSTRAINT queues_mode CHECK (mode in ('active', 'draining', 'paused')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT queues_name UNIQUE (team_id, name),
    FOREIGN KEY(team_id) REFERENCES teams (id)
);

CREATE TABLE consumers (
    queue_id UUID NOT NULL,
    agent_id UUID NOT NULL,
    trigger BOOLEAN NOT NULL,
    concurrency INTEGER CONSTRAINT consumers_concurrency CHECK (concurrency > 0),
    counted_from TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (queue_id, agent_id),
    FOREIGN KEY(queue_id) REFERENCES queues (id) ON DELETE CASCADE,
    FOREIGN KEY(agent_id) REFERENCES agents (id)
);

CREATE TABLE labels (
    id UUID NOT NULL,
    queue_id UUID NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    color_hue SMALLINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT labels_name UNIQUE (queue_id, key, value),
    FOREIGN KEY(queue_id) REFERENCES queues (id) ON DELETE CASCADE
);

CREATE TABLE case_labels (
    case_id UUID NOT NULL,
    label_id UUID NOT NULL,
    PRIMARY KEY (case_id, label_id),
    FOREIGN KEY(label_id) REFERENCES labels (id) ON DELETE CASCADE
);

CREATE INDEX case_labels_label ON case_labels (label_id, case_id);
"""


def upgrade() -> None:
    """Create everything, and the team that a single installation works as."""
    op.execute(DDL)
    op.execute("INSERT INTO teams (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default')")
