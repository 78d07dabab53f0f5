"""The name of a worker: the same for all processes of one worker, and for no others."""

import os
import secrets
import socket
from functools import cache


@cache
def worker_name() -> str:
    """The name, drawn when it is first needed: before a pool forks, so that its children keep it.

    Host and process id alone are not enough: containers may share a host name, and each begins with process 1.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
