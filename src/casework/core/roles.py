"""Roles of API keys and their rights, in one table."""

from enum import StrEnum


class Right(StrEnum):
    """Something that a key may permit."""

    READ = "read"
    ADD = "add"
    """Create cases and labels."""
    WORK = "work"
    """Claim cases, and report on them, as an agent."""
    OPERATE = "operate"
    """Retry, delegate, settle, delete, stop, pause."""
    ANSWER = "answer"
    """Answer what runs ask of people."""
    MANAGE = "manage"
    """Create and change queues, agents, consumers and limits."""


class Role(StrEnum):
    """Whom a key is for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    APPROVER = "approver"
    AGENT = "agent"
    READER = "reader"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.OPERATOR: frozenset({Right.READ, Right.ADD, Right.OPERATE, Right.ANSWER}),
    Role.APPROVER: frozenset({Right.READ, Right.ANSWER}),
    Role.AGENT: frozenset({Right.ADD, Right.WORK}),
    Role.READER: frozenset({Right.READ}),
}
