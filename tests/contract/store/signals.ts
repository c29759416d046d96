import { describe, expect } from "vitest";
import {
  bytes,
  failedForGood,
  finish,
  leaseOne,
  newTask,
  parent,
  runOne,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { listen, type OpenStore, settle, storeTest } from "./kit.ts";

export function signalCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("signals", () => {
    test("ready when tasks become QUEUED: submitted, retried, promoted, freed", async (kit) => {
      const { store, queue, otherQueue, sweepUntil } = kit;
      const heard = listen(store, queue);
      const ready = async () => {
        await heard.has((signal) => signal.ready);
        heard.clear();
      };
      const id = await submitOne(store, newTask(queue));
      await ready();
      await runOne(store, queue, id, failedForGood);
      heard.clear();
      await store.retry([{ taskId: id }]);
      await ready();
      await runOne(store, queue, id, { kind: "released", reason: "" });
      await ready();
      await runOne(store, queue, id, succeeded);
      heard.clear();
      const delayed = await submitOne(store, newTask(queue, { delayMs: 2 }));
      await sweepUntil(async () => (await stateOf(store, delayed)) === "QUEUED");
      await ready();
      const mother = await submitOne(store, newTask(otherQueue));
      await submitOne(store, newTask(queue, { parents: [parent(mother)] }));
      heard.clear();
      await runOne(store, otherQueue, mother, succeeded);
      await settle(store);
      await ready();
      heard.stop();
    });

    test("changed when a task's log or state does, on every handle", async ({ store, second, queue }) => {
      const heard = listen(await second(), queue);
      const id = await submitOne(store, newTask(queue));
      const changed = async () => {
        await heard.has((signal) => signal.changed.includes(id));
        heard.clear();
      };
      const task = await leaseOne(store, queue);
      await changed();
      await store.append([{ ...term(task), entries: [{ bytes: bytes("x") }] }]);
      await changed();
      await finish(store, term(task), succeeded);
      await changed();
      heard.stop();
    });

    test("revoked when a running task is canceled, with the lease's fence", async ({
      store,
      second,
      queue,
    }) => {
      const heard = listen(await second(), queue);
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      await store.cancel([{ taskId: task.id, reason: "" }]);
      await heard.has((signal) =>
        signal.revoked.some((lost) => lost.taskId === task.id && lost.fence === task.fence),
      );
      heard.stop();
    });

    test("revoked when a lease expired", async ({ store, second, queue, sweepUntil }) => {
      const heard = listen(await second(), queue);
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue, 1);
      await sweepUntil(async () => (await stateOf(store, task.id)) === "QUEUED");
      await heard.has((signal) =>
        signal.revoked.some((lost) => lost.taskId === task.id && lost.fence === task.fence),
      );
      expect(heard.seen.some((signal) => signal.ready)).toBe(true);
      heard.stop();
    });

    test("nothing is revoked by a cancel of what does not run, nor by a finish", async ({ store, queue }) => {
      const heard = listen(store, queue);
      const id = await submitOne(store, newTask(queue));
      await store.cancel([{ taskId: id, reason: "" }]);
      const other = await submitOne(store, newTask(queue));
      await runOne(store, queue, other, succeeded);
      const last = await submitOne(store, newTask(queue));
      await store.cancel([{ taskId: last, reason: "" }]);
      await heard.has((signal) => signal.changed.includes(last));
      expect(heard.seen.flatMap((signal) => signal.revoked)).toEqual([]);
      heard.stop();
    });

    test("a stopped listener hears nothing more", async ({ store, queue }) => {
      const [stopped, heard] = [listen(store, queue), listen(store, queue)];
      stopped.stop();
      await submitOne(store, newTask(queue));
      await heard.has((signal) => signal.ready);
      expect(stopped.seen).toEqual([]);
      heard.stop();
    });
  });
}
