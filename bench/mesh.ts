/**
 * The whole mesh in processes of their own: client → gRPC → server → Redis → WorkerService stream → worker → ack, beside
 * BullMQ without any gRPC, and its unary calls beside a bare grpc-js server.
 *
 *   make bench NAME=mesh ARGS="--rounds 5 --tasks 20000 --calls 5000"
 */
import { Queue as BullQueue } from "bullmq";
import { SubmitTaskRequest } from "../gen/grpc/agentmesh/v1/task.ts";
import type { RedisServer } from "../tests/support/redis.ts";
import { BenchMesh } from "./support/bench-mesh.ts";
import { EchoClient } from "./support/echo.ts";
import { type LatencyContender, latencyTable, measureLatency, Timed } from "./support/latency.ts";
import { type Contender, crowd, measure } from "./support/measure.ts";
import { type Meter, ownMeter, redisMeter } from "./support/meters.ts";
import { options } from "./support/options.ts";
import { Part } from "./support/part.ts";
import { bullOptions, payloadBytes, workerSlots } from "./support/queue-contenders.ts";
import { startRedis } from "./support/redis-server.ts";
import { packageVersion, print, printHead, progress, redisVersion } from "./support/report.ts";
import { RespClient } from "./support/resp.ts";
import { benchInput, benchSpec } from "./support/role.ts";
import { median } from "./support/statistics.ts";
import { cpuInAll, ratioOf, throughputTable } from "./support/table.ts";

const { rounds, tasks, calls } = options({ rounds: 5, tasks: 20_000, calls: 5_000 });
const inFlight = 64;
const batch = 100;
const batchesInFlight = 4;
const largeBytes = 10_000;

const client = ownMeter("client");
const specs = () => Array.from({ length: batch }, () => benchSpec(payloadBytes));

/** By stream, from end to end. `worker`: what runs the tasks. */
function wholeMesh(name: string, mesh: BenchMesh, worker: Part, redis: Meter): Contender {
  let done = 0;
  return {
    name,
    meters: [client, mesh.server.meter("server"), worker.meter("worker"), redis],
    async run(count) {
      done += count;
      await crowd(count / batch, batchesInFlight, () => mesh.stream.submit(specs()));
      await worker.ask("until", done);
      await mesh.settled();
    },
  };
}

function wholeBull(queue: BullQueue, worker: Part, redis: Meter): Contender {
  let done = 0;
  const jobs = () => Array.from({ length: batch }, () => ({ name: "task", data: benchInput(payloadBytes) }));
  return {
    name: `BullMQ, addBulk(${batch}) and a worker`,
    meters: [client, worker.meter("worker"), redis],
    async run(count) {
      done += count;
      await crowd(count / batch, batchesInFlight, () => queue.addBulk(jobs()));
      await worker.ask("until", done);
    },
  };
}

async function endToEnd(server: RedisServer, redis: Meter): Promise<string> {
  progress("end to end");
  const streamed = await BenchMesh.start({ redisUrl: server.url, prefix: "streamed" });
  const role = await BenchMesh.start({ redisUrl: server.url, prefix: "role" });
  const queue = new BullQueue("bench", {
    connection: { host: "127.0.0.1", port: server.port },
    defaultJobOptions: bullOptions,
  });
  const bull = await Part.start("bull-worker", { port: server.port, queue: "bench", slots: workerSlots });
  const stream = await streamed.streamWorker({ streams: 1, credit: workerSlots });
  const roleWorker = await role.roleWorker({ slots: workerSlots });
  const contenders = [
    wholeMesh("agentmesh, a bare WorkerService stream", streamed, stream, redis),
    wholeMesh("agentmesh, a role's worker", role, roleWorker, redis),
    wholeBull(queue, bull, redis),
  ];
  const measured = await measure(contenders, { tasks: Math.ceil(tasks / 500) * 500, rounds });
  await bull.stop();
  await queue.close();
  for (const mesh of [streamed, role]) await mesh.close();
  const [ours, , theirs] = measured.map(cpuInAll);
  const ratio = ratioOf(theirs as number, ours as number);
  const rows = throughputTable([{ title: `by ${batch}, ${workerSlots} slots`, measured }]);
  return `${rows}\n\nCPU of all processes, BullMQ's over agentmesh's with a bare stream: **${ratio}**.`;
}

