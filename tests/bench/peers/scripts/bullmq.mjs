// BullMQ: two processes of 100 jobs at once, on Redis; completed jobs stay there.
import { Queue, Worker } from "bullmq";
import { obey, play, started } from "./lines.mjs";

const url = new URL(process.env.BENCH_REDIS_URL);
const isSocket = !url.hostname;
const connection = {
  ...(isSocket ? { path: url.pathname } : { host: url.hostname, port: Number(url.port || 6379) }),
  db: Number(isSocket ? url.searchParams.get("virtual_host") : url.pathname.slice(1)) || 0,
  password: url.password || undefined,
  maxRetriesPerRequest: null,
};

async function work() {
  const worker = new Worker("noop", async (job) => started(job.data.at), { connection, concurrency: 100 });
  worker.on("error", console.error);
  await worker.waitUntilReady();
}

async function create() {
  const queue = new Queue("noop", { connection });
  await obey((stamps) => queue.addBulk(stamps.map((at) => ({ name: "noop", data: { at } }))));
  await queue.close();
}

await play({ install: async () => {}, work, create });
