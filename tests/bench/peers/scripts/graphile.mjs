// graphile-worker: two processes of 24 jobs at once, a local queue of 500, completions in batches; completed jobs are deleted.
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { database, obey, play, started } from "./lines.mjs";

const pgPool = new pg.Pool({ ...database, max: 26 });
pgPool.on("error", console.error);

async function install() {
  const utils = await makeWorkerUtils({ pgPool });
  await utils.migrate();
  await utils.release();
  await pgPool.end();
}

async function work() {
  await run({
    pgPool,
    preset: { worker: { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: { noop: async (payload) => started(payload.at) },
  });
}

async function create() {
  const utils = await makeWorkerUtils({ pgPool });
  await obey((stamps) => utils.addJobs(stamps.map((at) => ({ identifier: "noop", payload: { at } }))));
  await utils.release();
  await pgPool.end();
}

await play({ install, work, create });
