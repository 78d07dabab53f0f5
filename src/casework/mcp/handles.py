"""Ids of tasks: the case, signed for the one who may use it. Nothing is stored, so every process knows every task, also after a
restart, and nobody can guess one."""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple
from uuid import UUID

from casework.errors import NotFound

_EVENT_BYTES = 8
_HANDLE_BYTES = 16 + _EVENT_BYTES
_MAC_BYTES = 21
_LABEL = b"casework/mcp/task/1:"


class Handle(NamedTuple):
    """What a task is about: a case, from a line of its history on."""

    case_id: UUID
    after: int
    """The id of the last event before the task began. An earlier end of the case was not the task's."""

    @property
    def packed(self) -> bytes:
        return self.case_id.bytes + self.after.to_bytes(_EVENT_BYTES, "big", signed=True)


def task_id(secret: bytes, identity: str, handle: Handle) -> str:
    """The id of a task, for that caller alone."""
    return base64.urlsafe_b64encode(handle.packed + _mac(secret, identity, handle)).decode()


def read(secret: bytes, identity: str, text: str) -> Handle:
    """What a task is about. Raises NotFound, also for the id of somebody else's task."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotFound("task", text[:100]) from None
    if len(raw) != _HANDLE_BYTES + _MAC_BYTES:
        raise NotFound("task", text[:100])
    handle = Handle(UUID(bytes=raw[:16]), int.from_bytes(raw[16:_HANDLE_BYTES], "big", signed=True))
    if not hmac.compare_digest(raw[_HANDLE_BYTES:], _mac(secret, identity, handle)):
        raise NotFound("task", text[:100])
    return handle


def _mac(secret: bytes, identity: str, handle: Handle) -> bytes:
    signed = _LABEL + handle.packed + identity.encode("utf-8", "surrogatepass")
    return hmac.digest(secret, signed, hashlib.sha256)[:_MAC_BYTES]
