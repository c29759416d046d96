/** Whole queues through real gRPC: pausing, policies, purging, putting back what failed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { TaskServiceService, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../../src/agent/role.ts";
import type { MeshClient } from "../../../src/client/mesh-client.ts";
import { fromPayload } from "../../../src/core/payload.ts";
import type { Connection } from "../../../src/rpc/connection.ts";
import { until } from "../../contract/store/kit.ts";
import { errorOf, stateName, TestMesh, WorkStream } from "../../support/mesh.ts";
import { failure, finish, leaseOne, succeeded, term, uniqueQueue } from "../../support/tasks.ts";

const input = z.object({ n: z.number().optional(), to: z.string().optional() });
const limited = uniqueQueue("limited");
const roles = [
  ...Array.from({ length: 20 }, () => uniqueQueue("c")).map((name) =>
    defineRole({ name, summary: "for tests", input, output: z.unknown(), run: () => null }),
  ),
  defineRole({
    ...{ name: limited, summary: "for tests", input, output: z.unknown(), run: () => null },
    limits: { running: 3, perSecond: 100 },
  }),
];
let used = 0;
/** A queue that no other test uses. */
const freshRole = () => roles[used++]!.name;

let mesh: TestMesh;
let client: MeshClient;
let connection: Connection;

beforeAll(async () => {
  mesh = await TestMesh.start({ roles });
  client = mesh.client();
  connection = mesh.connection();
});
afterAll(() => mesh.close());

const state = async (id: string) => stateName((await client.get(id)).state);
const status = async (role: string) => (await client.queues([role]))[0]!;
const submitted = async (role: string, count = 1, more = {}) =>
  (await client.submitAll(Array.from({ length: count }, () => ({ role, ...more })))).map(
    ({ taskId }) => taskId,
  );

/** A task that failed for good. */
async function failed(role: string, kind = "BROKEN", more = {}): Promise<string> {
  const [id] = await submitted(role, 1, more);
  const task = await leaseOne(mesh.store, role);
  await finish(mesh.store, term(task), { kind: "failed", failure: failure({ kind, retryable: false }) });
  expect(await state(id!)).toBe("FAILED");
  return id!;
}

/** A worker of one stream, with as much credit as it is given. */
function working(role: string, credit: number, labels = {}): WorkStream {
  const stream = new WorkStream(connection, { role, workerId: uniqueQueue("w"), labels });
  stream.say({ credit });
  return stream;
}

describe("a pause", () => {
  test("holds tasks back on every stream until it is undone, and tells who paused it and why", async () => {
    const role = freshRole();
    const paused = await client.control.pause(role, { reason: "deploy", actor: "anna" });
    expect(paused).toMatchObject({ role, paused: true, pauseReason: "by anna: deploy" });
    const [id] = await submitted(role);
    const stream = working(role, 5);
    await until(async () => (await client.explain(id!)).reasons[0]?.kind === "QUEUE_PAUSED");
    const { reasons } = await client.explain(id!);
    expect(reasons[0]?.message).toContain("is paused by anna: deploy");
    expect((await status(role)).pauseTime).toBeInstanceOf(Date);
    expect(stream.all("leases")).toEqual([]);
    expect(await client.control.resume(role)).toMatchObject({
      paused: false,
      pauseReason: "",
      pauseTime: undefined,
    });
    await stream.next("leases");
    stream.cancel();
  });

  test("lets what runs go on", async () => {
    const role = freshRole();
    const [id] = await submitted(role);
    const task = await leaseOne(mesh.store, role);
    await client.control.pause(role, { reason: "later" });
    expect(await finish(mesh.store, term(task), succeeded)).toMatchObject({ accepted: true });
    expect(await state(id!)).toBe("SUCCEEDED");
  });

  test("of a role that is none, or with more words than are allowed, is refused", async () => {
    expect(await errorOf(client.control.pause("nobody", { reason: "x" }))).toMatchObject({
      reason: "UNKNOWN_ROLE",
    });
    const long = await errorOf(
      client.control.pause(roles[0]!.name, { reason: "x".repeat(1_025), actor: "a\nb" }),
    );
    expect(long.fields.map(({ field }) => field)).toEqual(["reason", "actor"]);
    expect((await errorOf(client.control.resume(""))).reason).toBe("UNKNOWN_ROLE");
  });
});

