/**
 * Deep queues on Redis: what a queued task costs in memory, and whether leases slow down with the depth of a queue or with
 * the number of its tenants.
 *
 *   make bench NAME=depth ARGS="--tasks 1000000 --shallow 1000 --tenants 100000 --rounds 15"
 */
import { Queue as BullQueue } from "bullmq";
import { openRedisStore } from "../src/queue/redis/store.ts";
import type { LeasedTask } from "../src/queue/store.ts";
import { type Contender, crowd, measure } from "./support/measure.ts";
import { ownMeter, redisMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { bullOptions, OurSide, payloadBytes, storeLimits } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { benchInput } from "./support/role.ts";
import { table, thousands, throughputTable } from "./support/table.ts";

const { tasks, shallow, tenants, rounds } = options({
  tasks: 1_000_000,
  shallow: 1_000,
  tenants: 100_000,
  rounds: 15,
});
const batch = 100;

// Rewriting the append-only file would fork, and be measured.
const settings = { "auto-aof-rewrite-percentage": "0" };
const server = await startRedis({ appendfsync: "everysec", settings });
const resp = await RespClient.connect(server.port);
const store = await openRedisStore({ url: server.url, limits: storeLimits });
const meters = [ownMeter("client"), redisMeter(resp)];

async function usedMemory(): Promise<number> {
  const info = String(await resp.call("INFO", "memory"));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

/** Bytes that each of `count` takes in Redis once `fill` has put them there. */
async function bytesEach(count: number, fill: () => Promise<unknown>): Promise<number> {
  const before = await usedMemory();
  await fill();
  return ((await usedMemory()) - before) / count;
}

/** A queue that is `depth` deep before each run, which leases; every task is of one of `tenantCount` tenants. */
class DeepQueue {
  readonly #side: OurSide;
  readonly #depth: number;
  readonly #tenants: number;
  readonly #name: string;
  #made = 0;
  #held: LeasedTask[] = [];

  constructor(name: string, depth: number, tenantCount: number) {
    this.#name = name;
    this.#side = new OurSide(store, name, meters);
    this.#depth = depth;
    this.#tenants = tenantCount;
  }

  async fill(count = this.#depth): Promise<void> {
    const size = Math.min(500, count);
    await crowd(Math.ceil(count / size), 4, async () => {
      const made = Array.from({ length: size }, () =>
        this.#side.task(`tenant-${this.#made++ % this.#tenants}`),
      );
      const outcomes = await this.#side.queue.submit(made);
      if (outcomes.some(({ status }) => status !== "created")) throw new Error("a submit was refused");
    });
  }

  leasing(title: string): Contender {
    return {
      name: title,
      meters,
      prepare: () => this.#refill(),
      run: (count) => crowd(count / batch, 1, () => this.#lease()),
    };
  }

  async #lease(): Promise<void> {
    const ask = { queue: this.#name, workerId: "bench", labels: {}, leaseMs: 600_000, max: batch };
    const leased = await this.#side.queue.lease(ask);
    if (leased.length !== batch) throw new Error(`${leased.length} tasks were leased, not ${batch}`);
    this.#held.push(...leased);
  }

  /** Ends what the last run leased, and queues as many again. */
  async #refill(): Promise<void> {
    const result = { kind: "succeeded", output: Buffer.alloc(0) } as const;
    const ends = this.#held.map(({ id, fence }) => ({ taskId: id, fence, result }));
    this.#held = [];
    const outcomes = await this.#side.queue.finish(ends);
    if (outcomes.some(({ accepted }) => !accepted)) throw new Error("an end was refused");
    if (ends.length > 0) await this.fill(ends.length);
  }
}

printHead("Deep queues", { Redis: redisVersion(), BullMQ: packageVersion("bullmq") });
print(
  `Redis everysec; ${payloadBytes}-byte payloads; leases of ${batch}, median of ${rounds} interleaved rounds.`,
);

const deep = new DeepQueue("deep", tasks, 1);
const flat = new DeepQueue("flat", shallow, 1);
const oneTenant = new DeepQueue("one", tenants, 1);
const manyTenants = new DeepQueue("many", tenants, tenants);
progress(`${tasks} tasks`);
const deepBytes = await bytesEach(tasks, () => deep.fill());
progress(`${tenants} tasks, twice`);
const oneBytes = await bytesEach(tenants, () => oneTenant.fill());
const manyBytes = await bytesEach(tenants, () => manyTenants.fill());
await flat.fill();

const bull = new BullQueue("bull", {
  connection: { host: "127.0.0.1", port: server.port },
  defaultJobOptions: bullOptions,
});
const jobs = () => Array.from({ length: 500 }, () => ({ name: "task", data: benchInput(payloadBytes) }));
const bullJobs = Math.ceil(tenants / 500) * 500;
progress(`${bullJobs} jobs of BullMQ`);
const bullBytes = await bytesEach(bullJobs, () => crowd(bullJobs / 500, 4, () => bull.addBulk(jobs())));
await bull.obliterate({ force: true });
await bull.close();

const memory = [
  ["agentmesh, one tenant", thousands(tasks), deepBytes.toFixed(0)],
  ["agentmesh, one tenant", thousands(tenants), oneBytes.toFixed(0)],
  ["agentmesh, a tenant for each", thousands(tenants), manyBytes.toFixed(0)],
  ["BullMQ", thousands(bullJobs), bullBytes.toFixed(0)],
];
print(`\n${table(["queued", ">tasks", ">Redis memory, bytes a task"], memory)}`);

progress("leases");
const size = { tasks: Math.floor(shallow / batch) * batch, rounds };
const byDepth = await measure(
  [deep.leasing(`${thousands(tasks)} queued`), flat.leasing(`${thousands(shallow)} queued`)],
  size,
);
const byTenants = await measure(
  [manyTenants.leasing(`${thousands(tenants)} tenants`), oneTenant.leasing("one tenant")],
  size,
);
const rows = [
  { title: "leases, by depth", measured: byDepth },
  { title: `leases of ${thousands(tenants)} queued, by tenants`, measured: byTenants },
];
print(`\n${throughputTable(rows)}`);
await store.close();
resp.close();
await server.stop();
