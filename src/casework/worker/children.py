"""The main process of a pool vouches for its children.

An agent that holds the interpreter, as in one long call of a C library, also holds the thread that would say that its
run lives. While its process lives the run does; only a process that is stopped is left to its own word, because it may
never go on.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from casework.broker import celery_internals
from casework.core.effects import Bundle
from casework.worker.messages import read_bundle

_GONE_OR_STOPPED = "ZXTt"


def bundles_of_living_children() -> list[tuple[int, Bundle]]:
    """The children of this process that execute something, and what; nothing in a child, and nothing of threads."""
    return list(_bundles())


def _bundles() -> Iterator[tuple[int, Bundle]]:
    # A child that is forked later inherits its parent's requests, but not their processes.
    own = os.getpid()
    for pid, arguments in celery_internals.active():
        if pid and pid != own and _is_child_of(pid, own):
            yield pid, read_bundle(*arguments[:1])


def _is_child_of(pid: int, parent: int) -> bool:
    """Whether that process lives, is not stopped, and is the parent's."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in _GONE_OR_STOPPED and int(fields[1]) == parent
