import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { LogEntry, TaskServiceService, TaskSpec, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../../src/agent/role.ts";
import type { MeshClient } from "../../../src/client/mesh-client.ts";
import { fromPayload, toPayload } from "../../../src/core/payload.ts";
import type { Connection } from "../../../src/rpc/connection.ts";
import { errorOf, gather, stateName, TestMesh } from "../../support/mesh.ts";
import { failedForGood, finish, leaseOne, succeeded, term } from "../../support/tasks.ts";

const input = z.object({ n: z.number().optional() });
const role = (name: string) =>
  defineRole({ name, summary: "for tests", input, output: z.unknown(), run: () => null });

let mesh: TestMesh;
let client: MeshClient;
let connection: Connection;
const timeoutMs = 10_000;

beforeAll(async () => {
  const roles = ["one", "two", "paged", "counted"].map(role);
  mesh = await TestMesh.start({ roles, storeLimits: { queueTasksMax: 2_000, logEntriesMax: 20 } });
  client = mesh.client();
  connection = mesh.connection();
});
afterAll(() => mesh.close());

const specs = (...given: Parameters<typeof TaskSpec.fromPartial>[0][]) =>
  given.map((spec) => TaskSpec.fromPartial({ role: "one", ...spec }));
const state = async (id: string) => stateName((await client.get(id)).state);

async function runOne(queue: string, result = succeeded) {
  const task = await leaseOne(mesh.store, queue);
  await finish(mesh.store, term(task), result);
  return task.id;
}

describe("submitting", () => {
  test("a task is there at once, with what was asked and nothing more", async () => {
    const { id, state, existing } = await client.submit(
      "one",
      { n: 1 },
      { title: "first", labels: { a: "b" } },
    );
    expect({ state, existing }).toEqual({ state: TaskState.QUEUED, existing: false });
    const task = await client.get(id);
    expect(task).toMatchObject({ id, attempt: 0, generation: 1, workerId: "", output: undefined });
    expect(task.spec).toMatchObject({ role: "one", title: "first", labels: { a: "b" } });
    expect(fromPayload(task.spec?.input)).toEqual({ n: 1 });
    await client.cancel(id);
  });

  test("the role of the server that is called is the default", async () => {
    const { task } = await mesh
      .connection(mesh.addressOf("two"))
      .unary(TaskServiceService.submitTask, { spec: TaskSpec.create() }, { timeoutMs });
    expect(task?.id).toMatch(/^two\./);
    await client.cancel(task?.id ?? "");
  });

  test("a batch answers one by one; a parent may stand earlier in it", async () => {
    const first = specs({ idempotencyKey: "batch-1", input: toPayload({ n: 1 }) });
    const [parent] = await client.submitSpecs(first);
    const results = await client.submitSpecs(
      specs(
        { idempotencyKey: "batch-1", input: toPayload({ n: 1 }) },
        { idempotencyKey: "batch-1", input: toPayload({ n: 2 }) },
        { dependencies: [{ taskId: parent?.taskId }] },
        { dependencies: [{ taskId: "one.nowhere" }] },
        {},
      ),
    );
    expect(results.map((result) => result.refusal?.reason)).toEqual([
      undefined,
      "IDEMPOTENCY_CONFLICT",
      undefined,
      "INVALID_DEPENDENCY",
      undefined,
    ]);
    expect(results[0]).toMatchObject({ taskId: parent?.taskId, existing: true });
    expect(results[1]?.refusal?.metadata).toEqual({ task_id: parent?.taskId });
    expect(results[2]?.state).toBe(TaskState.BLOCKED);
    expect(results[3]).toMatchObject({ taskId: "", state: TaskState.UNSPECIFIED });
    await Promise.all([parent, results[4]].map((result) => client.cancel(result?.taskId ?? "")));
  });

  test("one malformed spec refuses its batch, and nothing of it is taken in", async () => {
    const title = "of a refused batch";
    const error = await errorOf(
      client.submitSpecs(specs({ title, labels: { b: "1" } }, { title, priority: 77 })),
    );
    expect(error.fields.map(({ field }) => field)).toEqual(["specs[1].priority"]);
    expect(await gather(client.list({ labels: { b: "1" } }))).toEqual([]);
  });

  test("an empty batch, one of 1,001 and a missing spec are refused", async () => {
    const of = (many: TaskSpec[]) =>
      errorOf(connection.unary(TaskServiceService.submitTasks, { specs: many }, { timeoutMs }));
    expect((await of([])).message).toContain("is empty");
    expect((await of(Array.from({ length: 1_001 }, () => TaskSpec.create()))).message).toContain(
      "has 1001 entries",
    );
    const none = connection.unary(TaskServiceService.submitTask, { spec: undefined }, { timeoutMs });
    expect((await errorOf(none)).fields[0]?.field).toBe("spec");
  });

  test("a stream of ten batches is answered batch by batch, in order", async () => {
    const call = connection.bidi(TaskServiceService.submitStream, { timeoutMs });
    for (let batchId = 1; batchId <= 10; batchId++)
      void call.send({
        batchId,
        specs: specs(...Array.from({ length: batchId }, () => ({ labels: { s: "1" } }))),
      });
    call.end();
    const answers = await gather(call.responses);
    expect(answers.map(({ batchId, results }) => [batchId, results.length])).toEqual(
      Array.from({ length: 10 }, (_, nth) => [nth + 1, nth + 1]),
    );
    const ids = answers.flatMap(({ results }) => results.map(({ taskId }) => taskId));
    expect(new Set(ids).size).toBe(55);
    const listed = await gather(client.list({ labels: { s: "1" }, pageSize: 20 }));
    expect(listed.map(({ id }) => id).sort()).toEqual(ids.sort());
    await Promise.all(ids.map((id) => client.cancel(id)));
  });

  test("a batch at fault on a stream is refused by itself, in its place", async () => {
    const call = connection.bidi(TaskServiceService.submitStream, { timeoutMs });
    for (const [batchId, title] of ["fine", "a\nb", "fine too"].entries())
      void call.send({ batchId, specs: specs({ title }, {}) });
    call.end();
    const answers = await gather(call.responses);
    expect(
      answers.map(({ batchId, results }) => [batchId, ...results.map(({ refusal }) => refusal?.reason)]),
    ).toEqual([
      [0, undefined, undefined],
      [1, "INVALID_FIELD", "INVALID_FIELD"],
      [2, undefined, undefined],
    ]);
    const ids = answers.flatMap(({ results }) => results.map(({ taskId }) => taskId)).filter(Boolean);
    await Promise.all(ids.map((id) => client.cancel(id)));
  });

  test("a hundred submits of one key at once make one task", async () => {
    const options = { idempotencyKey: "hundred" };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, nth) =>
        mesh.client(nth % 2 ? mesh.address : mesh.addressOf("two")).submit("one", { n: 1 }, options),
      ),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ existing }) => !existing)).toHaveLength(1);
    const error = await errorOf(client.submit("one", { n: 2 }, options));
    expect(error).toMatchObject({ reason: "IDEMPOTENCY_CONFLICT", code: "ALREADY_EXISTS" });
    expect(error.message).toContain(answers[0]?.id);
    await client.cancel(answers[0]?.id ?? "");
  });

  test("a full queue refuses, naming its limit", async () => {
    const all = await client.submitSpecs(
      Array.from({ length: 2_001 }, () => TaskSpec.fromPartial({ role: "counted" })),
    );
    const refused = all.filter(({ refusal }) => refusal);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.refusal).toMatchObject({ reason: "QUEUE_FULL", metadata: { tasks_max: "2000" } });
    expect((await errorOf(client.submit("counted"))).code).toBe("RESOURCE_EXHAUSTED");
  });
});

