"""Errors as a model reads them: one line that says what was wrong and what to do."""

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from casework import errors, events
from casework.core.payload import storable
from casework.printable import printable

MAX_MESSAGE = 1000

INTERNAL = "Internal error. The server's log has the details. Do not repeat the call more than once."


def in_one_line(error: errors.CaseworkError) -> str:
    """The error in one line. What is unavailable is not described further, because the details name hosts and users."""
    if isinstance(error, errors.Unavailable):
        events.emit(events.RequestUnavailable(str(error)))
        return f"{type(error).__doc__} Try again in a moment."
    if isinstance(error, errors.RunLost):
        return "The claim has ended: somebody took the case, or it was silent for too long. Nothing was written; claim_case for other work."
    line = printable(" ".join(storable(str(error)).split()))
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}..."


def as_result(message: str) -> types.CallToolResult:
    """The result of a tool that failed."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=message)], is_error=True)


def as_protocol_error(error: errors.CaseworkError) -> MCPError:
    """The same for requests that are not calls of tools."""
    if isinstance(error, errors.Unavailable):
        return MCPError(INTERNAL_ERROR, in_one_line(error))
    code = INVALID_REQUEST if isinstance(error, errors.Unauthorized) else INVALID_PARAMS
    return MCPError(code, in_one_line(error))
