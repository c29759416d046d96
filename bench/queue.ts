/**
 * The queue against BullMQ on one Redis in the same run, and on the embedded store: submit → lease → complete.
 *
 *   make bench NAME=queue
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../src/core/limits.ts";
import { openRedisStore } from "../src/queue/redis/store.ts";
import { openSqliteStore } from "../src/queue/sqlite/store.ts";
import type { QueueStore, StoreLimits } from "../src/queue/store.ts";
import { RedisServer } from "../tests/support/redis.ts";
import { type Contender, type MeasureOptions, measure } from "./support/measure.ts";
import { BullSide, OurSide } from "./support/queue-contenders.ts";
import { machineLine, markdownTable, type Row } from "./support/table.ts";

const rounds = Number(process.argv[2] ?? 5);
const storeLimits: StoreLimits = {
  queueTasksMax: limits.queueTasksMax,
  logEntriesMax: limits.logEntriesMax,
  retentionMs: 3_600_000,
  retentionTasksMax: 100_000,
};

interface Sides {
  readonly ours: OurSide;
  readonly bull?: BullSide;
}

/** A drain is measured over a queue that was filled before; the filling is not counted. */
async function drainRow(title: string, sides: Sides, options: MeasureOptions): Promise<Row> {
  const all = [sides.ours, ...(sides.bull ? [sides.bull] : [])];
  const warmUp = Math.ceil(options.tasks / 5);
  for (const side of all) await side.fill(warmUp + options.tasks * options.rounds + 1_000);
  const contender = (name: string, side: OurSide | BullSide): Contender => ({
    name,
    run: (tasks) => side.drain(tasks),
  });
  const contenders = [
    contender("agentmesh", sides.ours),
    ...(sides.bull ? [contender("BullMQ worker(50)", sides.bull)] : []),
  ];
  return { title, measured: await measure(contenders, options) };
}

async function rowsOn(
  open: (name: string) => Sides,
  options: { redis?: MeasureOptions["redis"] },
): Promise<Row[]> {
  const rows: Row[] = [];
  const row = async (title: string, tasks: number, contend: (sides: Sides) => Contender[]) => {
    process.stderr.write(`  ${title} …\n`);
    rows.push({
      title,
      measured: await measure(contend(open(`b${rows.length}`)), { tasks, rounds, ...options }),
    });
  };
  await row("submit, 1 in flight", 3_000, ({ ours, bull }) => [
    ours.submit(1),
    ...(bull ? [bull.submit(1)] : []),
  ]);
  await row("submit, 64 in flight", 20_000, ({ ours, bull }) => [
    ours.submit(64),
    ...(bull ? [bull.submit(64)] : []),
  ]);
  await row("submit, batches of 100", 40_000, ({ ours, bull }) => [
    ours.submitBatches(100),
    ...(bull ? [bull.submitBatches(100)] : []),
  ]);
  process.stderr.write("  lease and complete, 50 slots …\n");
  rows.push(
    await drainRow("lease and complete, 50 slots", open(`b${rows.length}`), {
      tasks: 20_000,
      rounds,
      ...options,
    }),
  );
  return rows;
}

async function redisRows(appendfsync: "everysec" | "always"): Promise<Row[]> {
  const server = await RedisServer.start({ appendfsync });
  const redis = server.client();
  const store = await openRedisStore({ url: server.url, limits: storeLimits });
  const bulls: BullSide[] = [];
  try {
    const open = (name: string): Sides => {
      const bull = new BullSide(server.port, name);
      bulls.push(bull);
      return { ours: new OurSide(store, name), bull };
    };
    return await rowsOn(open, { redis });
  } finally {
    for (const bull of bulls) await bull.close();
    await store.close();
    redis.disconnect();
    await server.stop();
  }
}

async function sqliteRows(): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "agentmesh-bench-"));
  const store: QueueStore = await openSqliteStore({ file: join(dataDir, "mesh.db"), limits: storeLimits });
  try {
    return await rowsOn((name) => ({ ours: new OurSide(store, name) }), {});
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const bullVersion = JSON.parse(readFileSync("node_modules/bullmq/package.json", "utf8")).version as string;
const redisVersion =
  /v=([\d.]+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1] ?? "?";
process.stdout.write(`${machineLine({ Redis: redisVersion, BullMQ: bullVersion })}\n`);
process.stdout.write(
  `Median of ${rounds} interleaved rounds; 200-byte payloads; ratio: agentmesh over BullMQ.\n`,
);
for (const appendfsync of ["everysec", "always"] as const) {
  process.stderr.write(`Redis, appendfsync ${appendfsync}\n`);
  process.stdout.write(
    `\nRedis, appendonly, appendfsync ${appendfsync}:\n\n${markdownTable(await redisRows(appendfsync))}\n`,
  );
}
process.stderr.write("SQLite\n");
process.stdout.write(`\nEmbedded SQLite, one fsync a commit:\n\n${markdownTable(await sqliteRows())}\n`);