describe("reading", () => {
  test("a task that never was, and an id that is none", async () => {
    expect((await errorOf(client.get("one.none"))).reason).toBe("TASK_NOT_FOUND");
    expect((await errorOf(client.get("x"))).fields[0]?.field).toBe("task_id");
    expect((await errorOf(client.get(""))).message).toContain("is required");
    expect((await errorOf(client.cancel("one.none"))).reason).toBe("TASK_NOT_FOUND");
    expect((await errorOf(client.retry("one.none"))).reason).toBe("TASK_NOT_FOUND");
    expect((await errorOf(gather(client.watch("one.none")))).reason).toBe("TASK_NOT_FOUND");
    expect((await errorOf(gather(client.watch("x")))).fields[0]?.field).toBe("task_id");
    expect((await errorOf(gather(client.watch("one.none", { from: -1 })))).fields[0]?.field).toBe(
      "from_sequence",
    );
  });

  test("pages hold every task once, newest first, without bodies", async () => {
    const made = await client.submitAll(
      Array.from({ length: 57 }, (_, nth) => ({
        role: "paged",
        input: { n: nth },
        tenant: nth % 2 ? "odd" : "even",
      })),
    );
    const ids = made.map(({ taskId }) => taskId);
    for (const pageSize of [0, 1, 10, 57, 500]) {
      const listed = await gather(client.list({ role: "paged", pageSize }));
      expect(listed.map(({ id }) => id)).toEqual([...ids].reverse());
      expect(listed.every(({ spec }) => spec && spec.input === undefined)).toBe(true);
    }
    expect(await gather(client.list({ role: "paged", tenant: "odd", pageSize: 7 }))).toHaveLength(28);
    await client.cancel(ids[3] as string);
    const canceled = await gather(client.list({ role: "paged", states: [TaskState.CANCELED] }));
    expect(canceled.map(({ id }) => id)).toEqual([ids[3]]);
  });

  test("a malformed filter is refused, naming the field", async () => {
    const fault = async (filter: Parameters<MeshClient["list"]>[0]) =>
      (await errorOf(gather(client.list(filter)))).fields[0]?.field;
    expect(await fault({ pageSize: 501 })).toBe("page_size");
    expect(await fault({ pageSize: -1 })).toBe("page_size");
    expect(await fault({ role: "nobody" })).toBe("role");
    expect(await fault({ states: [TaskState.QUEUED, 99 as TaskState] })).toBe("states[1]");
  });

  test("queues are counted, all of them or those named", async () => {
    const all = await client.queues();
    expect(all.map(({ role }) => role)).toEqual(["one", "two", "paged", "counted"]);
    const [counted] = await client.queues(["counted"]);
    expect(counted).toMatchObject({ queued: 2_000, running: 0, paused: false });
    expect(counted?.oldestWait).toBeDefined();
    expect((await errorOf(client.queues(["one", "nobody"]))).fields[0]?.field).toBe("roles[1]");
  });
});

