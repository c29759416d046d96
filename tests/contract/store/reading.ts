import { describe, expect } from "vitest";
import { MeshError } from "../../../src/core/errors.ts";
import { type ListQuery, type QueueStore, soonMs } from "../../../src/queue/store.ts";
import { taskStates } from "../../../src/queue/task.ts";
import {
  bytes,
  failedForGood,
  getOne,
  lease,
  leaseOne,
  newTask,
  parent,
  runOne,
  submitOne,
  succeeded,
  term,
  text,
} from "../../support/tasks.ts";
import { type OpenStore, settle, storeTest } from "./kit.ts";

/** Every page of a listing; fails when a task comes twice. */
async function listAll(
  store: QueueStore,
  query: Omit<ListQuery, "limit"> & { limit?: number },
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ limit: 7, ...query, cursor });
    expect(page.tasks.length).toBeLessThanOrEqual(query.limit ?? 7);
    ids.push(...page.tasks.map((task) => task.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(new Set(ids).size).toBe(ids.length);
  return ids;
}

export function readingCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("get", () => {
    test("answers in order, undefined where there is none", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      const [none, one, same] = await store.get([`${queue}.none`, id, id]);
      expect(none).toBeUndefined();
      expect(one!.id).toBe(id);
      expect(same).toEqual(one);
    });
  });

  describe("list", () => {
    test("newest first, complete and without repeats over pages", async ({ store, queue }) => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) {
        const batch = Array.from({ length: 6 }, () => newTask(queue));
        await store.submit(batch);
        ids.push(...batch.map((task) => task.id));
      }
      const listed = await listAll(store, { queues: [queue] });
      expect([...listed].sort()).toEqual([...ids].sort());
      const created = (await store.get(listed)).map((task) => task!.createdMs);
      expect(created).toEqual([...created].sort((a, b) => b - a));
      expect(await listAll(store, { queues: [queue], limit: 100 })).toEqual(listed);
    });

    test("filters by queue, state, tenant, workflow, labels and dead letters", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const failed = await submitOne(store, newTask(queue, { tenant: "a", labels: { zone: "x", gpu: "1" } }));
      const done = await submitOne(store, newTask(queue, { tenant: "b", labels: { zone: "x" } }));
      const flow = await submitOne(store, newTask(queue, { tenant: "a", workflowId: "wf", delayMs: 60_000 }));
      const elsewhere = await submitOne(store, newTask(otherQueue, { tenant: "a", labels: { zone: "y" } }));
      await runOne(store, queue, failed, failedForGood);
      await runOne(store, queue, done, succeeded);
      const queues = [queue, otherQueue];
      const find = async (query: Omit<ListQuery, "limit">) =>
        (await listAll(store, { queues, ...query })).sort();
      const sorted = (...ids: string[]) => ids.sort();
      expect(await find({})).toEqual(sorted(failed, done, flow, elsewhere));
      expect(await find({ queues: [otherQueue] })).toEqual([elsewhere]);
      expect(await find({ states: ["FAILED", "SCHEDULED"] })).toEqual(sorted(failed, flow));
      expect(await find({ states: ["RUNNING"] })).toEqual([]);
      expect(await find({ tenant: "a" })).toEqual(sorted(failed, flow, elsewhere));
      expect(await find({ tenant: "a", states: ["QUEUED"] })).toEqual([elsewhere]);
      expect(await find({ workflowId: "wf" })).toEqual([flow]);
      expect(await find({ deadLetter: true })).toEqual([failed]);
      expect(await find({ labels: { zone: "x" } })).toEqual(sorted(failed, done));
      expect(await find({ labels: { zone: "x", gpu: "1" } })).toEqual([failed]);
      expect(await find({ labels: { zone: "z" } })).toEqual([]);
      expect(await find({ queues: [`${queue}-none`] })).toEqual([]);
      const everywhere = await listAll(store, { workflowId: "wf", tenant: "a", limit: 100 });
      expect(everywhere).toContain(flow);
      expect(await find({ queues: [] })).toEqual(expect.arrayContaining([failed, elsewhere]));
    });

    test("pages through a filter that hits rarely", async ({ store, queue }) => {
      const tasks = Array.from({ length: 120 }, (_, i) =>
        newTask(queue, i % 40 === 0 ? { labels: { rare: "yes" } } : {}),
      );
      await store.submit(tasks);
      expect(await listAll(store, { queues: [queue], labels: { rare: "yes" }, limit: 2 })).toHaveLength(3);
    });
  });

  describe("a page token that the store did not give for this query", () => {
    const redisToken = (positions: unknown) =>
      `r${Buffer.from(JSON.stringify(positions)).toString("base64url")}`;

    test("is refused", async ({ store, queue, otherQueue }) => {
      await store.submit([newTask(queue), newTask(otherQueue)]);
      const forged = [
        ...["0", "e30", "e30x", "r", "s", "s0", "s-1", "s1.5", "s1 ", "S1", `s${"z".repeat(11)}`, "r!"],
        ...[null, [], [0], {}, 1, "x"].map(redisToken),
        ...[-1, 1.5, "1", 2 ** 41, null].map((before) => redisToken({ [queue]: before })),
        ...[otherQueue, "x}y", "", "Not A Role", "__proto__"].map((name) => redisToken({ [name]: 0 })),
        redisToken({ [queue]: 0, [otherQueue]: 0 }),
      ];
      for (const cursor of forged)
        await expect(store.list({ queues: [queue], limit: 5, cursor }), cursor).rejects.toMatchObject({
          reason: "INVALID_FIELD",
          fields: [{ field: "page_token" }],
        });
      await expect(store.list({ limit: 5, cursor: redisToken({ "x}y": 0 }) })).rejects.toThrow("page_token");
    });

    test("shows nothing of another queue", async ({ store, queue, otherQueue }) => {
      await store.submit([queue, queue, otherQueue, otherQueue].map((name) => newTask(name)));
      const { cursor } = await store.list({ queues: [otherQueue], limit: 1 });
      expect(cursor).toBeDefined();
      const listed = await store
        .list({ queues: [queue], limit: 5, cursor })
        .catch((error: MeshError) => error);
      if (listed instanceof MeshError) expect(listed.reason).toBe("INVALID_FIELD");
      else expect(listed.tasks.every((task) => task.queue === queue)).toBe(true);
    });
  });

  describe("readLog", () => {
    test("has the state changes in order, with attempt and worker", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      await runOne(store, queue, id, { kind: "released", reason: "drain" });
      await runOne(store, queue, id, { kind: "failed", failure: { ...failed, message: "oh" } });
      await runOne(store, queue, id, succeeded);
      const page = (await store.readLog({ taskId: id, from: 1, limit: 100 }))!;
      expect(page.entries.map(({ change }) => [change!.state, change!.attempt, change!.workerId])).toEqual([
        ["QUEUED", 0, ""],
        ["RUNNING", 1, "w1"],
        ["QUEUED", 0, ""],
        ["RUNNING", 1, "w1"],
        ["QUEUED", 1, ""],
        ["RUNNING", 2, "w1"],
        ["SUCCEEDED", 2, ""],
      ]);
      expect(page.entries[4]!.change!.reason).toContain("oh");
      expect(page.entries.every((entry) => entry.body === undefined)).toBe(true);
      const times = page.entries.map((entry) => entry.timeMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    });

    test("reads from a sequence, up to a limit, and past the end", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      await store.append([
        { ...term(task), entries: ["a", "b", "c"].map((word) => ({ bytes: bytes(word) })) },
      ]);
      const read = (from: number, limit: number) => store.readLog({ taskId: id, from, limit });
      expect((await read(4, 10))!.entries.map((entry) => text(entry.body))).toEqual(["b", "c"]);
      expect((await read(2, 2))!.entries.map((entry) => entry.sequence)).toEqual([2, 3]);
      expect(await read(6, 10)).toEqual({ entries: [], firstKept: 1, lastSequence: 5, state: "RUNNING" });
      expect((await read(600, 10))!.entries).toEqual([]);
      expect(await store.readLog({ taskId: `${queue}.none`, from: 1, limit: 1 })).toBeUndefined();
    });
  });

  describe("stats", () => {
    test("counts each state, and zeros for a queue that nobody knows", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const [blocker] = [await submitOne(store, newTask(otherQueue, { delayMs: 60_000 }))];
      const of = (state: string) => taskStates.map((name) => [name, name === state ? 1 : 0]);
      const none = { deadLetter: 0, scheduledSoon: 0, arrived: 0, ended: 0, policy: {} };
      expect(await store.stats([otherQueue, queue])).toEqual([
        { ...none, queue: otherQueue, counts: Object.fromEntries(of("SCHEDULED")), arrived: 1 },
        { ...none, queue, counts: Object.fromEntries(of("")) },
      ]);
      for (let i = 0; i < 3; i++) await submitOne(store, newTask(queue));
      await submitOne(store, newTask(queue, { parents: [parent(blocker)] }));
      await runOne(
        store,
        queue,
        (await store.list({ queues: [queue], limit: 9 })).tasks.at(-1)!.id,
        succeeded,
      );
      await leaseOne(store, queue);
      const all = await store.stats();
      expect(all.find((entry) => entry.queue === queue)!.counts).toEqual({
        BLOCKED: 1,
        SCHEDULED: 0,
        QUEUED: 1,
        RUNNING: 1,
        INPUT_REQUIRED: 0,
        SUCCEEDED: 1,
        FAILED: 0,
        CANCELED: 0,
      });
      expect(all.some((entry) => entry.queue === otherQueue)).toBe(true);
    });

    test("says since when the oldest QUEUED task waits", async ({ store, advance, queue }) => {
      const oldest = async () => (await store.stats([queue]))[0]!.oldestQueuedMs;
      expect(await oldest()).toBeUndefined();
      const first = await getOne(store, await submitOne(store, newTask(queue, { priority: 1 })));
      advance?.(5);
      const second = await getOne(store, await submitOne(store, newTask(queue, { priority: 9 })));
      expect(await oldest()).toBe(first.queuedMs);
      await lease(store, queue);
      expect(await oldest()).toBe(first.queuedMs);
      await store.cancel([{ taskId: first.id, reason: "" }]);
      expect(await oldest()).toBeUndefined();
      expect(second.queuedMs).toBeGreaterThanOrEqual(first.queuedMs!);
    });
  });

  describe("what is scheduled for soon", () => {
    test("is counted, and nothing else is", async ({ store, queue }) => {
      const soon = async () => (await store.stats([queue]))[0]!.scheduledSoon;
      expect(await soon()).toBe(0);
      await submitOne(store, newTask(queue));
      await submitOne(store, newTask(queue, { delayMs: soonMs + 60_000 }));
      expect(await soon()).toBe(0);
      const due = await submitOne(store, newTask(queue, { delayMs: soonMs - 10_000 }));
      await submitOne(store, newTask(queue, { delayMs: 5_000 }));
      expect(await soon()).toBe(2);
      await store.cancel([{ taskId: due, reason: "" }]);
      expect(await soon()).toBe(1);
    });
  });

  describe("describe and ping", () => {
    test("say what the store is and that it works", async ({ store }) => {
      const description = await store.describe();
      expect(["sqlite", "redis"]).toContain(description.kind);
      expect(description.address).not.toBe("");
      expect(description.durability).not.toBe("");
      await store.ping();
      await settle(store);
    });
  });
}

const failed = { kind: "ROLE_ERROR", message: "", retryable: true, detail: "" };
