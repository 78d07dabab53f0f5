"""Shell completion for names of queues and agents. It never starts a server and never reports an error."""

import os
from pathlib import Path
from typing import Literal


def queues(incomplete: str) -> list[str]:
    """Names of queues that begin so."""
    return _names("queues", incomplete)


def agents(incomplete: str) -> list[str]:
    """Names of agents that begin so."""
    return _names("agents", incomplete)


def _names(kind: Literal["queues", "agents"], incomplete: str) -> list[str]:
    from casework.store.names import names

    found = names(_database_url(), os.environ.get("CASEWORK_TEAM") or "default", kind)
    return [name for name in found if name.startswith(incomplete) and name.isprintable()]


def _database_url() -> str:
    """Reads the variable itself, because importing the settings takes longer than everything else here."""
    given = os.environ.get("CASEWORK_DATABASE_URL")
    if given:
        return given
    from casework.embedded.home import Home

    home = os.environ.get("CASEWORK_HOME") or "~/.casework"
    return Home(Path(home).expanduser().absolute()).database_url
