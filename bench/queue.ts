/**
 * The queue against BullMQ on one Redis in the same run, beside the floors of that Redis: submit → lease → complete.
 *
 *   make bench NAME=queue ARGS="--rounds 7 --scale 1"
 */
import { openRedisStore } from "../src/queue/redis/store.ts";
import type { QueueStore } from "../src/queue/store.ts";
import type { RedisServer } from "../tests/support/redis.ts";
import { type Contender, type Measured, measure, tasksInAll } from "./support/measure.ts";
import { ownMeter, redisMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { BullSide, OurSide, payloadBytes, storeLimits, workerSlots } from "./support/queue-contenders.ts";
import { RedisFloor } from "./support/redis-floor.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { type Row, throughputTable } from "./support/table.ts";

/** `scale`: times the tasks of each row. */
const { rounds, scale } = options({ rounds: 5, scale: 1 });

interface Sides {
  readonly ours: OurSide;
  readonly bull: BullSide;
  readonly floor: RedisFloor;
}

interface Plan {
  readonly title: string;
  readonly tasks: number;
  /** True: as many tasks as will be leased are queued first; filling is not counted. */
  readonly filled?: boolean;
  contend(sides: Sides): readonly Contender[];
}

const plans: readonly Plan[] = [
  {
    title: "submit, 1 in flight",
    tasks: 3_000,
    contend: ({ ours, bull, floor }) => [ours.submit(1), bull.submit(1), floor.sets(1)],
  },
  {
    title: "submit, 64 in flight",
    tasks: 20_000,
    contend: ({ ours, bull, floor }) => [ours.submit(64), bull.submit(64), floor.sets(64)],
  },
  {
    title: "submit, batches of 100",
    tasks: 40_000,
    contend: ({ ours, bull, floor }) => [
      ours.submitBatches(100),
      bull.submitBatches(100),
      floor.msets(100),
      floor.submitBatches(100),
    ],
  },
  {
    title: `lease and complete, ${workerSlots} slots`,
    tasks: 20_000,
    filled: true,
    contend: ({ ours, bull, floor }) => [ours.drain(), bull.drain(), floor.drain(100)],
  },
  {
    title: "whole life cycle, in by 100",
    tasks: 20_000,
    contend: ({ ours, bull, floor }) => [ours.lifeCycle(100), bull.lifeCycle(100), floor.lifeCycle(100)],
  },
  {
    title: "whole life cycle, each with a key",
    tasks: 20_000,
    contend: ({ ours, bull }) => [ours.lifeCycle(100, true), bull.lifeCycle(100, true)],
  },
];

async function measureRow(plan: Plan, sides: Sides): Promise<readonly Measured[]> {
  progress(plan.title);
  // Whole batches for every row.
  const size = { tasks: Math.max(500, Math.round((plan.tasks * scale) / 500) * 500), rounds };
  const contenders = plan.contend(sides);
  if (plan.filled)
    for (const side of [sides.ours, sides.bull, sides.floor]) await side.fill(tasksInAll(size) + 1_000);
  return measure(contenders, size);
}

async function rowsOn(server: RedisServer, store: QueueStore, client: RespClient): Promise<Row[]> {
  const meters = [ownMeter("client"), redisMeter(client)] as const;
  const rows: Row[] = [];
  for (const plan of plans) {
    const name = `b${rows.length}`;
    const bull = new BullSide(server.port, name, meters);
    const floor = new RedisFloor({ client, port: server.port, redis: meters[1], name, payloadBytes });
    const measured = await measureRow(plan, { ours: new OurSide(store, name, meters), bull, floor });
    rows.push({ title: plan.title, measured });
    await bull.close();
    // Each row begins on an empty Redis: 100,000 finished tasks of the last one are no part of it.
    await client.call("FLUSHALL");
  }
  return rows;
}

async function rowsWith(appendfsync: "everysec" | "always"): Promise<Row[]> {
  const server = await startRedis({ appendfsync });
  const store = await openRedisStore({ url: server.url, limits: storeLimits });
  const client = await RespClient.connect(server.port);
  try {
    return await rowsOn(server, store, client);
  } finally {
    await store.close();
    client.close();
    await server.stop();
  }
}

printHead("The queue on Redis", { Redis: redisVersion(), BullMQ: packageVersion("bullmq") });
print(
  `Median of ${rounds} interleaved rounds; ${payloadBytes}-byte payloads; ratio: agentmesh over the line.`,
);
for (const appendfsync of ["everysec", "always"] as const) {
  progress(`Redis, appendfsync ${appendfsync}`);
  print(`\n### appendfsync ${appendfsync}\n\n${throughputTable(await rowsWith(appendfsync))}`);
}
