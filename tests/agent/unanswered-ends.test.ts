import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import {
  Lease,
  type TaskOutcome,
  WorkerServiceService,
  type WorkRequest,
  WorkResponse,
} from "../../gen/grpc/agentmesh/v1/worker.ts";
import { defineRole } from "../../src/agent/role.ts";
import { WorkerPool } from "../../src/agent/worker-pool.ts";
import { MeshError } from "../../src/core/errors.ts";
import { silentLogger } from "../../src/core/log.ts";
import { startGrpcServer } from "../../src/rpc/server.ts";

const role = defineRole({
  name: "ends",
  summary: "for tests",
  concurrency: 3,
  input: z.any(),
  output: z.any(),
  run: (_input, task) => task.id,
});

/** A server of three leases that ends each stream on which it is told an end that it cannot `read`; and a worker of it. */
async function served(read: (outcome: TaskOutcome) => boolean) {
  const finished: TaskOutcome[] = [];
  const streams: number[] = [];
  const all = Promise.withResolvers<void>();
  async function* work(requests: AsyncIterable<WorkRequest>): AsyncGenerator<WorkResponse> {
    let isWorker = false;
    for await (const { hello, finish, credit } of requests) {
      if (hello) {
        isWorker = hello.slots > 0;
        if (isWorker) streams.push(performance.now());
        yield WorkResponse.fromPartial({ welcome: { payloadBytesMax: 1_000 } });
      }
      if (!finish.every(read)) throw new MeshError("INVALID_FIELD", "request: cannot be decoded");
      if (isWorker && credit === 3 && streams.length === 1)
        yield WorkResponse.fromPartial({ leases: leases() });
      finished.push(...finish);
      if (finish.length > 0)
        yield WorkResponse.fromPartial({ finished: finish.map(({ term }) => ({ term, accepted: true })) });
      if (finished.length === 3) all.resolve();
    }
  }
  const server = await startGrpcServer({
    host: "127.0.0.1",
    port: 0,
    portSetting: "",
    services: [{ name: "agentmesh.v1.WorkerService", definition: WorkerServiceService, handlers: { work } }],
    log: silentLogger,
    observe: () => {},
  });
  const lost: unknown[] = [];
  const log = { ...silentLogger, error: (fields: object) => void lost.push(fields) };
  const pool = new WorkerPool({
    roles: [role],
    address: `127.0.0.1:${server.port}`,
    processId: "p",
    version: "test",
    sandbox: () => Promise.reject(new Error("no sandbox in this test")),
    log: { ...log, child: () => ({ ...log, child: () => silentLogger }) },
  });
  pool.start();
  onTestFinished(async () => {
    await pool.drain(0);
    await server.drain(0);
  });
  return { finished, all: all.promise, streams, lost, pool };
}

const leases = () =>
  ["ends.1", "ends.2", "ends.3"].map((taskId) =>
    Lease.fromPartial({ term: { taskId, fence: 1 }, attempt: 1 }),
  );
const isBad = ({ term }: TaskOutcome) => term?.taskId === "ends.2";

test("an end that breaks its stream is failed, and its neighbours' ends arrive", async () => {
  const { finished, all, streams, lost } = await served(
    (outcome) => !(isBad(outcome) && outcome.result?.$case === "succeeded"),
  );
  await all;
  expect(finished.map(({ term, result }) => [term?.taskId, result?.$case]).sort()).toEqual([
    ["ends.1", "succeeded"],
    ["ends.2", "failed"],
    ["ends.3", "succeeded"],
  ]);
  expect(finished.find(isBad)?.result).toMatchObject({
    value: { error: { kind: "INVALID_OUTPUT", retryable: false } },
  });
  expect(lost).toMatchObject([{ task: "ends.2" }]);
  expect(streams.length).toBeLessThanOrEqual(4);
});

test("an end whose failure breaks its stream too is let go of", async () => {
  const { finished, lost, streams, pool } = await served((outcome) => !isBad(outcome));
  await expect.poll(() => lost.length, { timeout: 15_000 }).toBe(2);
  await expect.poll(() => finished.length).toBe(2);
  await expect.poll(() => pool.disconnected(), { timeout: 5_000 }).toEqual([]);
  expect(streams.length).toBeLessThanOrEqual(6);
});
