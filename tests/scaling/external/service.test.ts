/** The external scaler as KEDA uses it: real servers, a real queue, the calls in KEDA's order. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { defineRole } from "../../../src/agent/role.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { limits } from "../../../src/core/limits.ts";
import { openRedisStore } from "../../../src/queue/redis/store.ts";
import type { ScaleSettings } from "../../../src/scaling/decide.ts";
import { externalScaler } from "../../../src/scaling/external/service.ts";
import { RoleLoads } from "../../../src/scaling/role-loads.ts";
import { TestMesh, type TestMeshOptions } from "../../support/mesh.ts";
import { RedisServer } from "../../support/redis.ts";
import { testLimits } from "../../support/sqlite.ts";
import { finish, leaseOne, succeeded, term } from "../../support/tasks.ts";
import { Keda, type Metadata } from "./keda.ts";

const role = (name: string, scale: ScaleSettings) =>
  defineRole({ name, summary: "for tests", input: z.any(), output: z.unknown(), scale, run: () => null });
const roles = [
  role("coding", { min: 0, max: 20, tasksPerReplica: 4 }),
  role("testing", { min: 2, max: 20, tasksPerReplica: 8 }),
];

function start(options: Partial<TestMeshOptions> = {}): Promise<TestMesh> {
  return TestMesh.start({
    roles,
    foreign: (queue) => [
      externalScaler({
        scales: new Map(roles.map(({ name, scale }) => [name, scale])),
        loads: new RoleLoads(queue, systemClock),
        activity: (listener) => queue.onReady(listener),
      }),
    ],
    ...options,
  });
}

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await start();
});
afterAll(() => mesh.close());
afterEach(async () => {
  const client = mesh.client();
  for (const name of ["coding", "testing"]) {
    await client.control.resume(name);
    await client.control.configure(name, {});
    for (const { id, state } of await Array.fromAsync(client.list({ role: name })))
      if (state < 6) await client.cancel(id);
  }
});

function keda(metadata: Metadata = { role: "coding" }, of = mesh): Keda {
  const made = new Keda(of.address, metadata);
  onTestFinished(() => made.close());
  return made;
}

/** What a stream tells, in order. */
function told(stream: ReturnType<Keda["push"]>) {
  const values: boolean[] = [];
  let error: { code?: number } | undefined;
  stream.on("data", ({ result }) => values.push(result));
  stream.on("error", (thrown) => {
    error = thrown as never;
  });
  onTestFinished(() => stream.cancel());
  return { values, ended: () => error };
}

describe("a poll", () => {
  test("learns what one replica carries, then the work and whether there is any", async () => {
    const scaler = keda();
    const spec = await scaler.spec();
    expect(spec).toEqual({ metricName: "s0-agentmesh-tasks", targetSize: 4, targetSizeFloat: 4 });
    expect(await scaler.poll(spec.metricName)).toEqual({ metric: 0, active: false });
    const client = mesh.client();
    for (let task = 0; task < 5; task++) await client.submit("coding");
    await leaseOne(mesh.store, "coding");
    // One runs, four wait.
    expect(await scaler.poll(spec.metricName)).toEqual({ metric: 5, active: true });
  });

  test("counts what runs until it has ended", async () => {
    const scaler = keda();
    await mesh.client().submit("coding");
    const task = await leaseOne(mesh.store, "coding");
    expect(await scaler.poll()).toEqual({ metric: 1, active: true });
    await finish(mesh.store, term(task), succeeded);
    expect(await scaler.poll()).toEqual({ metric: 0, active: false });
  });

  test("counts what is due soon, and not what is due later", async () => {
    const scaler = keda();
    await mesh.client().submit("coding", null, { delayMs: 3_600_000 });
    expect(await scaler.poll()).toEqual({ metric: 0, active: false });
    await mesh.client().submit("coding", null, { delayMs: 5_000 });
    expect(await scaler.poll()).toEqual({ metric: 1, active: true });
  });

  test("does not count what no worker would be given: of a paused queue, and beyond a cap", async () => {
    const client = mesh.client();
    for (let task = 0; task < 9; task++) await client.submit("coding");
    const scaler = keda();
    await client.control.configure("coding", { runningMax: 3 });
    expect(await scaler.poll()).toEqual({ metric: 3, active: true });
    await client.control.pause("coding");
    expect(await scaler.poll()).toEqual({ metric: 0, active: false });
  });

  test("is of its trigger's role, with the trigger's own numbers", async () => {
    await mesh.client().submit("testing");
    expect(await keda({ role: "testing" }).poll()).toEqual({ metric: 1, active: true });
    const own = keda({
      role: "testing",
      tasksPerReplica: "2.5",
      scalerAddress: "scaler:9090",
      enableTLS: "true",
    });
    expect(await own.spec()).toMatchObject({ targetSize: 3, targetSizeFloat: 2.5 });
  });
});

