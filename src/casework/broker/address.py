"""Parses CASEWORK_REDIS_URL with the Redis library, and gives every client the options in its own form."""

import inspect
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from redis import ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.connection import AbstractConnection, Connection, parse_url

from casework.errors import InvalidSettings

CONNECT_SECONDS = 3
_CERTIFICATES = {"none": "none", "optional": "optional", "required": "required"}


def connection_options(url: str) -> dict[str, Any]:
    """The options of a connection, as the Redis library names them. Raises InvalidSettings, which never shows secrets.

    A socket may be written as `unix:///path?db=3`, or as Celery writes it, `redis+socket:///path?virtual_host=3`. With
    `rediss://` the server's certificate is checked unless `ssl_cert_reqs=none` says otherwise.
    """
    plain = url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)
    try:
        options = dict(parse_url(plain))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise InvalidSettings(f"CASEWORK_REDIS_URL cannot be read: {_reason(error)}.") from None
    known = _known()
    for name in options.keys() - known:
        near = get_close_matches(name, known, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidSettings(f"CASEWORK_REDIS_URL has an unknown option {name!r}.{hint}")
    if options.get("connection_class") is SSLConnection:
        options["ssl_cert_reqs"] = _checks(str(options.get("ssl_cert_reqs", "required")))
    return options


def _reason(error: ValueError) -> str:
    """The reason without the message of urllib, which may quote a part of a password with an unescaped `@`."""
    return "its port is not a number" if "port" in str(error).lower() or "int()" in str(error) else "see its form"


def _checks(given: str) -> str:
    name = given.lower().removeprefix("cert_")
    if name not in _CERTIFICATES:
        raise InvalidSettings(f"CASEWORK_REDIS_URL: ssl_cert_reqs is {given!r}; it can be none, optional or required.")
    return name


def _known() -> set[str]:
    classes = (AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection)
    found = {name for each in classes for name in inspect.signature(each).parameters}
    return (found | {"connection_class", "max_connections"}) - {"self", "kwargs"}


def pool(url: str, **options: Any) -> ConnectionPool:
    """A pool of connections; `options` are those of the Redis library."""
    given = connection_options(url)
    return ConnectionPool(**{"socket_connect_timeout": CONNECT_SECONDS, **options, **given})


def client(url: str, **options: Any) -> Redis:
    """A client of the server that the URL names. Raises InvalidSettings."""
    return Redis(connection_pool=pool(url, **options))


def display(url: str) -> str:
    """The address without credentials and options, as log lines may show it."""
    options = connection_options(url)
    host = str(options.get("host", "localhost"))
    host = f"[{host}]" if ":" in host else host
    place = quote(options["path"], safe="") if "path" in options else f"{host}:{options.get('port', 6379)}"
    return f"{place}/{options.get('db', 0)}"
