"""Whether a failed attempt is followed by another one, and how long to wait for it."""

from dataclasses import dataclass

MAX_WAIT_SECONDS = 60.0

_GROWTH = 4.0
_JITTER = 0.25


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The attempt that follows a failed one."""

    seconds: float
    """Seconds to wait for it."""
    counts: bool
    """Whether the failed attempt counts against the run's maximum of attempts."""


def backoff(failures: int, base: float, jitter: float) -> float:
    """Seconds to wait after the n-th failed attempt: base, four times as long each time, 60 at most.

    `jitter` in 0..1 takes off up to a quarter, so that cases that failed together do not come back together. With a base
    of 1 s the four waits between five attempts are 60 s in all, or more: a service that restarts is back by then.
    """
    wait = min(MAX_WAIT_SECONDS, base * _GROWTH ** (min(failures, 32) - 1))
    return wait * (1 - _JITTER * jitter)


def next_attempt(
    failures: int,
    max_attempts: int,
    base: float,
    jitter: float,
    *,
    passed: float = 0.0,
    asked: float | None = None,
    asked_before: float = 0.0,
    asked_limit: float = 0.0,
) -> NextAttempt | None:
    """The attempt after the failure of a run that had failed `failures` times before; None if its attempts are used up.

    All times are in seconds. `passed` is how long ago the attempt ended, in case its worker fell silent. `asked` is the
    wait that the other side asked for. It is always respected, and costs no attempt as long as all such waits of the run
    (`asked_before` until now) stay within `asked_limit`.
    """
    if asked:
        # If a service asks for short waits again and again, each wait is longer than the one before.
        wait = max(asked, backoff(1, base, 0), min(MAX_WAIT_SECONDS, asked_before / _GROWTH)) + base * jitter
        if asked_before + wait <= asked_limit:
            return NextAttempt(wait, counts=False)
    if failures + 1 >= max_attempts:
        return None
    own = backoff(failures + 1, base, jitter) - passed
    return NextAttempt(max(own, asked + base * jitter if asked else 0.0, 0.0), counts=True)
