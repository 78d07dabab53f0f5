"""Everything that a process of the API imports by the time it has answered requests: for a fork server."""

# ruff: noqa: F401

import encodings.idna
from contextlib import suppress
from importlib import import_module

import anyio.streams.memory
import anyio.streams.stapled
import anyio.streams.tls
import uvicorn.loops.auto
from anyio import connect_tcp, create_memory_object_stream

import casework.api.serve
import casework.broker.publisher

for optional in ("fastapi.telemetry._runtime", "uvicorn.loops.uvloop", "casework.mcp.http"):
    # What newer versions of FastAPI import late, uvicorn's event loop, and the tools for models, if they are installed.
    with suppress(ImportError):
        import_module(optional)