async function submits(mesh: BenchMesh, echo: EchoClient, echoServer: Part, redis: Meter): Promise<string> {
  progress("submits");
  const server = mesh.server.meter("server");
  const request = () => SubmitTaskRequest.create({ spec: benchSpec(payloadBytes) });
  const contenders: Contender[] = [
    {
      name: `SubmitTask, ${inFlight} in flight`,
      meters: [client, server, redis],
      run: (count) => crowd(count, inFlight, () => mesh.client.submitSpec(benchSpec(payloadBytes))),
    },
    {
      name: `bare grpc-js echo, ${inFlight} in flight`,
      meters: [client, echoServer.meter("server")],
      run: (count) => crowd(count, inFlight, () => echo.call("echo", request())),
    },
    {
      name: `SubmitStream, ${batchesInFlight} batches of ${batch} in flight`,
      meters: [client, server, redis],
      run: (count) => crowd(count / batch, batchesInFlight, () => mesh.stream.submit(specs())),
    },
  ];
  const measured = await measure(contenders, { tasks: Math.ceil(calls / 500) * 500, rounds });
  const [unary, , streamed] = measured.map(({ samples }) => median(samples.map((one) => one.perSecond)));
  const ratio = ratioOf(streamed as number, unary as number);
  return `${throughputTable([{ title: "", measured }])}\n\nSubmitStream over SubmitTask: **${ratio}**.`;
}

async function largeCalls(
  mesh: BenchMesh,
  echo: EchoClient,
  echoServer: Part,
  redis: Meter,
): Promise<string> {
  progress("10 KB calls");
  const request = () => SubmitTaskRequest.create({ spec: benchSpec(largeBytes) });
  const timed = (name: string, meters: readonly Meter[], one: () => Promise<unknown>): LatencyContender => {
    const times = new Timed();
    return {
      name,
      meters,
      run: (count) => times.crowd(count, inFlight, one),
      latency: () => times.latency(),
    };
  };
  const stock = [client, echoServer.meter("server")];
  const contenders = [
    timed("SubmitTask", [client, mesh.server.meter("server"), redis], () =>
      mesh.client.submitSpec(benchSpec(largeBytes)),
    ),
    timed("stock grpc-js, echoed", stock, () => echo.call("echo", request())),
    timed("stock grpc-js, answered in short", stock, () => echo.call("take", request())),
  ];
  return latencyTable(await measureLatency(contenders, { tasks: Math.ceil(calls / 2), rounds }));
}

const server = await startRedis({ appendfsync: "everysec" });
const resp = await RespClient.connect(server.port);
const redis = redisMeter(resp);
printHead("The whole mesh", {
  Redis: redisVersion(),
  BullMQ: packageVersion("bullmq"),
  "grpc-js": packageVersion("@grpc/grpc-js"),
});
print(`Redis everysec; median of ${rounds} interleaved rounds; ${payloadBytes}-byte payloads.`);
print(`\n### Client to ack\n\n${await endToEnd(server, redis)}`);
const mesh = await BenchMesh.start({ redisUrl: server.url, prefix: "submits" });
const echoServer = await Part.start("echo-server", {});
const echo = new EchoClient(await echoServer.ask("address"));
print(`\n### Submits without a worker\n\n${await submits(mesh, echo, echoServer, redis)}`);
print(`\n### 10 KB messages, ${inFlight} in flight\n\n${await largeCalls(mesh, echo, echoServer, redis)}`);
echo.close();
await echoServer.stop();
await mesh.close();
resp.close();
await server.stop();
