"""Translates the server's errors, by SQLSTATE, into casework's own."""

import psycopg
from psycopg import errors

from casework.errors import CaseworkError, DatabaseUnavailable, InvalidInput, SchemaOutdated, StatementTimeout

NOT_NOW = {
    "08": "does not answer",
    "25006": "takes no writes now",
    "25P03": "ended a transaction that was idle",
    "25P04": "ended a transaction that took too long",
    "26000": "has lost a prepared statement",
    "40001": "undid this change for another one",
    "40003": "does not know whether this change was made",
    "40P01": "undid this change, which waited for another one that waited for it",
    "42501": "refuses this to casework's role",
    "42P05": "has a prepared statement of that name already",
    "53": "is short of a resource",
    "55006": "is using what this needs",
    "55P03": "did not get a lock in time",
    "57014": "cancelled the statement",
    "57P": "is stopping, starting, or closed the connection",
    "58": "has trouble with its system",
    "0A000": "cannot do this now; its schema, or its role, may have changed",
}
"""Temporary errors, by SQLSTATE or its beginning. The same statement may succeed later, so outcomes are kept and
retried."""

_FILES = {"md.c", "fd.c", "buffile.c"}
"""The server's sources that write files."""

_TOO_MUCH = errors.ProgramLimitExceeded
_UNREADABLE = (errors.UntranslatableCharacter, errors.CharacterNotInRepertoire)


def in_own_words(error: psycopg.Error, where: str) -> CaseworkError | None:
    """The casework error for an error of the driver; None for a bug in casework. `where` names the server."""
    if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn):
        return SchemaOutdated()
    if isinstance(error, _TOO_MUCH):
        return InvalidInput(f"This is more than the database can hold in one place: {first_line(error)}.")
    if isinstance(error, _UNREADABLE):
        return InvalidInput(f"The database cannot hold a character of this text: {first_line(error)}.")
    if isinstance(error, errors.QueryCanceled) and "statement timeout" in str(error):
        return StatementTimeout()
    if trouble := _not_now(error):
        return DatabaseUnavailable(f"The database at {where} {trouble}: {first_line(error)}")
    return None


def _not_now(error: psycopg.Error) -> str | None:
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if trouble := NOT_NOW.get(state[:length]):
            return trouble
    # A server that panics, as with a full disk under its log, starts again; its SQLSTATE does not say so.
    if error.diag.severity_nonlocalized == "PANIC":
        return NOT_NOW["57P"]
    # Of a full disk the server says so; of a quota that is used up, or a file that is as large as it may be, it says that
    # something went wrong inside.
    if state == "XX000" and error.diag.source_file in _FILES:
        return NOT_NOW["58"]
    # Without a SQLSTATE, the error comes from the connection and not from the server.
    return NOT_NOW["08"] if isinstance(error, psycopg.OperationalError) else None


def first_line(error: BaseException) -> str:
    """The first line of an error's text. If several hosts were tried, there is one line for each."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    if len(lines) > 1 and lines[0].startswith("Multiple connection attempts"):
        return " ".join(lines)
    return lines[0] if lines else "no answer"
