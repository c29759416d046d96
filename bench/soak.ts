/**
 * A mixed load for as long as is asked, open loop at a share of what the mesh was measured to carry: whether memory and keys
 * level off, and how soon work begins; then the same rate to BullMQ.
 *
 *   make bench NAME=soak ARGS="--seconds 600 --percent 70"
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Latencies } from "./support/arrivals.ts";
import { type Gauge, gaugeTable, Watched } from "./support/gauges.ts";
import { milliseconds } from "./support/latency.ts";
import { crowd, type Sample, sample } from "./support/measure.ts";
import { ownMeter, redisMeter } from "./support/meters.ts";
import { nowMicros } from "./support/now.ts";
import { options } from "./support/options.ts";
import { storeLimits } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { dueMs, openLoop } from "./support/schedule.ts";
import { bullSide, canceledOf, meshSide, type SoakSide } from "./support/soak-sides.ts";
import { cpuColumns, mebibytes, table, thousands } from "./support/table.ts";

/** `probe`: tasks by which the maximum is measured; `kept`: finished tasks that both sides keep; `slots`: of their worker. */
const { seconds, percent, probe, kept, slots, readings } = options({
  seconds: 20,
  percent: 70,
  probe: 20_000,
  kept: 10_000,
  slots: 100,
  readings: 40,
});
const batch = 50;
const batchesInFlight = 8;
/** Both clients gather what they have to submit for so long. */
const tickMs = 5;
/** A side that is this far behind has shown that it cannot keep up. */
const backlogMax = 200_000;
const patienceMs = 120_000;

const server = await startRedis({ appendfsync: "everysec" });
const resp = await RespClient.connect(server.port);
const own = ownMeter("client");

const gaugesOf = (side: SoakSide): Gauge[] => [
  ...Object.entries(side.parts).map(([name, part]) => ({
    name: `${name}, RSS`,
    read: async () => (await part.usage()).rssBytes,
    show: mebibytes,
  })),
  { name: "Redis, used_memory", read: usedMemory, show: mebibytes },
  { name: "Redis, keys", read: async () => Number(await resp.call("DBSIZE")), show: thousands },
];

async function usedMemory(): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(String(await resp.call("INFO", "memory")))?.[1]);
}

async function settled(side: SoakSide): Promise<void> {
  for (const end = performance.now() + patienceMs; (await side.backlog()) > 0; await pause(20))
    if (performance.now() > end) throw new Error(`${side.name} did not settle in ${patienceMs} ms`);
}

/** Tasks a second that a side carries from end to end where nothing holds the load back. */
async function maximum(side: SoakSide): Promise<number> {
  let from = 0;
  const began = performance.now();
  await crowd(probe / batch, batchesInFlight, () => {
    from += batch;
    return side.submit({ from: from - batch, dueMicros: Array.from({ length: batch }, nowMicros) });
  });
  await settled(side);
  await side.worker.ask("latencies");
  return (from * 1_000) / (performance.now() - began);
}

interface Soaked {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly latencies: Latencies;
  readonly sent: number;
  readonly gauges: readonly string[][];
}

/** Throws where a task is missing at the end. */
async function soak(side: SoakSide, perSecond: number): Promise<Soaked> {
  progress(`${side.name}: ${thousands(perSecond)} tasks a second for ${seconds} s`);
  const watched = new Watched(gaugesOf(side), (seconds * 1_000) / readings);
  const behind = new AbortController();
  const submits: Promise<void>[] = [];
  let sent = 0;
  const guard = setInterval(async () => {
    if ((await side.backlog().catch(() => 0)) > backlogMax) behind.abort();
  }, 1_000);
  let gauges: readonly string[][] = [];
  const run = async () => {
    const beganMicros = nowMicros();
    sent = await openLoop({
      perSecond,
      seconds,
      tickMs,
      signal: behind.signal,
      send({ from, to }) {
        for (let first = from; first < to; first += batch) {
          const length = Math.min(batch, to - first);
          const due = (_: unknown, index: number) =>
            beganMicros + dueMs(first + index, perSecond, tickMs) * 1_000;
          submits.push(side.submit({ from: first, dueMicros: Array.from({ length }, due) }));
        }
      },
    });
    clearInterval(guard);
    gauges = await watched.stop();
    await Promise.all(submits);
    await settled(side);
  };
  const measured = await sample({ name: side.name, meters: side.meters, run }, perSecond * seconds);
  const latencies = await side.worker.ask<Latencies>("latencies");
  const wanted = sent - canceledOf(sent);
  if (latencies.count !== wanted) throw new Error(`${latencies.count} of ${wanted} tasks were started`);
  return { name: side.name, samples: [measured], latencies, sent, gauges };
}

printHead("Soak", { Redis: redisVersion(), BullMQ: packageVersion("bullmq") });
const limits = { ...storeLimits, retentionTasksMax: kept };
const mesh = await meshSide({ redisUrl: server.url, limits, slots }, own, redisMeter(resp));
progress("the maximum of agentmesh");
const ourMaximum = await maximum(mesh);
const perSecond = (ourMaximum * percent) / 100;
const ours = await soak(mesh, perSecond);
await mesh.close();
await resp.call("FLUSHALL");
const bull = await bullSide({ port: server.port, finishedKept: kept, slots }, own, redisMeter(resp));
progress("the maximum of BullMQ");
const bullMaximum = await maximum(bull);
const theirs = await soak(bull, perSecond);
await bull.close();

print(
  `${percent} % of agentmesh's maximum, open loop, ${seconds} s each; Redis everysec; ${kept} finished tasks kept.`,
);
const cpu = cpuColumns([ours, theirs]);
const lines = [
  { one: ours, max: ourMaximum },
  { one: theirs, max: bullMaximum },
].map(({ one, max }) => [
  one.name,
  thousands(max),
  thousands(perSecond),
  `${one.sent}`,
  milliseconds(one.latencies.p50Micros),
  milliseconds(one.latencies.p99Micros),
  ...cpu.cellsOf(one),
]);
const columns = [
  "contender",
  ">maximum/s",
  ">sent/s",
  ">sent in all",
  ">p50 ms, due to start",
  ">p99 ms, due to start",
];
print(`\n${table([...columns, ...cpu.columns], lines)}`);
const levels = [ours, theirs].flatMap(({ name, gauges }) =>
  gauges.map((cells, index) => [index === 0 ? name : "", ...cells]),
);
print(`\n${gaugeTable(levels)}`);
for (const { name, sent } of [ours, theirs])
  if (sent < Math.floor(perSecond * seconds))
    print(`\n${name} fell more than ${backlogMax} tasks behind; its load was ended then.`);
resp.close();
await server.stop();
