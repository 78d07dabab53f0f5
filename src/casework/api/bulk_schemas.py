"""Requests and responses of the operations on up to a hundred cases, as the contract names them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from casework.api.inputs import Input, at_most
from casework.api.schemas import Out
from casework.api.types import STORABLE, Flag, LooseId, When

CaseIds = Annotated[list[LooseId], Field(min_length=1), at_most(100)]


class BulkCases(Input):
    """Cases of the queue."""

    case_ids: CaseIds


class BulkDelegate(BulkCases):
    """Cases to delegate, and the agent."""

    agent_id: LooseId


class BulkRetry(BulkCases):
    """Cases to retry."""

    same_agent: Flag = Field(
        False, description="Delegate each case to the agent that it was delegated to, or else that had it last."
    )
    keep_steps: Flag = Field(
        False, description="Start the next run of each case with the steps of its last run, and do not repeat them."
    )


class BulkPostpone(BulkCases):
    """Cases to set aside, and until when."""

    until: When = Field(description='"2h", "1d", or a moment with its zone that is still to come.')
    reason: Annotated[str, Field(max_length=2000), STORABLE] | None = None


class BulkStatus(BulkCases):
    """Cases to settle, and their status."""

    status: Literal["completed", "failed"]


class Delegated(Out):
    """How many were delegated."""

    delegatedCount: int  # noqa: N815 - the contract's name
    skippedCount: int  # noqa: N815 - the contract's name


class Untaken(Out):
    """Why no agent would take the cases now, as a code and as the end of a sentence."""

    code: str
    message: str


class Retried(Out):
    """How many were retried."""

    retriedCount: int  # noqa: N815 - the contract's name
    skippedCount: int  # noqa: N815 - the contract's name
    untaken: Untaken | SkipJsonSchema[None] = Field(
        None, description="Why no agent would take the cases now; left out if one would."
    )


class Postponed(Out):
    """How many were set aside, and which live runs were interrupted."""

    postponedCount: int  # noqa: N815 - as the contract writes the others
    skippedCount: int  # noqa: N815 - as the contract writes the others
    interruptedRunIds: list[UUID]  # noqa: N815 - as the contract writes the others


class Updated(Out):
    """How many were settled, and which live runs were interrupted."""

    updatedCount: int  # noqa: N815 - the contract's name
    skippedCount: int  # noqa: N815 - the contract's name
    interruptedRunIds: list[UUID]  # noqa: N815 - the contract's name
