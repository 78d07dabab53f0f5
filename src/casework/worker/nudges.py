"""The ticker's ear for nudges: a thread beside Celery's consumer, which brings the beat's ticks.

A nudge that went through Celery would take twice as long from a case's creation to its start, and more of the machine
than the tick that it asks for.
"""

import logging
import threading
from time import sleep

from redis import RedisError

from casework.worker.process import WorkerProcess

WAIT_SECONDS = 2


def listen(process: WorkerProcess) -> None:
    """Tick for each nudge, until the process ends. A nudge that is lost is made good by the next beat."""
    threading.Thread(target=_listen, args=(process,), name="casework-nudges", daemon=True).start()


def _listen(process: WorkerProcess) -> None:
    publisher = process.casework.publisher
    waiting = publisher.waiting_client()
    while True:
        try:
            if publisher.nudged(waiting, WAIT_SECONDS):
                process.tick(nudged=True)
        except (RedisError, OSError):
            sleep(0.5)
        except Exception:
            logging.getLogger("casework").exception("nudge.error")
            sleep(0.5)
