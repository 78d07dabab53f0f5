"""The application that Celery's command finds."""

from casework import embedded, log
from casework.broker.app import make_app
from casework.settings import read_settings
from casework.wiring import redis_prefix
from casework.worker import watchdog


def _prefix() -> str:
    """Asked for before Celery configures logging; a process that waits for its database says so."""
    settings = read_settings()
    log.configure(settings.log_level, settings.log_format)
    return redis_prefix()


app = make_app(
    lambda: embedded.resolve(read_settings()).redis,
    _prefix,
    lambda: read_settings().tick_seconds,
    lambda: read_settings().worker_group,
)
watchdog.install(app)
