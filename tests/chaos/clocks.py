"""Clocks of processes that can be put wrong while they run: see `skewed/sitecustomize.py` and `skewed/clock.c`."""

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SKEWED = Path(__file__).parent / "skewed"


class Clock:
    """One process's clock, right at first."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.put_off(0.0)

    def put_off(self, seconds: float) -> None:
        """Let it step to so many seconds ahead of the right time, or behind it."""
        # Written over, not anew: the process has mapped the file.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("d", seconds))

    def environment(self, python_path: str) -> dict[str, str]:
        """What a Python process is started with, whose own path of modules that is."""
        return {"SKEW_FILE": str(self._file), "PYTHONPATH": f"{SKEWED}:{python_path}"}

    @contextmanager
    def preloaded(self) -> Iterator[None]:
        """What is started within is a program that was not written in Python. Needs a C compiler."""
        library = self._file.with_suffix(".so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SKEWED / "clock.c", "-ldl"], check=True)
        os.environ |= {"SKEW_FILE": str(self._file), "LD_PRELOAD": str(library)}
        try:
            yield
        finally:
            del os.environ["SKEW_FILE"], os.environ["LD_PRELOAD"]
