/**
 * Many workers on one server, each a connection with a WorkerService stream: the server's memory for each, what they cost it
 * while they wait, and how long it takes to hand tasks out to all of them.
 *
 *   make bench NAME=workers ARGS="--workers 1000 --tasks 10000 --rounds 5 --idleSeconds 5"
 */
import { setTimeout as pause } from "node:timers/promises";
import { BenchMesh } from "./support/bench-mesh.ts";
import { type Contender, crowd, type Sample, sample } from "./support/measure.ts";
import { ownMeter, redisMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { payloadBytes } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { benchSpec } from "./support/role.ts";
import { withRange } from "./support/statistics.ts";
import { mebibytes, table, throughputTable } from "./support/table.ts";

const { workers, tasks, rounds, idleSeconds } = options({
  workers: 1_000,
  tasks: 10_000,
  rounds: 5,
  idleSeconds: 5,
});
const batch = 100;

const server = await startRedis({ appendfsync: "everysec" });
const resp = await RespClient.connect(server.port);
const mesh = await BenchMesh.start({ redisUrl: server.url });
printHead("Many workers on one server", { Redis: redisVersion() });
print(`${workers} workers, a connection each, in one process; ${tasks} tasks; median of ${rounds} rounds.`);
progress(`${workers} workers connect`);
const before = await mesh.server.usage(true);
const crew = await mesh.streamWorker({ streams: workers, credit: 0, isRegranted: false });
const after = await mesh.server.usage(true);

/** As many for each worker, so that the credit of each comes out even. */
const step = workers % batch === 0 ? workers : workers * batch;
const each = Math.ceil(tasks / step) * step;
const grant = () => crew.ask("grant", each / workers);
const submit = () =>
  crowd(each / batch, 4, () =>
    mesh.stream.submit(Array.from({ length: batch }, () => benchSpec(payloadBytes))),
  );
/** For credit that is under way to be with the server; nothing tells when the last is. */
const underWayMs = 500;

let handed = 0;
async function handOut(begin: () => Promise<unknown>): Promise<void> {
  handed += each;
  await begin();
  await crew.ask("untilHanded", handed);
}

const meters = [ownMeter("client"), mesh.server.meter("server"), crew.meter("workers"), redisMeter(resp)];
const contenders: readonly Contender[] = [
  {
    name: "queued before, then all grant credit",
    meters,
    async prepare() {
      await mesh.settled();
      await submit();
    },
    run: () => handOut(grant),
  },
  {
    name: `all wait with credit, then submitted by ${batch}`,
    meters,
    async prepare() {
      await mesh.settled();
      await grant();
      await pause(underWayMs);
    },
    run: () => handOut(submit),
  },
];

progress("hand-outs");
for (const contender of contenders) await sample(contender, each);
const samples = contenders.map((): Sample[] => []);
for (let round = 0; round < rounds; round++)
  for (const [index, contender] of contenders.entries()) samples[index]?.push(await sample(contender, each));
const measured = contenders.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }));

progress("idle");
await mesh.settled();
await grant();
await pause(underWayMs);
const idleBefore = await mesh.server.usage();
await pause(idleSeconds * 1_000);
const idleAfter = await mesh.server.usage();
const idlePercent = (idleAfter.cpuMicros - idleBefore.cpuMicros) / idleSeconds / 10_000;

const perWorker = (bytes: number) => `${(bytes / workers / 1_024).toFixed(1)} KiB`;
const facts = [
  ["server memory without workers (RSS)", mebibytes(before.rssBytes)],
  ["server memory with all of them (RSS)", mebibytes(after.rssBytes)],
  ["a worker (RSS)", perWorker(after.rssBytes - before.rssBytes)],
  ["a worker (V8 heap)", perWorker(after.heapBytes - before.heapBytes)],
  ["server CPU while all wait with credit", `${idlePercent.toFixed(1)} % of a core`],
  ...measured.map((one) => [
    `${each} tasks handed out; ${one.name}`,
    withRange(
      one.samples.map(({ perSecond }) => (each / perSecond) * 1_000),
      (ms) => `${ms.toFixed(0)} ms`,
    ),
  ]),
];
print(`\n${table(["", ">"], facts)}`);
print(`\n${throughputTable(measured.map((one) => ({ title: "hand out", measured: [one] })))}`);
await mesh.close();
resp.close();
await server.stop();