describe("a trigger that cannot be meant is refused", () => {
  test.each<[string, Metadata, RegExp]>([
    ["no role", {}, /scalerMetadata\.role: is required: one of coding, testing/],
    [
      "an unknown role",
      { role: "codng" },
      /there is no role "codng"\. Did you mean "coding"\? Known are: coding, testing/,
    ],
    [
      "an unknown field",
      { role: "coding", taskPerReplica: "3" },
      /scalerMetadata\.taskPerReplica: is not known; there are role, tasksPerReplica/,
    ],
    [
      "no number",
      { role: "coding", tasksPerReplica: "many" },
      /tasksPerReplica: is "many"; it must be a number from 0\.01 to 100000/,
    ],
    ["an empty number", { role: "coding", tasksPerReplica: " " }, /tasksPerReplica: is " "/],
    [
      "a number out of bounds",
      { role: "coding", targetWaitSeconds: "0" },
      /targetWaitSeconds: is "0"; it must be a number from 0\.1/,
    ],
    [
      "a part of no wait",
      { role: "coding", targetWaitPercent: "90" },
      /targetWaitPercent: has no meaning without targetWaitSeconds/,
    ],
  ])("%s", async (_, metadata, says) => {
    const scaler = keda(metadata);
    for (const call of [() => scaler.spec(), () => scaler.poll()])
      await expect(call()).rejects.toMatchObject({ code: 3, details: expect.stringMatching(says) });
    const stream = told(scaler.push());
    await vi.waitFor(() => expect(stream.ended()).toMatchObject({ code: 3 }));
  });

  test("another metric than the one there is", async () => {
    await expect(keda().poll("s0-others")).rejects.toMatchObject({
      code: 3,
      details: expect.stringMatching(/metricName: is "others"; the one metric is agentmesh-tasks/),
    });
  });
});

describe("a push", () => {
  test("comes at once, within 50 ms of the first work, and when there is none left", async () => {
    const scaler = keda();
    const { values } = told(scaler.push());
    await vi.waitFor(() => expect(values).toEqual([false]));
    const client = mesh.client();
    const { id } = await client.submit("coding");
    // The bench has how soon; a test that others share the machine with is generous.
    await vi.waitFor(() => expect(values).toEqual([false, true]), { timeout: 1_000, interval: 5 });
    await client.cancel(id);
    await vi.waitFor(() => expect(values).toEqual([false, true, false]), 5_000);
  });

  test("is no work of other roles", async () => {
    const { values } = told(keda({ role: "testing" }).push());
    await vi.waitFor(() => expect(values).toEqual([false]));
    await mesh.client().submit("coding");
    await mesh.client().submit("testing");
    await vi.waitFor(() => expect(values).toEqual([false, true]));
  });

  test("comes of work that falls due, which nobody signals", async () => {
    const { values } = told(keda().push());
    await vi.waitFor(() => expect(values).toEqual([false]));
    await mesh.client().submit("coding", null, { delayMs: 31_000 });
    await vi.waitFor(() => expect(values).toEqual([false, true]), 5_000);
  });

  test("goes on at a server that comes back", async () => {
    const moved = await start();
    onTestFinished(() => moved.close());
    const scaler = keda({ role: "coding" }, moved);
    const first = told(scaler.push());
    await vi.waitFor(() => expect(first.values).toEqual([false]));
    await moved.down();
    await vi.waitFor(() => expect(first.ended()).toBeDefined());
    await moved.up();
    await moved.client().submit("coding");
    const second = told(scaler.push());
    await vi.waitFor(() => expect(second.values).toEqual([true]), 5_000);
  });

  test("of the metric's size comes once, and the stream stays", async () => {
    const stream = keda().watchSpec();
    onTestFinished(() => stream.cancel());
    stream.on("error", () => {});
    const [{ metricSpecs }] = await once(stream, "data");
    expect(metricSpecs).toEqual([{ metricName: "agentmesh-tasks", targetSize: 4, targetSizeFloat: 4 }]);
    expect(await keda().poll()).toBeDefined();
    expect(stream.readableEnded).toBe(false);
  });
});

describe("a store that is away", () => {
  test("is an error, never a zero; streams say nothing meanwhile, and go on", async () => {
    const redis = await RedisServer.start();
    const openStore = () =>
      openRedisStore({ url: redis.url, limits: { ...testLimits, queueTasksMax: limits.queueTasksMax } });
    const away = await start({ openStore });
    onTestFinished(async () => {
      await away.close();
      await redis.stop();
    });
    await away.client().submit("coding");
    const scaler = keda({ role: "coding" }, away);
    expect(await scaler.poll()).toEqual({ metric: 1, active: true });
    const { values, ended } = told(scaler.push());
    await vi.waitFor(() => expect(values).toEqual([true]));
    await redis.kill();
    await expect(scaler.poll()).rejects.toMatchObject({ code: 14 });
    const late = told(scaler.push());
    await vi.waitFor(() => expect(late.ended()).toMatchObject({ code: 14 }), 5_000);
    expect([values, ended()]).toEqual([[true], undefined]);
    await redis.start();
    // Nothing was persisted: what was there is gone.
    await vi.waitFor(async () => expect(await scaler.poll()).toEqual({ metric: 0, active: false }), 10_000);
    await vi.waitFor(() => expect(values).toEqual([true, false]), 5_000);
  });
});
