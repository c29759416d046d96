/**
 * How soon clients follow a role's replicas: from the beginning of an instance's registration to the first call that it answers, and
 * from the beginning of its drain to the last call that reaches it. Registry in Redis, control plane, replicas and client
 * are four processes; the client calls all the time.
 *
 *   make bench NAME=discovery-follow ARGS="--replicas 200 --callers 4"
 */
import { setTimeout as pause } from "node:timers/promises";
import { MeshClient } from "../src/client/mesh-client.ts";
import { milliseconds } from "./support/latency.ts";
import { nowMicros } from "./support/now.ts";
import { options } from "./support/options.ts";
import { Part } from "./support/part.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { roleName } from "./support/role.ts";
import { percentile } from "./support/statistics.ts";
import { table } from "./support/table.ts";

const { replicas: count, callers } = options({ replicas: 200, callers: 4 });
/** A caller's next call comes this long after its last. */
const restMs = 1;
/** Without a call for this long, a replica that drains is taken for left. */
const quietMs = 1_500;

const redis = await startRedis({ appendfsync: "everysec" });
const plane = await Part.start("control-plane", { redisUrl: redis.url });
const replicas = await Part.start("replicas", { redisUrl: redis.url });
const add = () => replicas.ask<{ readonly port: number; readonly micros: number }>("add");
const steady = await add();
const mesh = new MeshClient({ controlPlanes: [await plane.ask<string>("address")], role: roleName });

/** By port: who waits for the first answer of a replica. */
const awaited = new Map<string, (micros: number) => void>();
await firstAnswer();
let isOver = false;
const calling = Array.from({ length: callers }, async () => {
  while (!isOver) {
    const { workerId } = await mesh.get(`${roleName}.0`);
    awaited.get(workerId)?.(nowMicros());
    await pause(restMs);
  }
});

/** The control plane may not have heard of the first replica yet. */
async function firstAnswer(): Promise<void> {
  for (;;) {
    try {
      await mesh.get(`${roleName}.0`);
      return;
    } catch {
      await pause(20);
    }
  }
}

/** One replica comes, is called, drains and goes. */
async function life(): Promise<{ readonly first: number; readonly last: number }> {
  const { port, micros } = await add();
  const first = await new Promise<number>((resolve) => awaited.set(String(port), resolve));
  awaited.delete(String(port));
  const drainMicros = await replicas.ask<number>("drain", port);
  const last = await lastCallOf(port);
  await replicas.ask("remove", port);
  return { first: first - micros, last: Math.max(0, last - drainMicros) };
}

async function lastCallOf(port: number): Promise<number> {
  for (;;) {
    const last = await replicas.ask<number>("lastCall", port);
    const left = quietMs - (nowMicros() - last) / 1_000;
    if (left <= 0) return last;
    await pause(left);
  }
}

printHead("Following replicas", {
  Redis: redisVersion(),
  "grpc-js": packageVersion("@grpc/grpc-js"),
  "grpc-js-xds": packageVersion("@grpc/grpc-js-xds"),
});
print(
  `${count} replicas, one after the other, beside one that stays; ${callers} callers, each with a rest of ${restMs} ms.\n`,
);
const lives: Awaited<ReturnType<typeof life>>[] = [];
for (let lived = 0; lived < count; lived++) {
  if (lived % 20 === 0) progress(`${lived} of ${count} replicas`);
  lives.push(await life());
}
const line = (name: string, micros: readonly number[]) => [
  name,
  ...[50, 99, 100].map((percent) => milliseconds(percentile(micros, percent))),
];
const rows = [
  line(
    "registration to first answer",
    lives.map(({ first }) => first),
  ),
  line(
    "drain to last call",
    lives.map(({ last }) => last),
  ),
];
print(table(["", ">p50 ms", ">p99 ms", ">most ms"], rows));
isOver = true;
await Promise.all(calling);
mesh.close();
await replicas.ask("remove", steady.port);
await replicas.stop();
await plane.stop();
await redis.stop();
