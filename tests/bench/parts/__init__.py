"""The parts, in the order in which they run: the short ones first."""

from importlib import import_module
from types import ModuleType

PARTS = {
    "idle-tick": "idle_tick",
    "heartbeats": "heartbeats",
    "outcomes": "outcomes",
    "pooled": "pooled",
    "creation": "creation",
    "dispatch": "dispatching",
    "latency": "latency",
    "interrupts": "interrupts",
    "waiting": "waiting",
    "urgent": "urgent",
    "shares": "shares",
    "costs": "costs",
    "offered": "offered",
    "postponed": "postponed",
    "due": "due",
    "footprint": "footprint",
    "spread": "spread",
    "end-to-end": "end_to_end",
    "reading": "reading",
    "claims": "claims",
    "limited": "limited",
    "peers": "peer_comparison",
    "soak": "soak",
}
"""Names of the parts, and of their modules."""


def load(part: str) -> ModuleType:
    """The module of a part. It is imported when it is measured: an older build may lack what another part imports."""
    return import_module(f"bench.parts.{PARTS[part]}")
