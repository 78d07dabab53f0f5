"""Heartbeats without their thread: they beat if a test, or the benchmark, asks them to."""

from casework.worker.heartbeats import Heartbeats


class Silent(Heartbeats):
    def start(self) -> None:
        pass
