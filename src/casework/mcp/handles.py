"""Ids of tasks: the case, signed for the one who may use it. Nothing is stored, so every process knows every task, also after a
restart, and nobody can guess one."""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from casework.errors import NotFound

_MAC_BYTES = 20
_LABEL = b"casework/mcp/task/1:"


def task_id(secret: bytes, identity: str, case_id: UUID) -> str:
    """The id of the task of a case, for that caller alone."""
    return base64.urlsafe_b64encode(case_id.bytes + _mac(secret, identity, case_id)).decode()


def case_of(secret: bytes, identity: str, text: str) -> UUID:
    """The case of a task. Raises NotFound, also for the id of somebody else's task."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotFound("task", text[:100]) from None
    if len(raw) != 16 + _MAC_BYTES:
        raise NotFound("task", text[:100])
    case_id = UUID(bytes=raw[:16])
    if not hmac.compare_digest(raw[16:], _mac(secret, identity, case_id)):
        raise NotFound("task", text[:100])
    return case_id


def _mac(secret: bytes, identity: str, case_id: UUID) -> bytes:
    signed = _LABEL + case_id.bytes + identity.encode("utf-8", "surrogatepass")
    return hmac.digest(secret, signed, hashlib.sha256)[:_MAC_BYTES]
