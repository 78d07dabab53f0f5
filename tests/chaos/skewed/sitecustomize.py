"""A process whose clock can be put wrong while it runs: SKEW_FILE holds a double, the seconds by which it is off.

Python imports a module of this name at its start, before any other takes the clock's functions. The monotonic clock
stays right, as a machine's does when its time is set.
"""

import datetime
import mmap
import os
import struct
import time
from pathlib import Path


def _install(path: str) -> None:
    with Path(path).open("rb") as file:
        shared = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    read, seconds, nanoseconds, right = struct.Struct("d").unpack_from, time.time, time.time_ns, datetime.datetime

    def off() -> float:
        return read(shared)[0]

    class Alike(type):
        """Every datetime is one of the class below, whoever made it."""

        def __instancecheck__(cls, thing):
            return isinstance(thing, right)

        def __subclasscheck__(cls, kind):
            return issubclass(kind, right)

    class Skewed(right, metaclass=Alike):
        __slots__ = ()

        def __new__(cls, *arguments, **options):
            # There are no instances of two classes: psycopg writes those of the first one that it meets as moments, and the
            # others as days.
            return right(*arguments, **options)

        @classmethod
        def now(cls, tz=None):
            return right.now(tz) + datetime.timedelta(seconds=off())

        @classmethod
        def utcnow(cls):
            return cls.now(datetime.UTC).replace(tzinfo=None)

    # By these names, libraries look up how a class is written and stored.
    Skewed.__module__, Skewed.__name__, Skewed.__qualname__ = "datetime", "datetime", "datetime"
    datetime.datetime = Skewed
    time.time = lambda: seconds() + off()
    time.time_ns = lambda: nanoseconds() + int(off() * 1e9)


if "SKEW_FILE" in os.environ:
    _install(os.environ["SKEW_FILE"])
