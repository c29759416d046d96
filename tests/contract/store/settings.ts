import { describe, expect } from "vitest";
import {
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
import { listen, type OpenStore, settle, storeTest, until } from "./kit.ts";

export function settingCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("pause", () => {
    test("gives nothing more; what runs and what comes goes on", async ({ store, second, queue }) => {
      await store.submit([newTask(queue), newTask(queue)]);
      const task = await leaseOne(store, queue);
      await store.configure([{ queue, pause: "a bad model" }]);
      expect(await lease(await second(), queue, { max: 9 })).toEqual([]);
      const [stats] = await store.stats([queue]);
      expect(stats!.pause).toMatchObject({ reason: "a bad model" });
      expect(stats!.pause!.sinceMs).toBeGreaterThanOrEqual(task.startedMs!);
      expect((await store.load(queue, "")).pause).toEqual(stats!.pause);
      expect(await store.renew([{ ...term(task), leaseMs: 9_000 }])).toMatchObject([{ accepted: true }]);
      expect(await finish(store, term(task), succeeded)).toMatchObject({ accepted: true });
      await submitOne(store, newTask(queue));
      expect((await store.stats([queue]))[0]!.counts).toMatchObject({ QUEUED: 2, SUCCEEDED: 1 });
    });

    test("ends when it is resumed, which is signaled", async ({ store, queue }) => {
      await store.configure([{ queue, pause: "" }]);
      await submitOne(store, newTask(queue));
      expect((await store.stats([queue]))[0]!.pause?.reason).toBe("");
      expect(await lease(store, queue)).toEqual([]);
      const heard = listen(store, queue);
      await store.configure([{ queue, policy: { runningMax: 5 } }]);
      expect((await store.stats([queue]))[0]!.pause, "another change leaves it paused").toBeDefined();
      heard.clear();
      await store.configure([{ queue, pause: null }]);
      await heard.has((signal) => signal.ready);
      heard.stop();
      expect((await store.stats([queue]))[0]!.pause).toBeUndefined();
      expect(await lease(store, queue)).toHaveLength(1);
    });
  });

  describe("remove", () => {
    test("deletes final tasks with all that is theirs, and no others", async ({ store, queue }) => {
      const failed = await submitOne(store, newTask(queue));
      await runOne(store, queue, failed, failedForGood);
      const done = await submitOne(store, newTask(queue, { workflowId: `${queue}-flow` }));
      await runOne(store, queue, done, succeeded);
      const queued = await submitOne(store, newTask(queue));
      const ids = [done, queued, `${queue}.none`, failed, done];
      expect(await store.remove(ids)).toEqual([true, false, false, true, false]);
      expect(await store.get([done, failed])).toEqual([undefined, undefined]);
      expect(await store.readLog({ taskId: done, from: 1, limit: 9 })).toBeUndefined();
      const { tasks } = await store.list({ queues: [queue], limit: 9 });
      expect(tasks.map((task) => task.id)).toEqual([queued]);
      expect((await store.list({ workflowId: `${queue}-flow`, limit: 9 })).tasks).toEqual([]);
      const [stats] = await store.stats([queue]);
      expect(stats).toMatchObject({ deadLetter: 0, arrived: 3, ended: 2 });
      expect(stats!.counts).toMatchObject({ QUEUED: 1, SUCCEEDED: 0, FAILED: 0 });
    });

    test("a task that has the id again has a higher fence", async ({ store, queue }) => {
      const task = newTask(queue);
      await submitOne(store, task);
      const before = await leaseOne(store, queue);
      await finish(store, term(before), succeeded);
      expect(await store.remove([task.id])).toEqual([true]);
      await submitOne(store, task);
      const after = await leaseOne(store, queue);
      expect(after.id).toBe(task.id);
      expect(after.fence).toBeGreaterThan(before.fence);
      expect(await store.renew([{ ...term(before), leaseMs: 9 }])).toMatchObject([{ accepted: false }]);
    });

    test("leaves children whose parent was met as they are", async ({ store, queue, otherQueue }) => {
      const mother = await submitOne(store, newTask(otherQueue));
      const child = await submitOne(store, newTask(queue, { parents: [parent(mother)] }));
      await runOne(store, otherQueue, mother, succeeded);
      await settle(store);
      await store.remove([mother]);
      expect(await stateOf(store, child)).toBe("QUEUED");
      await runOne(store, queue, child, failedForGood);
      await store.retry([{ taskId: child }]);
      expect(await stateOf(store, child)).toBe("QUEUED");
    });
  });

  describe("arrived and ended", () => {
    test("grow by what is taken in, and by what ends, each time", async ({ store, queue }) => {
      const flow = async () => {
        const [{ arrived, ended } = {}] = await store.stats([queue]);
        return { arrived, ended };
      };
      const id = await submitOne(store, newTask(queue));
      await store.submit([newTask(queue, { id })]);
      expect(await flow()).toEqual({ arrived: 1, ended: 0 });
      await runOne(store, queue, id, failedForGood);
      await store.retry([{ taskId: id }]);
      await runOne(store, queue, id, succeeded);
      expect(await flow()).toEqual({ arrived: 1, ended: 2 });
    });
  });

  describe("announce and load", () => {
    test("shows the workers that were there lately", async ({ store, second, advance, queue }) => {
      const worker = (workerId: string, labels = {}) => ({ queue, workerId, labels });
      await store.announce([worker("w1"), worker("w2", { gpu: "a100" })], 60_000);
      await store.announce([worker("w1", { zone: "x" })], 60_000);
      const shown = async () =>
        [...(await (await second()).load(queue, "")).workers].sort((a, b) =>
          a.workerId < b.workerId ? -1 : 1,
        );
      await until(async () => (await shown()).length === 2);
      expect(await shown()).toEqual([worker("w1", { zone: "x" }), worker("w2", { gpu: "a100" })]);
      advance?.(70_000);
      await store.announce([worker("w3")], 1);
      advance?.(1);
      if (advance !== undefined) expect(await shown()).toEqual([]);
      await until(async () => (await shown()).every(({ workerId }) => workerId !== "w3"));
    });

    test("shows no load where there is none", async ({ store, queue }) => {
      expect(await store.load(queue, "x")).toEqual({
        policy: {},
        running: 0,
        keyRunning: 0,
        rateInMs: 0,
        keyRateInMs: 0,
        workers: [],
      });
      expect((await getOne(store, await submitOne(store, newTask(queue)))).state).toBe("QUEUED");
    });
  });
}