/** What a watcher is told, in a form that reads: sequences, gaps, states. */
async function told(events: AsyncIterable<{ event?: { $case: string; value: unknown } | undefined }>) {
  const said: string[] = [];
  for await (const { event } of events) {
    const value = event?.value as {
      sequence: number;
      entry?: { $case: string; value: { state?: TaskState; text?: string } };
      fromSequence: number;
      toSequence: number;
      state: TaskState;
    };
    if (event?.$case === "gap") said.push(`gap ${value.fromSequence}-${value.toSequence}`);
    else if (event?.$case === "final") said.push(`final ${stateName(value.state)}`);
    else {
      const { entry } = value;
      said.push(
        `${value.sequence} ${entry?.value.text ?? stateName(entry?.value.state ?? TaskState.UNSPECIFIED)}`,
      );
    }
  }
  return said;
}

describe("watching", () => {
  const line = (text: string) => ({
    bytes: LogEntry.encode(LogEntry.create({ entry: { $case: "line", value: { level: 2, text } } })).finish(),
  });

  test("replay, then what comes, then the end; from any sequence and any server", async () => {
    const { id } = await client.submit("two");
    const early = told(client.watch(id));
    const task = await leaseOne(mesh.store, "two");
    expect(task.id).toBe(id);
    await mesh.store.append([{ ...term(task), entries: [line("a"), line("b")] }]);
    const middle = told(mesh.client(mesh.addressOf("paged")).watch(id, { from: 3 }));
    const beyond = told(client.watch(id, { from: 6 }));
    await mesh.store.append([{ ...term(task), entries: [line("c")] }]);
    await finish(mesh.store, term(task), succeeded);
    const whole = ["1 QUEUED", "2 RUNNING", "3 a", "4 b", "5 c", "6 SUCCEEDED", "final SUCCEEDED"];
    expect(await early).toEqual(whole);
    expect(await middle).toEqual(whole.slice(2));
    expect(await beyond).toEqual(whole.slice(5));
    expect(await told(client.watch(id, { from: 0 }))).toEqual(whole);
    expect(await told(client.watch(id, { from: 100 }))).toEqual(["final SUCCEEDED"]);
  });

  test("a part that was trimmed is told as a gap", async () => {
    const { id } = await client.submit("two");
    const task = await leaseOne(mesh.store, "two");
    await mesh.store.append([
      { ...term(task), entries: Array.from({ length: 50 }, (_, nth) => line(`l${nth}`)) },
    ]);
    await finish(mesh.store, term(task), succeeded);
    const said = await told(client.watch(id));
    const from = Number(said[1]?.split(" ")[0]);
    expect(said[0]).toBe(`gap 1-${from - 1}`);
    expect(said.slice(1, -1).map((entry) => Number(entry.split(" ")[0]))).toEqual(
      Array.from({ length: 53 - from + 1 }, (_, nth) => from + nth),
    );
    expect(said.at(-1)).toBe("final SUCCEEDED");
    expect(53 - from).toBeGreaterThanOrEqual(18);
    expect((await told(client.watch(id, { from: 53 }))).length).toBe(2);
  });

  test("a hundred watchers of one task hear all of it", async () => {
    const { id } = await client.submit("two");
    const watchers = Array.from({ length: 100 }, () => told(client.watch(id)));
    const task = await leaseOne(mesh.store, "two");
    for (const text of ["a", "b", "c"]) await mesh.store.append([{ ...term(task), entries: [line(text)] }]);
    await finish(mesh.store, term(task), succeeded);
    for (const said of await Promise.all(watchers))
      expect(said).toEqual(["1 QUEUED", "2 RUNNING", "3 a", "4 b", "5 c", "6 SUCCEEDED", "final SUCCEEDED"]);
  });

  test("a watcher who goes away ends its watch", async () => {
    const { id } = await client.submit("two");
    for await (const { event } of client.watch(id)) if (event) break;
    const abort = new AbortController();
    const watching = told(client.watch(id, { signal: abort.signal }));
    abort.abort();
    await watching;
    await client.cancel(id);
  });
});

