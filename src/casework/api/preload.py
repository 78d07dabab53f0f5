"""Everything that a process of the API imports by the time it has answered requests: for a fork server."""

# ruff: noqa: F401

import encodings.idna
from contextlib import suppress
from importlib import import_module

import anyio.streams.memory
import anyio.streams.stapled
import anyio.streams.tls
import fastapi.telemetry._runtime
import uvicorn.loops.auto
from anyio import connect_tcp, create_memory_object_stream

import casework.api.serve
import casework.broker.publisher

with suppress(ImportError):
    # Where it is installed, it is uvicorn's event loop.
    import_module("uvicorn.loops.uvloop")
