/**
 * How soon work begins where there is nothing else to do: from the beginning of a submit to the start of its handler, at a
 * low rate that no contender can slow down.
 *
 *   make bench NAME=latency ARGS="--rounds 5 --perSecond 100 --seconds 4"
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { openRedisStore } from "../src/queue/redis/store.ts";
import { openSqliteStore } from "../src/queue/sqlite/store.ts";
import type { QueueStore } from "../src/queue/store.ts";
import { Arrivals } from "./support/arrivals.ts";
import { BenchMesh } from "./support/bench-mesh.ts";
import { type LatencyContender, latencyTable, measureLatency } from "./support/latency.ts";
import { type Meter, ownMeter, redisMeter } from "./support/meters.ts";
import { nowMicros } from "./support/now.ts";
import { options } from "./support/options.ts";
import { OurSide, payloadBytes, storeLimits, workerSlots } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { benchInput, benchSpec, roleName } from "./support/role.ts";
import { openLoop } from "./support/schedule.ts";

const { rounds, perSecond, seconds } = options({ rounds: 5, perSecond: 100, seconds: 4 });
const closers: (() => unknown)[] = [];
const client = ownMeter("client");

/** `send` is called when a task is due and does not wait; `until` resolves when so many handlers have begun in all. */
function openLoopContender(options: {
  readonly name: string;
  readonly meters: readonly Meter[];
  readonly send: () => void;
  readonly until: (count: number) => Promise<unknown>;
  readonly latency: LatencyContender["latency"];
}): LatencyContender {
  const { name, meters, send, until, latency } = options;
  let sent = 0;
  const run = async () => {
    sent += await openLoop({
      perSecond,
      seconds,
      send({ from, to }) {
        for (let due = from; due < to; due++) send();
      },
    });
    await until(sent);
  };
  return { name, meters, run, latency };
}

/** A contender whose handlers run in this process. */
function own(name: string, meters: readonly Meter[], arrivals: Arrivals, send: () => void): LatencyContender {
  const until = (count: number) => arrivals.until(count);
  return openLoopContender({ name, meters, send, until, latency: async () => arrivals.latencies() });
}

function queueOver(name: string, store: QueueStore, meters: readonly Meter[]): LatencyContender {
  const side = new OurSide(store, roleName, meters);
  const { queue } = side;
  const arrivals = new Arrivals();
  /** Of the tasks under way: they start in the order in which they were sent. */
  const sentMicros: number[] = [];
  const session = queue.dispatcher.attach({
    queue: roleName,
    workerId: "bench",
    labels: {},
    leaseMs: 30_000,
    async deliver(tasks) {
      for (let left = tasks.length; left > 0; left--) arrivals.add(sentMicros.shift());
      const result = { kind: "succeeded", output: Buffer.alloc(0) } as const;
      await queue.finish(tasks.map(({ id, fence }) => ({ taskId: id, fence, result })));
      session.grant(tasks.length);
    },
  });
  session.grant(workerSlots);
  queue.start();
  closers.push(() => queue.close());
  return own(name, meters, arrivals, () => {
    sentMicros.push(nowMicros());
    void queue.submit([side.task()]);
  });
}

async function bullOn(port: number, meters: readonly Meter[]): Promise<LatencyContender> {
  const connection = { host: "127.0.0.1", port };
  const queue = new BullQueue(roleName, { connection });
  const arrivals = new Arrivals();
  const worker = new BullWorker(roleName, async (job) => arrivals.add(job.data.sentMicros), {
    connection,
    concurrency: workerSlots,
  });
  await worker.waitUntilReady();
  closers.push(async () => {
    await worker.close();
    await queue.close();
  });
  return own("BullMQ, one process", meters, arrivals, () => void queue.add("task", benchInput(payloadBytes)));
}

async function meshOver(redisUrl: string, redis: Meter): Promise<LatencyContender> {
  const mesh = await BenchMesh.start({ redisUrl, prefix: "mesh" });
  closers.push(() => mesh.close());
  const worker = await mesh.roleWorker({ slots: workerSlots });
  return openLoopContender({
    name: "agentmesh over gRPC, three processes, Redis",
    meters: [client, mesh.server.meter("server"), worker.meter("worker"), redis],
    send: () => void mesh.client.submitSpec(benchSpec(payloadBytes)),
    until: (count) => worker.ask("until", count),
    latency: () => worker.ask("latencies"),
  });
}

const server = await startRedis({ appendfsync: "everysec" });
const resp = await RespClient.connect(server.port);
const redis = redisMeter(resp);
const directory = mkdtempSync(join(tmpdir(), "agentmesh-bench-"));
printHead("Submit to start", { Redis: redisVersion(), BullMQ: packageVersion("bullmq") });
print(
  `${perSecond} tasks a second, open loop, ${rounds} interleaved rounds of ${seconds} s each; Redis everysec.\n`,
);
progress("submit to start");
const contenders = [
  queueOver(
    "agentmesh's queue, one process, Redis",
    await openRedisStore({ url: server.url, limits: storeLimits }),
    [client, redis],
  ),
  await bullOn(server.port, [client, redis]),
  await meshOver(server.url, redis),
  queueOver(
    "agentmesh's queue, one process, SQLite",
    await openSqliteStore({ file: join(directory, "mesh.db"), limits: storeLimits }),
    [client],
  ),
];
print(latencyTable(await measureLatency(contenders, { tasks: Math.floor(perSecond * seconds), rounds })));
for (const close of closers.reverse()) await close();
resp.close();
await server.stop();
rmSync(directory, { recursive: true, force: true });
