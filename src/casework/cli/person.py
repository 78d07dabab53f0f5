"""Who calls the command, for the history."""

import getpass
from contextvars import ContextVar

from casework.core.names import check_name

_named: ContextVar[str | None] = ContextVar("casework_cli_person", default=None)


def begin(name: str | None) -> None:
    """A command begins, called by the person after `casework --as`, if there is one. Raises InvalidInput."""
    _named.set(None)
    act_as(name)


def act_as(name: str | None) -> None:
    """Take the caller for somebody else, if a name is given. Raises InvalidInput for anything that is not a name."""
    if name is not None:
        check_name("name after --as", name)
        _named.set(name)


def user() -> str | None:
    """The name after --as or, without one, that of the system's user, if it has one."""
    if name := _named.get():
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
