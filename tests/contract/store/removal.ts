import { describe, expect } from "vitest";
import {
  failedForGood,
  lease,
  leaseOne,
  newTask,
  parent,
  runOne,
  stateOf,
  submitOne,
  succeeded,
} from "../../support/tasks.ts";
import { type OpenStore, settle, storeTest } from "./kit.ts";

export function removalCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("removal", () => {
    test("deletes final tasks with all that is theirs, and no others", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const done = await submitOne(store, newTask(queue, { fingerprint: "f", labels: { a: "b" } }));
      await runOne(store, queue, done, succeeded);
      const failed = await submitOne(store, newTask(otherQueue, { tenant: "t" }));
      await runOne(store, otherQueue, failed, failedForGood);
      const running = await submitOne(store, newTask(queue));
      await leaseOne(store, queue);
      const [queued, canceled] = [
        await submitOne(store, newTask(queue)),
        await submitOne(store, newTask(queue)),
      ];
      await store.cancel([{ taskId: canceled, reason: "" }]);
      const ids = [done, running, failed, `${queue}.none`, "none", canceled, queued, done];
      expect(await store.remove(ids)).toEqual([true, false, true, false, false, true, false, false]);
      expect(await store.remove(ids)).toEqual(ids.map(() => false));
      expect(await store.remove([])).toEqual([]);
      expect(await store.get([done, failed, canceled])).toEqual([undefined, undefined, undefined]);
      expect(await store.readLog({ taskId: done, from: 1, limit: 9 })).toBeUndefined();
      const queues = [queue, otherQueue];
      const listed = await store.list({ queues, limit: 9 });
      expect(listed.tasks.map(({ id }) => id).sort()).toEqual([queued, running].sort());
      expect(await store.list({ queues, deadLetter: true, limit: 9 })).toEqual({ tasks: [] });
      const [here, there] = await store.stats(queues);
      expect(here!.counts).toMatchObject({ QUEUED: 1, RUNNING: 1, SUCCEEDED: 0, CANCELED: 0 });
      expect(here).toMatchObject({ arrived: 4, ended: 2 });
      expect(there).toMatchObject({ deadLetter: 0, arrived: 1, ended: 1, counts: { FAILED: 0 } });
      expect((await leaseOne(store, queue)).id).toBe(queued);
    });

    test("leaves the others of a batch and of a lane as they are", async ({ store, queue }) => {
      const tasks = Array.from({ length: 9 }, () => newTask(queue));
      await store.submit(tasks.slice(0, 3));
      await store.submit(tasks.slice(3, 6));
      await store.submit(tasks.slice(6));
      const gone = [1, 3, 4, 5, 8].map((place) => tasks[place]!.id);
      await store.cancel(gone.map((taskId) => ({ taskId, reason: "" })));
      expect(await store.remove(gone)).toEqual(gone.map(() => true));
      const stats = await store.stats([queue]);
      expect(stats[0]!.counts).toMatchObject({ QUEUED: 4, CANCELED: 0 });
      await submitOne(store, newTask(queue, { id: gone[0]! }));
      const order = (await lease(store, queue, { max: 20 })).map(({ id }) => id);
      expect(order).toEqual([0, 2, 6, 7].map((place) => tasks[place]!.id).concat(gone[0]!));
    });

    test("a removed parent is missing to those that are told to wait for it", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const mother = await submitOne(store, newTask(queue));
      const child = await submitOne(store, newTask(otherQueue, { parents: [parent(mother)] }));
      await runOne(store, queue, mother, failedForGood);
      await settle(store);
      expect(await stateOf(store, child)).toBe("FAILED");
      await store.remove([mother]);
      await store.retry([{ taskId: child }]);
      await settle(store);
      expect(await stateOf(store, child), "it must have succeeded, and is gone").toBe("FAILED");
      const [outcome] = await store.submit([newTask(queue, { parents: [parent(mother)] })]);
      expect(outcome!.status).toBe("unknownParent");
    });
  });
}
