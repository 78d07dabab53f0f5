"""The tables as SQLAlchemy knows them: their checks and derived columns come from the lifecycle; migrations freeze them."""

from casework.store.tables.columns import metadata
from casework.store.tables.of_cases import (
    case_events,
    case_labels,
    case_search,
    cases,
    cases_of,
    human_request_votes,
    human_requests,
)
from casework.store.tables.of_limits import limit_holds, limit_lines, limits
from casework.store.tables.of_operation import api_keys, counters, idempotency_keys, processes, secrets
from casework.store.tables.of_queues import agents, consumers, labels, queues, teams
from casework.store.tables.of_runs import run_messages, run_state, run_steps, run_usage, runs, runs_of
from casework.store.tables.of_web import web_links, web_sessions

__all__ = [
    "agents",
    "api_keys",
    "case_events",
    "case_labels",
    "case_search",
    "cases",
    "cases_of",
    "consumers",
    "counters",
    "human_request_votes",
    "human_requests",
    "idempotency_keys",
    "labels",
    "limit_holds",
    "limit_lines",
    "limits",
    "metadata",
    "processes",
    "queues",
    "run_messages",
    "run_state",
    "run_steps",
    "run_usage",
    "runs",
    "runs_of",
    "secrets",
    "teams",
    "web_links",
    "web_sessions",
]
