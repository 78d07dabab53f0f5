"""Local ports: a free one, and what it answers."""

import socket
import urllib.error
import urllib.request

from patience import PATIENCE


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def get(port: int, path: str, token: str = "") -> int | None:
    """The status of the answer; None if nobody answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
