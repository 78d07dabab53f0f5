"""Everything that workers, tickers and beats import by the time they have done their work: for a fork server."""

# ruff: noqa: F401

from contextlib import suppress
from importlib import import_module

import billiard.popen_fork
import billiard.sharedctypes
import billiard.synchronize
import celery.app.routes
import celery.apps.beat
import celery.apps.worker
import celery.backends.base
import celery.bin.celery
import celery.concurrency.prefork
import celery.concurrency.solo
import celery.concurrency.thread
import celery.events.dispatcher
import celery.events.receiver
import celery.worker.components
import celery.worker.consumer
import celery.worker.consumer.agent
import celery.worker.consumer.connection
import celery.worker.consumer.control
import celery.worker.consumer.gossip
import celery.worker.consumer.heart
import celery.worker.consumer.mingle
import celery.worker.heartbeat
import celery.worker.loops
import celery.worker.pidbox
import kombu.asynchronous.semaphore
import kombu.mixins
import kombu.utils.limits

import casework.broker.beat
import casework.worker

with suppress(ImportError):
    # Where it is installed, billiard uses it in each child of a pool.
    import_module("cffi.cparser")
