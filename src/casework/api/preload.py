"""Everything that a process of the API imports by the time it has answered requests: for a fork server."""

# ruff: noqa: F401

import encodings.idna
from contextlib import suppress
from importlib import import_module

import anyio.streams.memory
import anyio.streams.stapled
import anyio.streams.tls
from anyio import connect_tcp, create_memory_object_stream

import casework.broker.publisher
from casework.api.serve import event_loop

import_module(f"uvicorn.loops.{event_loop()}")

for optional in ("fastapi.telemetry._runtime", "casework.mcp.http"):
    # What newer versions of FastAPI import late, and the tools for models, if they are installed.
    with suppress(ImportError):
        import_module(optional)
