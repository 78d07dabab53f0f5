"""The application that Celery's command finds."""

from casework import embedded
from casework.broker.app import make_app
from casework.settings import read_settings

app = make_app(lambda: embedded.resolve(read_settings()).redis, lambda: read_settings().tick_seconds)
