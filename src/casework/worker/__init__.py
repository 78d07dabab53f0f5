"""The Celery face: `celery -A casework.worker worker -Q runs`, `... -Q ticks -P solo`, and `... beat`.

Tasks of a few lines; what they do stands in `service`.
"""

import warnings

from celery.platforms import SecurityWarning

from casework.worker import signals, tasks, wake, watchdog
from casework.worker.app import app

# Celery warns of root because a pickled message could run code; only JSON crosses this broker.
warnings.filterwarnings("ignore", category=SecurityWarning)
wake.install(app)
watchdog.install(app)

__all__ = ["app", "signals", "tasks", "wake", "watchdog"]