describe("a policy", () => {
  test("is the role's own until an operator sets another, and again after a reset", async () => {
    const own = {
      runningMax: 3,
      runningPerKeyMax: 0,
      rate: { perSecond: 100, burst: 100 },
      ratePerKey: undefined,
    };
    expect((await status(limited)).policy).toMatchObject(own);
    const set = await client.control.configure(limited, { runningMax: 1 });
    expect(set.policy).toMatchObject({ runningMax: 1, rate: undefined });
    expect((await client.control.reset(limited)).policy).toMatchObject(own);
  });

  test("caps what runs at once, whole and by key", async () => {
    const role = freshRole();
    await client.control.configure(role, { runningMax: 3, runningPerKeyMax: 2 });
    const same = await submitted(role, 4, { concurrencyKey: "tenant-7" });
    const stream = working(role, 10);
    await stream.next("leases", 2);
    const waiting = same.filter((id) => !stream.all("leases").some(({ term }) => term?.taskId === id));
    expect(waiting).toHaveLength(2);
    const capped = await client.explain(waiting[0]!);
    expect(capped.reasons[0]).toMatchObject({
      kind: "CAP_REACHED",
      metadata: { of: "key", key: "tenant-7" },
    });
    expect(capped.reasons[0]?.message).toContain("cap 2/2 for tenant-7");
    const others = await submitted(role, 2);
    await stream.next("leases", 3);
    expect(stream.all("leases")[2]?.spec?.concurrencyKey).toBe("");
    const last = others.find((id) => id !== stream.all("leases")[2]?.term?.taskId)!;
    expect((await client.explain(last)).reasons[0]?.message).toContain(`cap 3/3 for the queue ${role}`);
    await client.control.configure(role, {});
    await stream.next("leases", 6);
    stream.cancel();
  });

  test("holds tasks to a rate, and the next is told", async () => {
    const role = freshRole();
    await client.control.configure(role, { rate: { perSecond: 0.01, burst: 2 } });
    const ids = await submitted(role, 3);
    const stream = working(role, 10);
    await stream.next("leases", 2);
    const last = ids.find((id) => !stream.all("leases").some(({ term }) => term?.taskId === id))!;
    const { reasons } = await client.explain(last);
    expect(reasons[0]).toMatchObject({ kind: "RATE_REACHED", metadata: { of: "queue" } });
    expect(Number(reasons[0]?.metadata.wait_ms)).toBeGreaterThan(50_000);
    await client.control.configure(role, {});
    await stream.next("leases", 3);
    stream.cancel();
  });

  test("out of bounds is refused by each field, with the limit", async () => {
    const error = await errorOf(
      client.control.configure(roles[0]!.name, {
        runningMax: 1_000_001,
        runningPerKeyMax: -1,
        rate: { perSecond: 0, burst: 1 },
        ratePerKey: { perSecond: 1, burst: -1 },
        tenantWeights: { acme: 101 },
      }),
    );
    expect(error.reason).toBe("INVALID_FIELD");
    expect(error.fields.map(({ field }) => field)).toEqual([
      "policy.running_max",
      "policy.running_per_key_max",
      "policy.rate.per_second",
      "policy.rate_per_key.burst",
      "policy.tenant_weights",
    ]);
    expect(error.message).toContain("must be a whole number from 1 to 1000000");
  });

  test("has to be said, or to be reset", async () => {
    const call = (change: never) =>
      errorOf(
        connection.unary(
          TaskServiceService.configureQueue,
          { role: roles[0]!.name, change },
          { timeoutMs: 10_000 },
        ),
      );
    expect((await call(undefined as never)).fields[0]?.field).toBe("policy");
    expect((await call({ $case: "reset", value: false } as never)).fields[0]?.field).toBe("reset");
  });

  test("that names no burst has one second's", async () => {
    const role = freshRole();
    const { policy } = await client.control.configure(role, {
      rate: { perSecond: 2.5, burst: 0 },
      ratePerKey: { perSecond: 0.5, burst: 0 },
    });
    expect(policy).toMatchObject({ rate: { burst: 3 }, ratePerKey: { burst: 1 } });
  });
});

