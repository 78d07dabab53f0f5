"""What the shell completes: the names of queues and agents. A completion never starts a server, and never complains."""

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
    """As the settings have it, which take longer to import than everything else here."""
    given = os.environ.get("CASEWORK_DATABASE_URL")
    if given:
        return given
    from casework.embedded.home import Home

    home = os.environ.get("CASEWORK_HOME") or "~/.casework"
    return Home(Path(home).expanduser().absolute()).database_url
