"""`casework api`: the web page and the HTTP API."""

import socket
from typing import Annotated

import typer

from casework.cli.console import read_settings
from casework.cli.roles import api_command, become
from casework.errors import Unavailable

DEFAULT_PORT = 8080
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the HTTP API.")]
Host = Annotated[str, typer.Option(help="Address that the HTTP API listens on.")]


def api(host: Host = "127.0.0.1", port: Port = DEFAULT_PORT) -> None:
    """Serve the web page, and the HTTP API with its documentation at /docs."""
    read_settings()
    check_port(host, port)
    become(api_command(host, port))


def page_url(host: str, port: int) -> str:
    """The address at which this machine finds the page of an API that listens there."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{reached}:{port}"


def check_port(host: str, port: int) -> None:
    """Raise Unavailable if the port is in use, or the address does not belong to this machine."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with --port."
        ) from error
