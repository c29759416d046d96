/**
 * KEDA's external scaler, as KEDA uses it: from the first task of an empty mesh to the push that tells of it; GetMetrics by the length
 * of the queue; and a thousand ScaledObjects that are polled each second.
 *
 *   make bench NAME=scaler ARGS="--pushes 200 --calls 2000 --objects 1000 --seconds 10 --tasks 1000000"
 */
import { setTimeout as pause } from "node:timers/promises";
import { MeshClient } from "../src/client/mesh-client.ts";
import { Keda } from "../tests/scaling/external/keda.ts";
import { milliseconds } from "./support/latency.ts";
import { crowd } from "./support/measure.ts";
import { redisMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { Part } from "./support/part.ts";
import { payloadBytes, storeLimits } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { benchSpec, roleName } from "./support/role.ts";
import { openLoop } from "./support/schedule.ts";
import { percentile } from "./support/statistics.ts";
import { SubmitStream } from "./support/submit-stream.ts";
import { table, thousands } from "./support/table.ts";

const { pushes, calls, objects, seconds, tasks } = options({
  pushes: 200,
  calls: 2_000,
  objects: 1_000,
  seconds: 10,
  tasks: 1_000_000,
});
const redis = await startRedis({ appendfsync: "everysec" });
const resp = await RespClient.connect(redis.port);
const server = await Part.start("mesh-server", { redisUrl: redis.url, limits: storeLimits });
const address = await server.ask<string>("address");
const mesh = new MeshClient({ server: address });
const keda = new Keda(address, { role: roleName });

/** From the begin of a submit to the stream's word. */
async function pushTimes(): Promise<number[]> {
  const stream = keda.push();
  let told = Promise.withResolvers<boolean>();
  stream.on("error", () => {});
  stream.on("data", ({ result }) => told.resolve(result));
  const until = async (wanted: boolean) => {
    while ((await told.promise) !== wanted) told = Promise.withResolvers();
    told = Promise.withResolvers();
  };
  await until(false);
  const times: number[] = [];
  for (let push = 0; push < pushes; push++) {
    const begun = performance.now();
    const submitted = mesh.submitSpec(benchSpec(payloadBytes));
    await until(true);
    times.push((performance.now() - begun) * 1_000);
    await mesh.cancel((await submitted).id);
    await until(false);
  }
  stream.cancel();
  return times;
}

async function callTimes(): Promise<number[]> {
  const times: number[] = [];
  await crowd(calls, 1, async () => {
    const begun = performance.now();
    await keda.poll();
    times.push(((performance.now() - begun) * 1_000) / 2);
  });
  return times;
}

/** Queues tasks until there are `count`. */
async function fill(count: number, before: number): Promise<void> {
  const batch = 500;
  const submits = new SubmitStream(address);
  await crowd(Math.ceil((count - before) / batch), 4, () =>
    submits.submit(Array.from({ length: batch }, () => benchSpec(payloadBytes))),
  );
  submits.close();
}

/** As many objects as are polled each second: GetMetrics, then IsActive. */
async function pollTimes() {
  const meters = [server.meter("server"), redisMeter(resp)];
  const read = () => Promise.all(meters.map((meter) => meter.cpuMicros()));
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const before = await read();
  await openLoop({
    perSecond: objects,
    seconds,
    send({ from, to }) {
      for (let due = from; due < to; due++) {
        const begun = performance.now();
        running.push(keda.poll().then(() => void times.push((performance.now() - begun) * 1_000)));
      }
    },
  });
  await Promise.all(running);
  const after = await read();
  const [serverPercent, redisPercent] = after.map(
    (micros, place) => (micros - (before[place] as number)) / seconds / 10_000,
  );
  return { times, serverPercent, redisPercent };
}

const line = (name: string, micros: readonly number[]) => [
  name,
  ...[50, 99, 100].map((percent) => milliseconds(percentile(micros, percent))),
];

printHead("KEDA's external scaler", { Redis: redisVersion() });
print(
  `${pushes} pushes, one after the other; ${calls} polls for each length; ${objects} objects polled each second for ${seconds} s.\n`,
);
progress("pushes");
const rows = [line("first task of an empty mesh to the push", await pushTimes())];
await pause(500);
let queued = 0;
for (const length of [0, 1_000, tasks]) {
  progress(`a queue of ${length}`);
  await fill(length, queued);
  queued = length;
  rows.push(line(`a call, ${thousands(length)} tasks queued`, await callTimes()));
}
progress("a thousand objects");
const polled = await pollTimes();
rows.push(line(`a poll (two calls), ${objects} objects a second`, polled.times));
print(table(["", ">p50 ms", ">p99 ms", ">most ms"], rows));
const percent = (value: number | undefined) => `${(value ?? Number.NaN).toFixed(0)} % of a core`;
print(
  `\nCPU of the ${objects} objects: server ${percent(polled.serverPercent)}, Redis ${percent(polled.redisPercent)}.`,
);
keda.close();
mesh.close();
await server.stop();
resp.close();
await redis.stop();
