import { describe, expect } from "vitest";
import type { QueueStore, TaskRecord } from "../../../src/queue/store.ts";
import { changeReasons } from "../../../src/queue/task.ts";
import {
  bytes,
  failedForGood,
  failure,
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  parent,
  runOne,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { expectWholeLog, type OpenStore, settle, storeTest } from "./kit.ts";

export function finishCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("finish: succeeded", () => {
    test("keeps the output and ends the task", async ({ store, queue }) => {
      const task = await leased(store, queue);
      const answer = await finish(store, term(task), { kind: "succeeded", output: bytes("42") });
      expect(answer).toEqual({ accepted: true, state: "SUCCEEDED", repeated: false });
      const record = await getOne(store, task.id);
      expect(record).toMatchObject({
        state: "SUCCEEDED",
        output: bytes("42"),
        attempt: 1,
        fence: task.fence,
      });
      expect(record.finishedMs).toBeGreaterThanOrEqual(record.startedMs!);
      expect(record.leaseExpiresMs).toBeUndefined();
      expect(record.workerId).toBe("w1");
      await expectWholeLog(store, task.id);
    });

    test("one of several ends of a task in a batch counts, and a stale one before it changes nothing", async ({
      store,
      queue,
    }) => {
      await store.submit(Array.from({ length: 3 }, () => ({ ...newTask(queue), id: undefined })));
      const [first, second] = await lease(store, queue, { max: 2 });
      const end = (task: TaskRecord, fence = task.fence) => ({ taskId: task.id, fence, result: succeeded });
      const outcomes = await store.finish([end(first!, first!.fence + 1), end(first!), end(first!)]);
      expect(outcomes.map(({ accepted, repeated }) => [accepted, repeated])).toEqual([
        [false, false],
        [true, false],
        [true, true],
      ]);
      expect(await stateOf(store, second!.id)).toBe("RUNNING");
      const [stats] = await store.stats([queue]);
      expect(stats).toMatchObject({ ended: 1, counts: { QUEUED: 1, RUNNING: 1, SUCCEEDED: 1 } });
    });

    test("ends a task whose id looks like those that a store makes", async ({ store, queue }) => {
      const id = `${queue}.customerorder12345`;
      await submitOne(store, newTask(queue, { id }));
      const task = await leaseOne(store, queue);
      expect(await finish(store, term(task), succeeded)).toMatchObject({ accepted: true });
      expect(await stateOf(store, id)).toBe("SUCCEEDED");
    });

    test("forgets the error of an attempt before", async ({ store, queue }) => {
      const task = await leased(store, queue);
      await finish(store, term(task), { kind: "failed", failure: failure() });
      expect((await getOne(store, task.id)).error).toEqual(failure());
      await runOne(store, queue, task.id, succeeded);
      expect((await getOne(store, task.id)).error).toBeUndefined();
    });

    test("finishes many, each by itself", async ({ store, queue }) => {
      await store.submit(Array.from({ length: 4 }, () => newTask(queue)));
      const [a, b, c, d] = await lease(store, queue, { max: 4 });
      const answers = await store.finish([
        { ...term(a!), result: succeeded },
        { taskId: b!.id, fence: 99, result: succeeded },
        { ...term(c!), result: failedForGood },
        { taskId: `${queue}.none`, fence: 1, result: succeeded },
        { ...term(d!), result: { kind: "released", reason: "" } },
      ]);
      expect(answers).toEqual([
        { accepted: true, state: "SUCCEEDED", repeated: false },
        { accepted: false, state: "RUNNING", repeated: false },
        { accepted: true, state: "FAILED", repeated: false },
        { accepted: false, state: "MISSING", repeated: false },
        { accepted: true, state: "QUEUED", repeated: false },
      ]);
    });
  });

  describe("finish: failed", () => {
    test("schedules the next attempt by the backoff, in its upper half", async ({ store, queue }) => {
      const retry = {
        ...newTask(queue).retry,
        backoffInitialMs: 100_000,
        backoffMaxMs: 150_000,
        backoffMultiplier: 2,
      };
      const task = await leased(store, queue, { retry });
      const answer = await finish(store, term(task), { kind: "failed", failure: failure() });
      expect(answer).toEqual({ accepted: true, state: "SCHEDULED", repeated: false });
      const record = await getOne(store, task.id);
      expect(record).toMatchObject({ state: "SCHEDULED", attempt: 1, error: failure() });
      const log = await store.readLog({ taskId: task.id, from: record.lastSequence, limit: 1 });
      expect(log?.entries[0]?.change?.reason).toBe(changeReasons.attemptFailed(1, failure()));
      expect(record.leaseExpiresMs).toBeUndefined();
      expect(record.finishedMs).toBeUndefined();
      expect(record.runAtMs! - task.startedMs!).toBeGreaterThanOrEqual(50_000);
      expect(record.runAtMs! - task.startedMs!).toBeLessThanOrEqual(120_000);
      expect(await lease(store, queue)).toEqual([]);
    });

    test("honours the worker's own delay", async ({ store, queue, sweepUntil }) => {
      const task = await leased(store, queue);
      const result = { kind: "failed", failure: failure(), retryDelayMs: 3 } as const;
      expect(await finish(store, term(task), result)).toMatchObject({ accepted: true, state: "SCHEDULED" });
      await sweepUntil(async () => (await stateOf(store, task.id)) === "QUEUED");
      expect((await leaseOne(store, queue)).attempt).toBe(2);
      await expectWholeLog(store, task.id);
    });

    test("queues at once where there is no delay, behind the others", async ({ store, queue }) => {
      const task = await leased(store, queue);
      const other = await submitOne(store, newTask(queue));
      const answer = await finish(store, term(task), { kind: "failed", failure: failure() });
      expect(answer).toEqual({ accepted: true, state: "QUEUED", repeated: false });
      expect((await lease(store, queue, { max: 2 })).map(({ id }) => id)).toEqual([other, task.id]);
    });

    test("ends after the last attempt, in the dead letters", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      for (const state of ["QUEUED", "QUEUED", "FAILED"]) {
        const task = await leaseOne(store, queue);
        const answer = await finish(store, term(task), { kind: "failed", failure: failure() });
        expect(answer.state).toBe(state);
      }
      const record = await getOne(store, id);
      expect(record).toMatchObject({ state: "FAILED", attempt: 3, fence: 3, error: failure() });
      expect(record.finishedMs).toBeDefined();
      await expectDeadLetter(store, queue, [id]);
    });

    test("ends at once what cannot be retried, by its nature or its policy", async ({ store, queue }) => {
      const retry = { ...newTask(queue).retry, errorsNotRetried: ["BAD_INPUT"] };
      const ids = (await store.submit([newTask(queue), newTask(queue, { retry })])).map(
        (o) => "id" in o && o.id,
      );
      const [one, two] = await lease(store, queue, { max: 2 });
      const result = { kind: "failed", failure: failure({ kind: "BAD_INPUT" }) } as const;
      expect((await finish(store, term(one!), failedForGood)).state).toBe("FAILED");
      expect((await finish(store, term(two!), result)).state).toBe("FAILED");
      await expectDeadLetter(store, queue, ids as string[]);
    });
  });

  describe("finish: released", () => {
    test("queues the task first of its priority and does not count the attempt", async ({ store, queue }) => {
      const task = await leased(store, queue);
      const high = await submitOne(store, newTask(queue, { priority: 6 }));
      const same = await submitOne(store, newTask(queue));
      const answer = await finish(store, term(task), { kind: "released", reason: "draining" });
      expect(answer).toEqual({ accepted: true, state: "QUEUED", repeated: false });
      expect(await getOne(store, task.id)).toMatchObject({ state: "QUEUED", attempt: 0, fence: 1 });
      const log = await store.readLog({ taskId: task.id, from: 1, limit: 10 });
      expect(log!.entries.at(-1)!.change).toMatchObject({ state: "QUEUED", reason: "draining" });
      const next = await lease(store, queue, { max: 3 });
      expect(next.map(({ id }) => id)).toEqual([high, task.id, same]);
      expect(next[1]).toMatchObject({ attempt: 1, fence: 2 });
    });

    test("never uses an attempt up, however often", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      for (let i = 0; i < 6; i++) await runOne(store, queue, id, { kind: "released", reason: "" });
      expect(await leaseOne(store, queue)).toMatchObject({ id, attempt: 1, fence: 7 });
    });
  });

  describe("finish: suspended", () => {
    test("blocks on more parents, then runs again with what it left", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const task = await leased(store, queue);
      const child = await submitOne(store, newTask(otherQueue));
      const added = { taskId: child, name: "child", condition: "SUCCEEDED" } as const;
      const answer = await finish(store, term(task), suspended([added]));
      expect(answer).toEqual({ accepted: true, state: "BLOCKED", repeated: false });
      await settle(store);
      const waiting = await getOne(store, task.id);
      expect(waiting).toMatchObject({ state: "BLOCKED", attempt: 0, parents: [added], parentsPending: 1 });
      expect(waiting.leaseExpiresMs).toBeUndefined();
      await runOne(store, otherQueue, child, succeeded);
      await settle(store);
      const again = await leaseOne(store, queue);
      expect(again).toMatchObject({
        id: task.id,
        attempt: 1,
        fence: 2,
        resumeState: bytes("left"),
        parents: [added],
      });
      await finish(store, term(again), succeeded);
      await expectWholeLog(store, task.id);
    });

    test("is queued at once when those parents have ended, or are none", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const ended = await submitOne(store, newTask(otherQueue));
      await runOne(store, otherQueue, ended, failedForGood);
      const task = await leased(store, queue);
      await finish(store, term(task), suspended([parent(ended, "FINISHED")]));
      await settle(store);
      const again = await leaseOne(store, queue);
      expect(again).toMatchObject({ id: task.id, attempt: 1, fence: 2, parentsPending: 0 });
      await finish(store, term(again), suspended([]));
      await settle(store);
      expect((await leaseOne(store, queue)).attempt).toBe(1);
    });

    test("fails the task when a new parent that must succeed does not", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const task = await leased(store, queue);
      const child = await submitOne(store, newTask(otherQueue));
      await finish(store, term(task), suspended([parent(child)]));
      await store.cancel([{ taskId: child, reason: "" }]);
      await settle(store);
      expect(await getOne(store, task.id)).toMatchObject({
        state: "FAILED",
        error: { kind: "PARENT_FAILED" },
      });
    });

    test("takes a new parent that does not exist by its condition", async ({ store, queue, otherQueue }) => {
      for (const [condition, state] of [
        ["FINISHED", "QUEUED"],
        ["SUCCEEDED", "FAILED"],
      ] as const) {
        const task = await leased(store, queue);
        await finish(store, term(task), suspended([parent(`${otherQueue}.gone`, condition)]));
        await settle(store);
        expect(await stateOf(store, task.id)).toBe(state);
        await store.cancel([{ taskId: task.id, reason: "" }]);
      }
    });
  });

  test("says why a task moved: suspended, freed by its parents, failed", async ({
    store,
    queue,
    otherQueue,
  }) => {
    const task = await leased(store, queue);
    const child = await submitOne(store, newTask(otherQueue));
    await finish(store, term(task), suspended([parent(child)]));
    await runOne(store, otherQueue, child, succeeded);
    await settle(store);
    await runOne(store, queue, task.id, { kind: "failed", failure: failure() });
    await runOne(store, queue, task.id, suspended([]));
    const page = await store.readLog({ taskId: task.id, from: 3, limit: 10 });
    expect(page!.entries.map(({ change }) => [change!.state, change!.reason])).toEqual([
      ["BLOCKED", changeReasons.suspended],
      ["QUEUED", changeReasons.parentsEnded],
      ["RUNNING", ""],
      ["QUEUED", changeReasons.attemptFailed(1, failure())],
      ["RUNNING", ""],
      ["QUEUED", changeReasons.suspended],
    ]);
  });

  describe("a stale finish changes nothing", () => {
    const results = [
      succeeded,
      failedForGood,
      { kind: "released", reason: "" } as const,
      { kind: "suspended", parents: [], resumeState: bytes("") } as const,
    ];

    test("repeated: the same finish again", async ({ store, queue }) => {
      for (const [result, state] of [
        [succeeded, "SUCCEEDED"],
        [failedForGood, "FAILED"],
      ] as const) {
        const task = await leased(store, queue);
        const usage = { tokens: 1, usd: 1 };
        await store.finish([{ ...term(task), result, usage }]);
        const before = await getOne(store, task.id);
        expect(await store.finish([{ ...term(task), result, usage }])).toEqual([
          { accepted: true, state, repeated: true },
        ]);
        const contrary = state === "FAILED" ? succeeded : failedForGood;
        expect(await finish(store, term(task), contrary)).toEqual({
          accepted: false,
          state,
          repeated: false,
        });
        expect(await getOne(store, task.id)).toEqual(before);
      }
    });

    test("after the lease expired and was taken back", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue, 1);
      await sweepUntil(async () => (await stateOf(store, id)) === "QUEUED");
      const before = await getOne(store, id);
      for (const result of results)
        expect(await finish(store, term(task), result)).toEqual({
          accepted: false,
          state: "QUEUED",
          repeated: false,
        });
      expect(await getOne(store, id)).toEqual(before);
      const newer = await leaseOne(store, queue);
      for (const result of results)
        expect(await finish(store, term(task), result)).toEqual({
          accepted: false,
          state: "RUNNING",
          repeated: false,
        });
      expect((await finish(store, term(newer), succeeded)).accepted).toBe(true);
      expect((await finish(store, term(task), succeeded)).repeated).toBe(false);
    });

    test("after a cancel", async ({ store, queue }) => {
      const task = await leased(store, queue);
      await store.cancel([{ taskId: task.id, reason: "" }]);
      const before = await getOne(store, task.id);
      for (const result of results)
        expect(await finish(store, term(task), result)).toEqual({
          accepted: false,
          state: "CANCELED",
          repeated: false,
        });
      expect(await getOne(store, task.id)).toEqual(before);
    });

    test("twice in one batch: the first counts", async ({ store, queue }) => {
      const task = await leased(store, queue);
      const answers = await store.finish([
        { ...term(task), result: succeeded },
        { ...term(task), result: failedForGood },
        { ...term(task), result: succeeded },
      ]);
      expect(answers.map(({ accepted, repeated }) => [accepted, repeated])).toEqual([
        [true, false],
        [false, false],
        [true, true],
      ]);
      expect((await store.stats([queue]))[0]!.counts).toMatchObject({ SUCCEEDED: 1, FAILED: 0 });
    });
  });
}

function suspended(parents: TaskRecord["parents"]) {
  return { kind: "suspended", parents, resumeState: bytes("left") } as const;
}

async function leased(store: QueueStore, queue: string, parts: Parameters<typeof newTask>[1] = {}) {
  const id = await submitOne(store, newTask(queue, parts));
  const task = await leaseOne(store, queue);
  expect(task.id).toBe(id);
  return task;
}

export async function expectDeadLetter(
  store: QueueStore,
  queue: string,
  ids: readonly string[],
): Promise<void> {
  expect((await store.stats([queue]))[0]!.deadLetter).toBe(ids.length);
  const page = await store.list({ queues: [queue], deadLetter: true, limit: 100 });
  expect(page.tasks.map((task) => task.id).sort()).toEqual([...ids].sort());
}
