"""One request to people, and its answer: what a run may ask, and what a person may say to it."""

from casework.core.requests.answers import (
    Answer,
    Answering,
    answer_to,
    default_answer,
    expiry_reason,
    no_answer,
)
from casework.core.requests.asking import MAX_GROUP, MAX_KEY, Placed, Request, request_of, span_of
from casework.core.requests.content import DEFAULT_DECISIONS, Action, Asks, Decision, OnExpiry, content_of, decided
from casework.core.requests.stored import Answered, HumanRequest

__all__ = [
    "DEFAULT_DECISIONS",
    "MAX_GROUP",
    "MAX_KEY",
    "Action",
    "Answer",
    "Answered",
    "Answering",
    "Asks",
    "Decision",
    "HumanRequest",
    "OnExpiry",
    "Placed",
    "Request",
    "answer_to",
    "content_of",
    "decided",
    "default_answer",
    "expiry_reason",
    "no_answer",
    "request_of",
    "span_of",
]
