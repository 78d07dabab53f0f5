"""What casework's processes do in Redis, in one table, and whether the user of the URL may do it.

The deployment guide's lists, the access rule for a user, and `casework doctor` all follow from the table.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from redis import RedisError
from redis.exceptions import NoPermissionError, ResponseError

from casework.broker.address import client, connection_options
from casework.broker.names import INSTALLATIONS, Names
from casework.errors import BrokerUnavailable


class Process(StrEnum):
    """Who uses Redis."""

    API = "api"
    WORKER = "worker"
    TICKER = "ticker"
    BEAT = "beat"
    COMMANDS = "commands"
    """The command line, apart from the processes that it starts."""


@dataclass(frozen=True, slots=True)
class Use:
    """Something that processes do: a command, as it is sent, with `{prefix}` before the installation's names."""

    purpose: str
    processes: frozenset[Process]
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command, as an access rule names it."""
        return "|".join(self.words[:2]).lower() if self.words[0] == "SCRIPT" else self.words[0].lower()


ALL = frozenset(Process)
_NUDGING = ALL - {Process.BEAT}
_CONSUMING = frozenset({Process.WORKER, Process.TICKER})
_CELERY = _CONSUMING | {Process.BEAT}
_API, _WORKER, _TICKER, _BEAT = (
    frozenset({one}) for one in (Process.API, Process.WORKER, Process.TICKER, Process.BEAT)
)
_COMMANDS = frozenset({Process.COMMANDS})


def _uses(purpose: str, processes: Collection[Process], *commands: str) -> Iterator[Use]:
    for command in commands:
        yield Use(purpose, frozenset(processes), tuple(command.split()))


_MUTEX = "{prefix}unacked_mutex"
_LIMITS = "{prefix}limits:x"

USES: tuple[Use, ...] = (
    *_uses("connect", ALL, "PING"),
    *_uses("ask for a tick", _NUDGING, "LPUSH {prefix}nudges 1", "LTRIM {prefix}nudges 0 0"),
    *_uses("ask runs to stop", _NUDGING, "PUBLISH {prefix}stops x"),
    *_uses("stream what agents write", _WORKER | _API, "PUBLISH {prefix}deltas:x x"),
    *_uses("hear of runs that should stop", _WORKER, "SUBSCRIBE {prefix}stops"),
    *_uses("hear what agents write", _COMMANDS | _API, "SUBSCRIBE {prefix}deltas:x"),
    *_uses("take runs", _WORKER, "BRPOP {prefix}runs 1", "LLEN {prefix}runs"),
    *_uses("send runs", _NUDGING, "LPUSH {prefix}runs x"),
    *_uses("take ticks", _TICKER, "BRPOP {prefix}ticks 1", "LLEN {prefix}ticks", "BLMPOP 1 1 {prefix}nudges LEFT"),
    *_uses("begin a tick", _TICKER, "DEL {prefix}ticks"),
    *_uses("send ticks", _BEAT, "LPUSH {prefix}ticks x", "LLEN {prefix}ticks"),
    *_uses("declare queues", _CELERY, "SADD {prefix}_kombu.binding.runs x", "MULTI", "EXEC"),
    *_uses(
        "look for messages to deliver again",
        _CONSUMING,
        f"SET {_MUTEX} x NX PX 1",
        "ZRANGE {prefix}unacked_index 0 0 BYSCORE REV LIMIT 0 1",
        f"EVALSHA x 1 {_MUTEX}",
        "SCRIPT LOAD x",
        f"GET {_MUTEX}",
        f"DEL {_MUTEX}",
    ),
    *_uses(
        "limit requests",
        _API,
        f"EVALSHA x 1 {_LIMITS}",
        "SCRIPT LOAD x",
        f"PTTL {_LIMITS}",
        f"RENAME {_LIMITS} {_LIMITS}",
        f"SET {_LIMITS} 0 PX 1",
        f"GET {_LIMITS}",
        f"EXISTS {_LIMITS}",
        f"INCRBY {_LIMITS} 1",
    ),
    *_uses(
        "notice other installations",
        _TICKER,
        "TIME",
        f"ZADD {INSTALLATIONS} 1 x",
        f"ZREMRANGEBYSCORE {INSTALLATIONS} 0 0",
    ),
    *_uses("notice other installations", _TICKER | _COMMANDS, f"ZRANGE {INSTALLATIONS} 0 1 BYSCORE"),
    *_uses("try what is permitted", _COMMANDS, "MULTI", "TIME"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server refuses to a process; `lacking` is a command, a key or a channel."""

    use: Use
    lacking: str
    rules: tuple[str, ...]
    """What an access rule adds, so that it is permitted."""

    def __str__(self) -> str:
        return f"cannot {self.use.purpose}: no access to {self.lacking}"


