// What the scripts of Node peers have in common; see lines.py.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const BATCH = 100;

export const database = {
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT || 5432),
  user: process.env.PGUSER,
  password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE,
};

export function started(at) {
  if (at) appendFileSync(process.env.BENCH_LOG, `${Date.now() / 1000 - at}\n`);
}

export async function obey(create) {
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, count] = line.trim().split(" ");
    if (word === "one") await create([Date.now() / 1000]);
    else
      for (let left = Number(count); left > 0; left -= BATCH) await create(new Array(Math.min(BATCH, left)).fill(0));
    console.log("done");
  }
}

export async function play(roles) {
  await roles[process.argv[2]]();
}