describe("a purge", () => {
  test("deletes what waits and what has ended, but never what runs", async () => {
    const role = freshRole();
    const [running] = await submitted(role);
    const task = await leaseOne(mesh.store, role);
    const bad = await failed(role);
    const queued = await submitted(role, 250);
    const later = await submitted(role, 2, { delayMs: 600_000 });
    expect(await client.control.purge(role, { states: [TaskState.QUEUED, TaskState.SCHEDULED] })).toBe(252);
    for (const id of [queued[0]!, queued[249]!, later[0]!])
      expect((await errorOf(client.get(id))).reason).toBe("TASK_NOT_FOUND");
    expect(await state(bad)).toBe("FAILED");
    expect(await state(running!)).toBe("RUNNING");
    expect(await finish(mesh.store, term(task), succeeded)).toMatchObject({ accepted: true });
    const { queued: left, scheduled, canceled } = await status(role);
    expect({ left, scheduled, canceled }).toEqual({ left: 0, scheduled: 0, canceled: 0 });
  });

  test("of dead letters leaves the rest", async () => {
    const role = freshRole();
    await failed(role);
    await failed(role);
    const [id] = await submitted(role);
    expect(await client.control.purge(role, { deadLetter: true })).toBe(2);
    expect(await state(id!)).toBe("QUEUED");
    expect(await client.control.purge(role, { deadLetter: true })).toBe(0);
  });

  test("of running tasks, or of nothing, is refused", async () => {
    const role = roles[0]!.name;
    const running = await errorOf(
      client.control.purge(role, { states: [TaskState.FAILED, TaskState.RUNNING] }),
    );
    expect(running.fields).toMatchObject([{ field: "states[1]" }]);
    expect((await errorOf(client.control.purge(role, {}))).fields[0]?.field).toBe("states");
  });
});

describe("a redrive", () => {
  test("puts back what failed, each as a new generation with all its attempts", async () => {
    const role = freshRole();
    const ids = [await failed(role), await failed(role), await failed(role)];
    const [waits] = await submitted(role, 1, { delayMs: 600_000 });
    expect(await client.control.redrive(role)).toEqual({
      redriven: 3,
      refused: 0,
      refusals: [],
      more: false,
    });
    for (const id of ids)
      expect(await client.get(id)).toMatchObject({ state: TaskState.QUEUED, generation: 2, attempt: 0 });
    expect(await state(waits!)).toBe("SCHEDULED");
    expect((await status(role)).deadLetter).toBe(0);
  });

  test("takes those alone that its filter names", async () => {
    const role = freshRole();
    const lost = await failed(role, "LOST", { tenant: "acme", labels: { batch: "7" } });
    const [kind, tenant, label] = [
      await failed(role, "OTHER", { tenant: "acme", labels: { batch: "7" } }),
      await failed(role, "LOST", { labels: { batch: "7" } }),
      await failed(role, "LOST", { tenant: "acme", labels: { batch: "8" } }),
    ];
    const filter = { errorKinds: ["LOST", "GONE"], tenant: "acme", labels: { batch: "7" } };
    expect(await client.control.redrive(role, filter)).toMatchObject({ redriven: 1 });
    expect(await Promise.all([lost, kind, tenant, label].map(state))).toEqual([
      "QUEUED",
      "FAILED",
      "FAILED",
      "FAILED",
    ]);
  });

  test("stops at its number, and says that there is more", async () => {
    const role = freshRole();
    const ids = [await failed(role), await failed(role), await failed(role)];
    expect(await client.control.redrive(role, { tasksMax: 2 })).toMatchObject({ redriven: 2, more: true });
    expect(await Promise.all(ids.map(state))).toEqual(["FAILED", "QUEUED", "QUEUED"]);
    expect(await client.control.redrive(role, { tasksMax: 2 })).toMatchObject({ redriven: 1, more: false });
  });

  test("replaces the input, or adds to it, and leaves the rest of the spec", async () => {
    const role = freshRole();
    const whole = await failed(role, "WHOLE", { input: { n: 1, to: "a" } });
    await client.control.redrive(role, { errorKinds: ["WHOLE"], input: { to: "b" } });
    expect(fromPayload((await client.get(whole)).spec?.input)).toEqual({ to: "b" });
    const other = freshRole();
    const merged = await failed(other, "MERGED", { input: { n: 1, to: "a" }, labels: { keep: "me" } });
    const bare = await failed(other);
    expect(await client.control.redrive(other, { inputMerge: { to: "c" } })).toMatchObject({ redriven: 2 });
    const task = await client.get(merged);
    expect(fromPayload(task.spec?.input)).toEqual({ n: 1, to: "c" });
    expect(task.spec?.labels).toEqual({ keep: "me" });
    expect(fromPayload((await client.get(bare)).spec?.input)).toEqual({ to: "c" });
  });

  test("with an input that does not fit the role's schema leaves the task as it was and says why", async () => {
    const role = freshRole();
    const id = await failed(role);
    const answer = await client.control.redrive(role, { inputMerge: { n: "x" } });
    expect(answer).toMatchObject({
      redriven: 0,
      refused: 1,
      refusals: [{ taskId: id, refusal: { reason: "INVALID_FIELD" } }],
    });
    expect(answer.refusals[0]?.refusal?.message).toContain("input_merge.n");
    expect(await state(id)).toBe("FAILED");
    expect((await errorOf(client.control.redrive(role, { inputMerge: [1] as never }))).fields[0]?.field).toBe(
      "input_merge",
    );
    expect((await errorOf(client.control.redrive(role, { tasksMax: 100_001 }))).fields[0]?.field).toBe(
      "tasks_max",
    );
  });
});

