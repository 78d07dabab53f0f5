"""Everything that a process of the API imports by the time it has answered requests: for a fork server."""

# ruff: noqa: F401

import encodings.idna

import anyio.streams.tls
import fastapi.telemetry._runtime

import casework.api.serve
import casework.broker.publisher
