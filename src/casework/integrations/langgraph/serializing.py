"""Turning values of a graph into bytes, so that the same values come back: what would not is refused, by name.

LangGraph's serializer is strict here. It makes objects only of types that the graph's state names, because a
checkpoint that could make any type could run any code. Left alone it gives a bare dict instead of an object of another
type, after the wait and with a line in a log. So each value is checked before it is stored.
"""

import sys
from collections.abc import Iterable
from typing import Any

import ormsgpack
from langgraph._internal._serde import build_serde_allowlist
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.checkpoint.serde.jsonplus import (
    EXT_DELTA_SNAPSHOT,
    EXT_METHOD_SINGLE_ARG,
    EXT_NUMPY_ARRAY,
    JsonPlusSerializer,
)
from langgraph.pregel import Pregel

from casework.agents import Action, Decision, OnExpiry, Request
from casework.core.model import RequestKind
from casework.core.unset import Unset
from casework.errors import InvalidInput

OWN_TYPES = (Action, Decision, OnExpiry, Request, RequestKind, Unset)
"""What a request to people is made of: graphs interrupt with them."""

Typed = tuple[str, bytes]


class Serializer:
    """A strict serializer that refuses to store what it would not restore."""

    def __init__(self, types: Iterable[tuple[str, ...]]) -> None:
        self._allowed = {*types, *((one.__module__, one.__name__) for one in OWN_TYPES)}
        self.serde = JsonPlusSerializer(allowed_msgpack_modules=sorted(self._allowed))

    def dumps(self, what: str, value: Any) -> Typed:
        """The value as bytes. `what` names it in the error. Raises InvalidInput."""
        try:
            typed = self.serde.dumps_typed(value)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{what} cannot be stored: {error}. {_INSTEAD}") from error
        if typed[0] == "msgpack":
            self._check(what, typed[1])
        return typed

    def loads(self, typed: Typed) -> Any:
        return self.serde.loads_typed(typed)

    def _check(self, what: str, data: bytes) -> None:
        def visit(code: int, inner: bytes) -> None:
            if code == EXT_NUMPY_ARRAY:
                return
            made = ormsgpack.unpackb(inner, ext_hook=visit, option=ormsgpack.OPT_NON_STR_KEYS)
            if code in (EXT_DELTA_SNAPSHOT, EXT_METHOD_SINGLE_ARG):
                return
            name = (made[0], made[1])
            if name not in SAFE_MSGPACK_TYPES and not (name in self._allowed and _is_found(*name)):
                unknown.append(".".join(name))

        unknown: list[str] = []
        ormsgpack.unpackb(data, ext_hook=visit, option=ormsgpack.OPT_NON_STR_KEYS)
        if unknown:
            raise InvalidInput(
                f"{what} holds a {unknown[0]}, which would not be restored: annotate the state with that type, "
                f"which must be at the top of its module, or give it to durable(types=[...]). {_INSTEAD}"
            )


def _is_found(module: str, name: str) -> bool:
    """Whether the type can be imported by its name: LangGraph gives a bare mapping for an object of another."""
    return hasattr(sys.modules.get(module), name)


_INSTEAD = "What cannot be stored, such as a client or a lock, belongs into the context, which each attempt makes from the case."


def types_of(graph: Pregel[Any, Any, Any, Any], types: Iterable[type]) -> set[tuple[str, ...]]:
    """The types that the states of a graph, and of the graphs in its nodes, name; and those given."""
    found: set[tuple[str, ...]] = {(one.__module__, one.__name__) for one in types}
    for one in (graph, *(inner for _, inner in graph.get_subgraphs(recurse=True))):
        schemas = list(getattr(getattr(one, "builder", None), "schemas", ()))
        found |= build_serde_allowlist(schemas=schemas, channels=dict(getattr(one, "channels", {})))
    return found