describe("what a task waits for", () => {
  test("a worker, one with its labels, and others before it", async () => {
    const role = freshRole();
    const [id] = await submitted(role, 1, { workerLabels: { gpu: "h100" } });
    expect((await client.explain(id!)).reasons.map(({ kind }) => kind)).toEqual(["NO_WORKER"]);
    const plain = working(role, 1, { gpu: "a100" });
    await until(async () => (await client.explain(id!)).reasons[0]?.kind === "NO_MATCHING_WORKER");
    const { message } = (await client.explain(id!)).reasons[0]!;
    expect(message).toBe("no worker with label gpu=h100; the one present has: gpu=a100");
    expect(plain.all("leases")).toEqual([]);
    const gpu = working(role, 1, { gpu: "h100", zone: "b" });
    await gpu.next("leases");
    expect(await client.explain(id!)).toEqual({ state: TaskState.RUNNING, reasons: [] });
    plain.cancel();
    gpu.cancel();
  });

  test("its parents, a time, a backoff", async () => {
    const role = freshRole();
    const [a, b] = await submitted(role, 2);
    const [child] = await submitted(role, 1, { dependencies: [a, b] });
    const running = await leaseOne(mesh.store, role);
    const blocked = await client.explain(child!);
    expect(blocked).toMatchObject({ state: TaskState.BLOCKED, reasons: [{ kind: "PARENTS_RUNNING" }] });
    expect(blocked.reasons[0]?.message).toContain("2 of its 2 parents have not ended");
    expect(blocked.reasons[0]?.message).toContain(`${running.id} is RUNNING`);
    const [later] = await submitted(role, 1, { delayMs: 600_000 });
    expect((await client.explain(later!)).reasons).toMatchObject([{ kind: "SCHEDULED" }]);
    const flaky = { kind: "failed", failure: failure({ kind: "FLAKY" }), retryDelayMs: 600_000 } as const;
    await finish(mesh.store, term(running), flaky);
    expect((await client.explain(running.id)).reasons).toMatchObject([
      { kind: "BACKOFF", metadata: { error_kind: "FLAKY", attempt: "1" } },
    ]);
  });

  test("is told of tasks that exist alone", async () => {
    expect((await errorOf(client.explain(`${roles[0]!.name}.nothere`))).reason).toBe("TASK_NOT_FOUND");
    expect((await errorOf(client.explain(""))).fields[0]?.field).toBe("task_id");
  });
});

test("rates of the last minute stand in the list of queues", async () => {
  const role = freshRole();
  await submitted(role, 30);
  const stream = working(role, 30);
  await stream.next("leases", 30);
  await until(async () => (await status(role)).arrivalRate > 0);
  const before = await status(role);
  expect(before.serviceRate).toBe(0);
  for (const { term } of stream.all("leases"))
    stream.say({
      finish: [{ term, result: { $case: "succeeded", value: { output: undefined } }, usage: undefined }],
    });
  await stream.next("finished", 30);
  const after = await status(role);
  expect(after.serviceRate).toBeGreaterThan(0);
  expect(after.serviceRate).toBeLessThanOrEqual(30);
  stream.cancel();
});
