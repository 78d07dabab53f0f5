"""The parts, in the order in which they run: the short ones first."""

from types import ModuleType

from bench.parts import (
    claims,
    creation,
    dispatching,
    end_to_end,
    heartbeats,
    idle_tick,
    interrupts,
    latency,
    outcomes,
    pooled,
    reading,
    waiting,
)

PARTS: dict[str, ModuleType] = {
    "idle-tick": idle_tick,
    "heartbeats": heartbeats,
    "outcomes": outcomes,
    "pooled": pooled,
    "creation": creation,
    "dispatch": dispatching,
    "latency": latency,
    "interrupts": interrupts,
    "waiting": waiting,
    "end-to-end": end_to_end,
    "reading": reading,
    "claims": claims,
}
