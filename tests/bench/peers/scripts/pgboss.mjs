// pg-boss: two processes that fetch 100 jobs at a time, at once again while a batch is full, woken by NOTIFY; jobs stay, completed.
import { PgBoss } from "pg-boss";
import { database, obey, play, started } from "./lines.mjs";

const QUEUE = "noop";

async function opened() {
  const boss = new PgBoss({ ...database, useListenNotify: true });
  boss.on("error", console.error);
  return await boss.start();
}

async function install() {
  const boss = await opened();
  await boss.createQueue(QUEUE, { notify: true });
  await boss.stop();
}

async function work() {
  const boss = await opened();
  await boss.work(QUEUE, { batchSize: 100, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    for (const job of jobs) started(job.data.at);
  });
}

async function create() {
  const boss = await opened();
  await obey((stamps) => boss.insert(QUEUE, stamps.map((at) => ({ data: { at } }))));
  await boss.stop();
}

await play({ install, work, create });