describe("canceling and retrying", () => {
  test("a task that waits is canceled with its reason; one that ended is answered as it is", async () => {
    const { id } = await client.submit("two");
    const canceled = await client.cancel(id, "not wanted");
    expect(canceled.state).toBe(TaskState.CANCELED);
    const log = await gather(client.watch(id));
    expect(JSON.stringify(log)).toContain("not wanted");
    expect((await client.cancel(id, "again")).state).toBe(TaskState.CANCELED);
    const done = await client.submit("two");
    expect(await runOne("two")).toBe(done.id);
    expect((await client.cancel(done.id)).state).toBe(TaskState.SUCCEEDED);
    expect((await errorOf(client.cancel(id, "x".repeat(1_025)))).fields[0]?.field).toBe("reason");
  });

  test("a failed task runs again as a new generation, with another input where one is given", async () => {
    const { id } = await client.submit("two", { n: 1 }, { labels: { keep: "me" } });
    expect(await runOne("two", failedForGood)).toBe(id);
    expect(await gather(client.list({ role: "two", deadLetter: true }))).toHaveLength(1);
    const again = await client.retry(id, { n: 2 });
    expect(again).toMatchObject({ state: TaskState.QUEUED, generation: 2, attempt: 0, error: undefined });
    expect(again.spec?.labels).toEqual({ keep: "me" });
    expect(fromPayload(again.spec?.input)).toEqual({ n: 2 });
    expect(await gather(client.list({ role: "two", deadLetter: true }))).toEqual([]);
    expect(await runOne("two", failedForGood)).toBe(id);
    expect(fromPayload((await client.retry(id)).spec?.input)).toEqual({ n: 2 });
    expect(await runOne("two")).toBe(id);
    expect(await state(id)).toBe("SUCCEEDED");
  });

  test("what is not final, or succeeded, cannot be retried, nor with an input that does not fit", async () => {
    const { id } = await client.submit("two");
    const error = await errorOf(client.retry(id));
    expect(error).toMatchObject({ reason: "TASK_NOT_FINAL", code: "FAILED_PRECONDITION" });
    expect(error.message).toContain("is QUEUED");
    await client.cancel(id);
    expect((await errorOf(client.retry(id, { n: "x" }))).fields[0]?.field).toBe("input.n");
    expect((await errorOf(client.retry(id, { n: 1, x: "y".repeat(1_100_000) }))).reason).toBe(
      "PAYLOAD_TOO_LARGE",
    );
    expect(await state(id)).toBe("CANCELED");
  });
});

test("provideInput says that it is not served yet", async () => {
  const method = TaskServiceService.provideInput;
  const error = await errorOf(
    connection.unary(method, method.requestDeserialize(Buffer.of()), { timeoutMs }),
  );
  expect(error).toMatchObject({ code: "UNIMPLEMENTED", reason: "NOT_YET_SUPPORTED" });
  expect(error.message).toContain("ProvideInput");
});
