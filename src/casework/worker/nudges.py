"""The ticker's ear for nudges: a thread beside Celery's consumer, which brings the beat's ticks.

A nudge that went through Celery would take twice as long from a case's creation to its start, and more of the machine
than the tick that it asks for.
"""

from time import sleep

from redis import RedisError

from casework.broker.listener import Listener
from casework.core.effects import News
from casework.worker.process import WorkerProcess
from casework.worker.threads import keep_running

WAIT_SECONDS = 2


def listen(process: WorkerProcess) -> None:
    """Tick for each nudge, and when a rate lets the next run start, until the process ends. The next beat makes up for a nudge
    that is lost, and while the broker is away it sweeps."""
    publisher = process.casework.publisher
    listener = Listener(publisher.url, publisher.names)

    def answer() -> None:
        while True:
            try:
                news = listener.nudged(process.seconds_to_next_start(WAIT_SECONDS))
                if news or process.may_start_more():
                    process.tick(news or News())
            except (RedisError, OSError):
                process.sweep_without_beat()
                sleep(0.5)

    keep_running("casework-nudges", answer)
