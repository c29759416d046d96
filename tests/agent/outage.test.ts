/** A worker whose server has lost its store for a while. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../src/agent/role.ts";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import { Gate, TestMesh } from "../support/mesh.ts";
import { RedisServer } from "../support/redis.ts";
import { testLimits } from "../support/sqlite.ts";

let gate: Gate;
const role = defineRole({
  name: "patient",
  summary: "for tests",
  input: z.any(),
  output: z.unknown(),
  concurrency: 1,
  // Longer than the outage: nobody else gets its tasks.
  lease: { seconds: 60 },
  run: async (_, task) => {
    await gate.pass();
    return { attempt: task.attempt };
  },
});
let redis: RedisServer;
let mesh: TestMesh;

beforeEach(async () => {
  gate = new Gate();
  redis = await RedisServer.start({ appendfsync: "always" });
  const openStore = () => openRedisStore({ url: redis.url, limits: testLimits });
  mesh = await TestMesh.start({ roles: [role], openStore });
});
afterEach(async () => {
  await mesh.close();
  await redis.stop();
});

test("sends an end that the store could not take until it is taken, and goes on with the next", async () => {
  mesh.work();
  const client = mesh.client();
  const [first, second] = (await client.submitAll([{ role: role.name }, { role: role.name }])).map(
    ({ taskId }) => taskId,
  ) as [string, string];
  await gate.reached();
  await redis.kill();
  gate.open();
  // The store gives the end up after two seconds: from then on the worker has been told that it was not taken.
  const given = await mesh.queue.ping().then(
    () => "up",
    (error: { reason?: string }) => error.reason,
  );
  expect(given).toBe("STORE_UNAVAILABLE");
  await redis.start();
  for (const id of [first, second])
    expect(await client.wait(id, { timeoutMs: 15_000 })).toMatchObject({
      state: TaskState.SUCCEEDED,
      attempt: 1,
    });
});
