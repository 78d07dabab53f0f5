"""Parses CASEWORK_REDIS_URL with the Redis library, and gives every client the options in its own form."""

import inspect
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis import ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.connection import AbstractConnection, Connection, parse_url

from casework.errors import InvalidSettings

CONNECT_SECONDS = 3
_FORM = "write redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path?db=0; in a password write @ as %40"
_CASEWORKS_OWN = {
    "self",
    "kwargs",
    "decode_responses",
    "encoding",
    "encoding_errors",
    "encoder_class",
    "parser_class",
    "protocol",
}
"""What no URL may choose: how replies are read."""

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
    if mistake := _mistake(plain):
        raise InvalidSettings(f"CASEWORK_REDIS_URL: {mistake}.")
    if options.get("connection_class") is SSLConnection:
        options["ssl_cert_reqs"] = _checks(str(options.get("ssl_cert_reqs", "required")))
    return options


def _reason(error: ValueError) -> str:
    """The reason without the message of urllib, which may quote a part of a password with an unescaped `@`."""
    return f"its port is not a number; {_FORM}" if "port" in str(error).lower() or "int()" in str(error) else _FORM


def _mistake(url: str) -> str | None:
    """What the library would read as something else, or not at all. Shows no part that may belong to a password."""
    parts = urlsplit(url)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    path = unquote(parts.path).strip("/")
    is_socket = parts.scheme == "unix"
    if parts.fragment:
        return "in a password write # as %23"
    if is_socket and parts.netloc.rpartition("@")[2]:
        return "the path of a socket begins with a slash, as in unix:///run/redis.sock"
    if not is_socket and path and not (path.isascii() and path.isdigit()):
        return "after the host comes the number of a database, as in /0; in a password write / as %2F"
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"{twice} is given twice"
    if placed := {"host", "port", "path"} & set(names):
        return f"{min(placed)} belongs before the question mark"
    if not is_socket and path and "db" in names:
        return "its database is given twice, in the path and as db"
    if parts.scheme == "redis" and any(name.startswith("ssl_") for name in names):
        return "ssl_ options are for rediss://, which encrypts"
    return None


def _checks(given: str) -> str:
    name = given.lower().removeprefix("cert_")
    if name not in _CERTIFICATES:
        raise InvalidSettings(f"CASEWORK_REDIS_URL: ssl_cert_reqs is {given!r}; it can be none, optional or required.")
    return name


def _known() -> set[str]:
    classes = (AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection)
    found = {name for each in classes for name in inspect.signature(each).parameters}
    return (found | {"connection_class", "max_connections"}) - _CASEWORKS_OWN


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
