/** Two replicas over one Redis: whatever one takes in, the other can work on, tell of and end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { defineRole, type TaskContext } from "../../src/agent/role.ts";
import type { MeshClient } from "../../src/client/mesh-client.ts";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import { Gate, gather, stateName, TestMesh } from "../support/mesh.ts";
import { RedisServer } from "../support/redis.ts";
import { testLimits } from "../support/sqlite.ts";

const handlers = new Map<number, (task: TaskContext) => unknown>();
let keys = 0;
const role = (name: string) =>
  defineRole({
    name,
    summary: "for tests",
    input: z.object({ key: z.number() }),
    output: z.unknown(),
    lease: { seconds: 2 },
    run: ({ key }, task) => handlers.get(key)?.(task),
  });
const roles = [role("one"), role("two")];

let redis: RedisServer;
let replicas: [TestMesh, TestMesh];
let clients: [MeshClient, MeshClient];
beforeAll(async () => {
  redis = await RedisServer.start();
  const openStore = () => openRedisStore({ url: redis.url, prefix: "replicas", limits: testLimits });
  replicas = [await TestMesh.start({ roles, openStore }), await TestMesh.start({ roles, openStore })];
  clients = [replicas[0].client(), replicas[1].client()];
  replicas[0].work();
});
afterAll(async () => {
  for (const replica of replicas) await replica.close();
  await redis.stop();
});

const given = (handler: (task: TaskContext) => unknown) => {
  handlers.set(++keys, handler);
  return { key: keys };
};

test("a task taken in by one is worked on at the other, and both tell of it", async () => {
  const input = given((task) => {
    task.log("here");
    return "done";
  });
  const { id } = await clients[1].submit("one", input);
  const [here, there] = await Promise.all(clients.map((client) => gather(client.watch(id))));
  expect(here).toEqual(there);
  expect(await clients[1].result(id)).toBe("done");
});

test("a cancel at one reaches a handler at the other within a second", async () => {
  const gate = new Gate();
  const seen = Promise.withResolvers<number>();
  const input = given(async (task) => {
    task.signal.addEventListener("abort", () => seen.resolve(performance.now()));
    await gate.pass();
  });
  const { id } = await clients[1].submit("one", input);
  await gate.reached();
  const began = performance.now();
  await clients[1].cancel(id);
  expect((await seen.promise) - began).toBeLessThan(1_000);
  gate.open();
});

test("children and suspensions go through both queues", async () => {
  const child = given((task) => `child ${task.attempt}`);
  const parent = given(async (task) => {
    if (task.resumed) return [task.resumed, await task.call("two", child)];
    const { id } = await task.mesh.submit("two", child);
    return task.suspend([id], "again");
  });
  const { id } = await clients[1].submit("one", parent);
  expect(await clients[1].result(id)).toEqual(["again", "child 1"]);
});

test("a replica that goes leaves its queue to the other; its worker comes back", async () => {
  const gate = new Gate();
  let runs = 0;
  const held = given(async () => {
    runs += 1;
    await gate.pass();
    return "once";
  });
  const { id } = await clients[1].submit("one", held);
  await gate.reached();
  await replicas[0].down();
  const quick = given(() => "meanwhile");
  const other = replicas[1].work();
  const { id: meanwhile } = await clients[1].submit("two", quick);
  expect(await clients[1].result(meanwhile)).toBe("meanwhile");
  await replicas[0].up();
  gate.open();
  expect(await clients[1].result(id)).toBe("once");
  expect({ runs, attempt: (await clients[0].get(id)).attempt }).toEqual({ runs: 1, attempt: 1 });
  await other.drain(1_000);
});

test("a thousand tasks submitted at both, worked on at both, run once each", async () => {
  const ran: string[] = [];
  const input = given((task) => void ran.push(task.id));
  const other = replicas[1].work();
  const made = await Promise.all(
    clients.map((client) => client.submitAll(Array.from({ length: 500 }, () => ({ role: "two", input })))),
  );
  const ids = made.flat().map(({ taskId }) => taskId);
  const tasks = await Promise.all(ids.map((id, nth) => clients[(nth % 2) as 0 | 1].wait(id)));
  expect(tasks.filter(({ state }) => stateName(state) !== "SUCCEEDED")).toEqual([]);
  expect(ran.sort()).toEqual(ids.sort());
  await other.drain(1_000);
});