def rule(user: str, rules: Collection[str]) -> str:
    """The statement that gives a user what it lacks."""
    return " ".join(["ACL SETUSER", user, *sorted(rules, key=_rank)])


def _rank(one: str) -> tuple[int, str]:
    return "~&+".index(one[0]), one


def needed(prefix: str, processes: Collection[Process] = ALL) -> list[str]:
    """The whole access rule for what these processes do, behind a prefix."""
    uses = [use for use in USES if use.processes & set(processes)]
    return sorted({one for use in uses for one in _rules(use, prefix)}, key=_rank)


def _rules(use: Use, prefix: str) -> tuple[str, ...]:
    if INSTALLATIONS in use.words:
        return (f"~{INSTALLATIONS}", f"+{use.command}")
    if not any("{prefix}" in word for word in use.words):
        return (f"+{use.command}",)
    return (f"{'&' if use.words[0] in ('PUBLISH', 'SUBSCRIBE') else '~'}{prefix}*", f"+{use.command}")


def user_of(url: str) -> str:
    """The user that the URL names."""
    return str(connection_options(url).get("username") or "default")


def refusals(url: str, names: Names) -> list[Refusal]:
    """What the URL's user may not do of all that the processes do.

    Each command is put into a transaction that is never executed: the server checks what a user may do before that.
    Raises BrokerUnavailable if it does not answer, or refuses a command to everybody.
    """
    redis = client(url, socket_timeout=3)
    try:
        connection = redis.connection_pool.get_connection()
        try:
            return _tried(connection, names)
        finally:
            # With the connection the transaction is gone.
            redis.connection_pool.disconnect()
    except (RedisError, OSError) as error:
        raise BrokerUnavailable(f"The broker does not answer: {error}") from error
    finally:
        redis.close()


def _tried(connection: Any, names: Names) -> list[Refusal]:
    begin, end = _use("multi"), _use("exec")
    if refused := _refused(connection, begin, names):
        # Without a transaction each command would be executed: what else is lacking cannot be tried.
        return [replace(refused, rules=tuple(needed(names.prefix)))]
    found = [_refused(connection, end, names)]
    connection.disconnect()
    connection.connect()
    _refused(connection, begin, names)
    number = connection.db
    select = [Use(f"use database {number}", ALL, ("SELECT", str(number)))] if number else []
    found += [_refused(connection, use, names) for use in (*USES, *select) if use.command not in ("multi", "exec")]
    return [refused for refused in found if refused]


def _use(command: str) -> Use:
    return next(use for use in USES if use.command == command)


def _refused(connection: Any, use: Use, names: Names) -> Refusal | None:
    words = [word.format(prefix=names.prefix) for word in use.words]
    connection.send_command(*words)
    try:
        connection.read_response()
    except ResponseError as error:
        # EXEC's refusal is an error of its own that quotes this one.
        if not isinstance(error, NoPermissionError) and "NOPERM" not in str(error):
            hint = "; Redis 7 or later is needed" if "unknown command" in str(error) else ""
            raise BrokerUnavailable(f"The broker refuses {use.command}: {error}{hint}") from error
        kind = next(kind for kind in ("command", "channel", "key", "") if kind in str(error))
        place = next((word for word in words[1:] if word.startswith((names.prefix, INSTALLATIONS))), "")
        lacking = f"the {kind} {place}" if kind in ("channel", "key") else f"the command {use.command}"
        return Refusal(use, lacking, _rules(use, names.prefix))
    return None
