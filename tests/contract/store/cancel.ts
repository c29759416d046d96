import { describe, expect } from "vitest";
import type { QueueStore } from "../../../src/queue/store.ts";
import type { TaskState } from "../../../src/queue/task.ts";
import {
  bytes,
  failedForGood,
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
import { expectDeadLetter } from "./finish.ts";
import { expectWholeLog, type OpenStore, settle, storeTest } from "./kit.ts";

/** Brings a fresh task of `queue`, whose parent is in `otherQueue`, to a state; answers its id. */
async function bring(
  store: QueueStore,
  queue: string,
  otherQueue: string,
  state: TaskState,
): Promise<string> {
  if (state === "BLOCKED") {
    const mother = await submitOne(store, newTask(otherQueue));
    return submitOne(store, newTask(queue, { parents: [parent(mother)] }));
  }
  const id = await submitOne(store, newTask(queue, state === "SCHEDULED" ? { delayMs: 60_000 } : {}));
  if (state === "RUNNING") await leaseOne(store, queue);
  if (state === "SUCCEEDED") await runOne(store, queue, id, succeeded);
  if (state === "FAILED") await runOne(store, queue, id, failedForGood);
  if (state === "CANCELED") await store.cancel([{ taskId: id, reason: "first" }]);
  return id;
}

export function cancelCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("cancel", () => {
    test("knows a task by its own id alone, not by one with a zero more in it", async ({ store, queue }) => {
      const [outcome] = await store.submit([{ ...newTask(queue), id: undefined }]);
      const { id } = outcome as { id: string };
      for (let at = queue.length + 1; at <= id.length; at++) {
        const other = `${id.slice(0, at)}0${id.slice(at)}`;
        expect(await store.cancel([{ taskId: other, reason: "" }]), other).toEqual([
          { changed: false, state: "MISSING" },
        ]);
      }
      expect(await stateOf(store, id)).toBe("QUEUED");
    });

    for (const state of ["BLOCKED", "SCHEDULED", "QUEUED", "RUNNING"] as const)
      test(`ends a ${state} task and moves its fence`, async ({ store, queue, otherQueue }) => {
        const id = await bring(store, queue, otherQueue, state);
        const before = await getOne(store, id);
        expect(before.state).toBe(state);
        expect(await store.cancel([{ taskId: id, reason: "no need" }])).toEqual([
          { changed: true, state: "CANCELED" },
        ]);
        const after = await getOne(store, id);
        expect(after).toMatchObject({ state: "CANCELED", fence: before.fence + 1, attempt: before.attempt });
        expect(after.finishedMs).toBeDefined();
        expect(after.leaseExpiresMs).toBeUndefined();
        expect(after.runAtMs).toBeUndefined();
        const log = await store.readLog({ taskId: id, from: 1, limit: 100 });
        expect(log!.entries.at(-1)!.change).toMatchObject({ state: "CANCELED", reason: "no need" });
        await expectWholeLog(store, id);
        expect(await lease(store, queue, { max: 9 })).toEqual([]);
        expect((await store.stats([queue]))[0]!.counts).toMatchObject({ [state]: 0, CANCELED: 1 });
      });

    for (const state of ["SUCCEEDED", "FAILED", "CANCELED"] as const)
      test(`answers a ${state} task as it is`, async ({ store, queue, otherQueue }) => {
        const id = await bring(store, queue, otherQueue, state);
        const before = await getOne(store, id);
        expect(await store.cancel([{ taskId: id, reason: "late" }])).toEqual([{ changed: false, state }]);
        expect(await getOne(store, id)).toEqual(before);
      });

    test("answers a missing task, and the second of two cancels in a batch", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      const answers = await store.cancel([
        { taskId: `${queue}.none`, reason: "" },
        { taskId: id, reason: "" },
        { taskId: id, reason: "" },
      ]);
      expect(answers).toEqual([
        { changed: false, state: "MISSING" },
        { changed: true, state: "CANCELED" },
        { changed: false, state: "CANCELED" },
      ]);
    });

    test("refuses whatever the worker of a canceled task writes later", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      await store.cancel([{ taskId: id, reason: "" }]);
      const refused = { accepted: false, state: "CANCELED" };
      expect(await store.renew([{ ...term(task), leaseMs: 1_000 }])).toEqual([refused]);
      expect(await store.append([{ ...term(task), entries: [{ bytes: bytes("late") }] }])).toEqual([refused]);
      expect(await finish(store, term(task), succeeded)).toEqual({ ...refused, repeated: false });
    });

    test("against a finish at the same time: one of them wins", async ({ store, second, queue }) => {
      const other = await second();
      for (let i = 0; i < 20; i++) {
        const id = await submitOne(store, newTask(queue));
        const task = await leaseOne(store, queue);
        const [canceled, finished] = await Promise.all([
          other.cancel([{ taskId: id, reason: "" }]),
          store.finish([{ ...term(task), result: succeeded }]),
        ]);
        expect(canceled[0]!.changed).not.toBe(finished[0]!.accepted);
        expect(canceled[0]!.state).toBe(finished[0]!.state);
        expect(await stateOf(store, id)).toBe(canceled[0]!.state);
      }
    });
  });

  describe("retry", () => {
    for (const state of ["FAILED", "CANCELED"] as const)
      test(`queues a ${state} task as a new generation`, async ({ store, queue, otherQueue }) => {
        const id = await bring(store, queue, otherQueue, state);
        const before = await getOne(store, id);
        expect(await store.retry([{ taskId: id }])).toEqual([{ changed: true, state: "QUEUED" }]);
        const after = await getOne(store, id);
        expect(after).toMatchObject({ state: "QUEUED", generation: 2, attempt: 0, fence: before.fence + 1 });
        expect(after.spec).toEqual(before.spec);
        expect(after.finishedMs).toBeUndefined();
        expect(after.error).toBeUndefined();
        await expectDeadLetter(store, queue, []);
        const again = await leaseOne(store, queue);
        expect(again).toMatchObject({ id, attempt: 1, fence: before.fence + 2 });
        expect((await finish(store, { taskId: id, fence: before.fence }, failedForGood)).accepted).toBe(
          false,
        );
        await finish(store, term(again), failedForGood);
        await expectDeadLetter(store, queue, [id]);
        await expectWholeLog(store, id);
      });

    test("queues a canceled SCHEDULED task at once", async ({ store, queue, otherQueue }) => {
      const id = await bring(store, queue, otherQueue, "SCHEDULED");
      await store.cancel([{ taskId: id, reason: "" }]);
      expect(await store.retry([{ taskId: id }])).toEqual([{ changed: true, state: "QUEUED" }]);
      expect((await getOne(store, id)).runAtMs).toBeUndefined();
    });

    test("takes another spec", async ({ store, queue, otherQueue }) => {
      const id = await bring(store, queue, otherQueue, "FAILED");
      await store.retry([{ taskId: id, spec: bytes("better") }]);
      expect((await leaseOne(store, queue)).spec).toEqual(bytes("better"));
    });

    for (const state of ["BLOCKED", "SCHEDULED", "QUEUED", "RUNNING", "SUCCEEDED"] as const)
      test(`leaves a ${state} task as it is`, async ({ store, queue, otherQueue }) => {
        const id = await bring(store, queue, otherQueue, state);
        const before = await getOne(store, id);
        expect(await store.retry([{ taskId: id, spec: bytes("no") }])).toEqual([{ changed: false, state }]);
        expect(await getOne(store, id)).toEqual(before);
      });

    test("answers a missing task", async ({ store, queue }) => {
      expect(await store.retry([{ taskId: `${queue}.none` }])).toEqual([
        { changed: false, state: "MISSING" },
      ]);
    });

    test("waits again for a parent that had failed it, and fails again while that has", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const mother = await submitOne(store, newTask(otherQueue));
      const id = await submitOne(store, newTask(queue, { parents: [parent(mother)] }));
      await runOne(store, otherQueue, mother, failedForGood);
      await settle(store);
      expect(await stateOf(store, id)).toBe("FAILED");

      expect((await store.retry([{ taskId: id }]))[0]!.changed).toBe(true);
      await settle(store);
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        generation: 2,
        error: { kind: "PARENT_FAILED" },
      });

      await store.retry([{ taskId: mother }, { taskId: id }]);
      await settle(store);
      expect(await getOne(store, id)).toMatchObject({ state: "BLOCKED", parentsPending: 1, generation: 3 });
      await runOne(store, otherQueue, mother, succeeded);
      await settle(store);
      expect(await leaseOne(store, queue)).toMatchObject({ id, attempt: 1 });
      await expectWholeLog(store, id);
    });

    test("a canceled BLOCKED task waits again for the parents that have not ended", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const id = await bring(store, queue, otherQueue, "BLOCKED");
      await store.cancel([{ taskId: id, reason: "" }]);
      await store.retry([{ taskId: id }]);
      await settle(store);
      expect(await getOne(store, id)).toMatchObject({ state: "BLOCKED", parentsPending: 1 });
      const mother = await leaseOne(store, otherQueue);
      await finish(store, term(mother), succeeded);
      await settle(store);
      expect(await stateOf(store, id)).toBe("QUEUED");
    });
  });
}
