"""`casework mcp`: the tools for models, for a client that starts this command."""

import os
from importlib.util import find_spec

from casework.cli.person import user
from casework.errors import InvalidInput

KEY = "CASEWORK_API_KEY"


def mcp() -> None:
    """Serve the tools for models over standard input and output. With CASEWORK_API_KEY a client has the rights of that key; without,
    those of the command line."""
    if find_spec("mcp") is None:
        raise InvalidInput("`casework mcp` needs an extra: pip install 'casework[mcp]'.")
    from casework.mcp import stdio
    from casework.wiring import connect

    casework = connect(application="casework mcp", pool_size=10)
    try:
        stdio.serve(casework, os.environ.get(KEY) or None, user())
    finally:
        casework.close()
