"""The application that Celery's command finds."""

from casework import embedded
from casework.broker.app import make_app
from casework.settings import read_settings
from casework.wiring import redis_prefix
from casework.worker import watchdog

app = make_app(lambda: embedded.resolve(read_settings()).redis, redis_prefix, lambda: read_settings().tick_seconds)
watchdog.install(app)
