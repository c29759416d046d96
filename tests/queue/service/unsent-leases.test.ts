/** Leases that were made for a stream which ends before they have left. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { WorkRequest, WorkResponse } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { defineRole } from "../../../src/agent/role.ts";
import { catalogOf } from "../../../src/agent/role-catalog.ts";
import type { Encoded } from "../../../src/core/call.ts";
import { Channel } from "../../../src/core/channel.ts";
import { silentLogger } from "../../../src/core/log.ts";
import { workerService } from "../../../src/queue/service/worker-service.ts";
import { TestMesh } from "../../support/mesh.ts";

const role = defineRole({
  name: "unsent",
  summary: "for tests",
  input: z.any(),
  output: z.unknown(),
  run: () => null,
});
let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles: [role] });
});
afterAll(() => mesh.close());

test("go back to their queue at once, and their attempts do not count", async () => {
  const service = workerService({
    queue: mesh.queue,
    catalog: catalogOf([role]),
    roleDefault: role.name,
    payloadBytesMax: 1_000_000,
    serverId: "s1",
    log: silentLogger,
    draining: new AbortController().signal,
  });
  const requests = new Channel<WorkRequest>(8);
  const call = {
    signal: new AbortController().signal,
    deadlineMs: undefined,
    peer: "",
    header: () => undefined,
  };
  const responses = service.work(requests, call)[Symbol.asyncIterator]();
  await requests.push(WorkRequest.fromPartial({ hello: { workerId: "w1", slots: 2 }, credit: 2 } as never));
  const { bytes } = (await responses.next()).value as Encoded;
  expect(WorkResponse.decode(bytes).welcome?.serverId).toBe("s1");
  const client = mesh.client();
  const { id } = await client.submit(role.name, {});
  await expect.poll(async () => (await mesh.queue.get(id))?.state, { timeout: 10_000 }).toBe("RUNNING");
  // Nobody has asked for the message that the lease is in.
  await responses.return?.();
  expect(await mesh.queue.get(id)).toMatchObject({ state: "QUEUED", attempt: 0, fence: 1 });
});
