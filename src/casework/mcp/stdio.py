"""`casework mcp`: the server on standard input and output, for one client that started it."""

import anyio
from mcp.server.stdio import stdio_server

from casework.mcp import caller
from casework.mcp.call import Context, in_thread
from casework.mcp.caller import Caller
from casework.mcp.server import McpServer
from casework.mcp.waits import Waits
from casework.service import keys
from casework.wiring import Casework


def serve(casework: Casework, token: str | None, person: str | None = None) -> None:
    """Serve until the client closes standard input. With a key, the client may do what the key permits; without one, everything.
    `person` is for whom it acts.

    Raises Unauthorized, and NotFound for a team that does not exist.
    """
    # Before the client is answered: a wrong key shows at once.
    _caller(casework, token, person)
    anyio.run(_serve, casework, token, person)


def _caller(casework: Casework, token: str | None, person: str | None) -> Caller:
    if token is None:
        return caller.at_home(casework, person)
    return caller.of_key(casework, keys.authenticate(casework.db, token), person=person)


async def _serve(casework: Casework, token: str | None, person: str | None) -> None:
    async def identify(_: Context) -> Caller:
        # For each request, so that a key that is revoked is refused from then on.
        return await in_thread(_caller, casework, token, person)

    server = McpServer(casework.db, identify, Waits(casework.settings.api_waiting_claims)).sdk
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
