"""The beat's scheduler."""

from typing import Any

from celery.beat import Scheduler as CelerysScheduler


class Scheduler(CelerysScheduler):  # type: ignore[misc]  # Celery is untyped
    """Celery's in memory, which sleeps until a tick is due: Celery's own wakes 10 ms before, and is busy until then, which
    is most of what an idle beat costs."""

    def adjust(self, n: Any, drift: float = 0.0) -> Any:
        """How long to sleep if something is due in `n` seconds."""
        return super().adjust(n, drift)
