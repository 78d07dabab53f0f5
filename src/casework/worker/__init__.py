"""The Celery face: `celery -A casework.worker worker -Q runs`, `... -Q ticks -P solo`, and `... beat`.

Tasks of a few lines; what they do stands in `service`.
"""

from casework.worker import signals, tasks
from casework.worker.app import app

__all__ = ["app", "signals", "tasks"]
