"""What can break, each as a function that breaks it and, if nobody else does, mends it."""

from chaos.faults import broker, database, operators, processes
from chaos.faults.fault import (
    AWAY_SECONDS,
    LOST_SECONDS,
    REFUSING_SECONDS,
    RETURN_SECONDS,
    SILENT_SECONDS,
    STOPPING_SECONDS,
    Fault,
)
from chaos.ground import LEASE_SECONDS, TICK_SECONDS

__all__ = ["FAULTS", "Fault"]

REFUSED = REFUSING_SECONDS + RETURN_SECONDS
SILENT = SILENT_SECONDS + RETURN_SECONDS
AWAY = AWAY_SECONDS + RETURN_SECONDS

FAULTS = {
    "kill-worker": Fault(processes.kill_worker, LEASE_SECONDS + 2 * TICK_SECONDS),
    "kill-pool-child": Fault(processes.kill_pool_child),
    "stop-worker": Fault(processes.stop_worker, STOPPING_SECONDS + LOST_SECONDS),
    "kill-ticker": Fault(processes.kill_ticker, starts=True),
    "kill-beat": Fault(processes.kill_beat),
    "kill-api": Fault(processes.kill_api, starts=True, through_api=True),
    "second-beat": Fault(processes.second_beat),
    "skew-clock": Fault(processes.skew_clock, clocks=True),
    "zombie": Fault(processes.zombie, AWAY_SECONDS + LOST_SECONDS),
    "cut-line": Fault(processes.cut_line, AWAY_SECONDS + LOST_SECONDS),
    "flush-redis": Fault(broker.flush_redis),
    "fill-redis": Fault(broker.fill_redis, REFUSED),
    "fill-disk": Fault(broker.fill_disk, REFUSED + broker.RETRY_SECONDS),
    "demote-redis": Fault(broker.demote_redis, REFUSED),
    "isolate-redis": Fault(broker.isolate_redis, REFUSED),
    "lock-redis": Fault(broker.lock_redis, REFUSED),
    "terminate-clients": Fault(broker.terminate_clients),
    "use-up-clients": Fault(broker.use_up_clients, REFUSED),
    "kill-redis": Fault(broker.kill_redis, RETURN_SECONDS, ends_workers=True),
    "load-redis": Fault(broker.load_redis, SILENT, ends_workers=True),
    "pause-redis": Fault(broker.pause_redis, SILENT),
    "freeze-redis": Fault(broker.freeze_redis, SILENT),
    "foreign-messages": Fault(broker.send_foreign_messages, REFUSED),
    "replace-lists": Fault(broker.replace_lists, REFUSED),
    "restart-postgres-fast": Fault(database.restart_postgres_fast, RETURN_SECONDS),
    "restart-postgres-immediate": Fault(database.restart_postgres_immediate, RETURN_SECONDS),
    "stop-postgres": Fault(database.stop_postgres, database.STOPPED_SECONDS + RETURN_SECONDS),
    "freeze-postgres": Fault(database.freeze_postgres, AWAY),
    "demote-postgres": Fault(database.demote_postgres, database.READ_ONLY_SECONDS + RETURN_SECONDS),
    "fill-wal": Fault(database.fill_wal, REFUSED),
    "fill-tables": Fault(database.fill_tables, REFUSED),
    "terminate-backends": Fault(database.terminate_backends),
    "cancel-statements": Fault(database.cancel_statements, REFUSED),
    "lock-tables": Fault(database.lock_tables, AWAY),
    "vacuum-full": Fault(database.vacuum_full, RETURN_SECONDS),
    "use-up-connections": Fault(database.use_up_connections, AWAY),
    "skew-postgres-ahead": Fault(database.skew_postgres_ahead, RETURN_SECONDS, database_clock=True),
    "skew-postgres-behind": Fault(database.skew_postgres_behind, AWAY, database_clock=True),
    "delete-queue": Fault(operators.delete_queue),
    "remove-consumer": Fault(operators.remove_consumer, operators.AWAY_SECONDS + LOST_SECONDS),
    "delete-agent": Fault(operators.delete_agent, operators.AWAY_SECONDS + LOST_SECONDS),
    "pause-queue": Fault(operators.pause_queue, operators.AWAY_SECONDS + LOST_SECONDS),
    "drain-queue": Fault(operators.drain_queue, operators.AWAY_SECONDS + LOST_SECONDS),
}
