import { describe, expect } from "vitest";
import {
  failedForGood,
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

export function sweepCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("sweep: leases", () => {
    test("takes an expired lease back for the next attempt, at once", async ({
      store,
      queue,
      sweepUntil,
    }) => {
      const retry = { ...newTask(queue).retry, backoffInitialMs: 60_000, backoffMaxMs: 60_000 };
      const id = await submitOne(store, newTask(queue, { retry }));
      const task = await leaseOne(store, queue, 1);
      const report = await sweepUntil(({ expired }) => expired > 0);
      expect(report.expired).toBe(1);
      expect(await getOne(store, id)).toMatchObject({
        state: "QUEUED",
        attempt: 1,
        error: { kind: "LEASE_EXPIRED" },
      });
      const again = await leaseOne(store, queue);
      expect(again).toMatchObject({ id, attempt: 2 });
      expect(again.fence).toBeGreaterThan(task.fence);
      await expectWholeLog(store, id);
    });

    test("fails the task after its last attempt", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(
        store,
        newTask(queue, { retry: { ...newTask(queue).retry, attemptsMax: 2 } }),
      );
      for (const state of ["QUEUED", "FAILED"]) {
        await leaseOne(store, queue, 1);
        await sweepUntil(async () => (await stateOf(store, id)) === state);
      }
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        attempt: 2,
        error: { kind: "LEASE_EXPIRED" },
      });
      await expectDeadLetter(store, queue, [id]);
    });

    test("leaves a lease that has not ended", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      await leaseOne(store, queue, 60_000);
      const report = await store.sweep();
      expect(await stateOf(store, id)).toBe("RUNNING");
      expect(report.nextDueMs).toBeGreaterThan(0);
      expect(report.nextDueMs).toBeLessThanOrEqual(60_000);
    });

    test("takes many back", async ({ store, queue, sweepUntil }) => {
      await store.submit(Array.from({ length: 250 }, () => newTask(queue)));
      await lease(store, queue, { max: 250, leaseMs: 1 });
      await sweepUntil(async () => (await store.stats([queue]))[0]!.counts.QUEUED === 250);
    });
  });

  describe("sweep: times", () => {
    test("promotes what is due, the earliest first, and says when the next is", async (kit) => {
      const { store, queue, sweepUntil } = kit;
      const soon = newTask(queue, { delayMs: 4 });
      const sooner = newTask(queue, { delayMs: 2 });
      const later = newTask(queue, { delayMs: 30_000 });
      await store.submit([soon, sooner, later]);
      await sweepUntil(async () => (await store.stats([queue]))[0]!.counts.QUEUED === 2);
      const report = await store.sweep();
      expect(report.nextDueMs).toBeLessThanOrEqual(30_000);
      expect(await getOne(store, soon.id)).toMatchObject({ state: "QUEUED" });
      expect((await getOne(store, soon.id)).runAtMs).toBeUndefined();
      expect((await lease(store, queue, { max: 3 })).map((task) => task.id)).toEqual([sooner.id, soon.id]);
    });

    test("delivers an ended parent's effects, then has nothing left", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const mother = newTask(queue);
      const child = newTask(otherQueue, { parents: [parent(mother.id)] });
      await store.submit([mother, child]);
      await runOne(store, queue, mother.id, succeeded);
      await settle(store);
      expect(await stateOf(store, child.id)).toBe("QUEUED");
      expect((await store.sweep()).delivered).toBe(0);
    });
  });

  describe("sweep: retention", () => {
    test(
      "deletes a final task and its log when its time is over, not an unfinished one",
      async ({ store, queue, sweepUntil }) => {
        const done = await submitOne(store, newTask(queue));
        await runOne(store, queue, done, succeeded);
        const waiting = await submitOne(store, newTask(queue));
        await sweepUntil(async () => (await stateOf(store, done)) === "MISSING");
        expect(await store.readLog({ taskId: done, from: 1, limit: 9 })).toBeUndefined();
        expect((await store.list({ queues: [queue], limit: 9 })).tasks.map((task) => task.id)).toEqual([
          waiting,
        ]);
        expect((await store.stats([queue]))[0]!.counts).toMatchObject({ SUCCEEDED: 0, QUEUED: 1 });
        expect((await store.submit([newTask(queue, { id: done })]))[0]!.status).toBe("created");
      },
      { retentionMs: 5 },
    );

    test(
      "keeps the newest of more final tasks than its count allows",
      async ({ store, queue, otherQueue, sweepUntil }) => {
        const ids: string[] = [];
        for (let i = 0; i < 8; i++) {
          ids.push(await submitOne(store, newTask(queue)));
          await runOne(store, queue, ids[i]!, i % 2 ? succeeded : failedForGood);
        }
        const elsewhere = await submitOne(store, newTask(otherQueue));
        await runOne(store, otherQueue, elsewhere, succeeded);
        await sweepUntil(async () => (await stateOf(store, ids[4]!)) === "MISSING");
        const states = await Promise.all(ids.map((id) => stateOf(store, id)));
        expect(states).toEqual([...Array(5).fill("MISSING"), "SUCCEEDED", "FAILED", "SUCCEEDED"]);
        expect(await stateOf(store, elsewhere)).toBe("SUCCEEDED");
        await expectDeadLetter(store, queue, [ids[6]!]);
      },
      { retentionTasksMax: 3 },
    );

    test(
      "a task that comes again under a deleted one's id has a higher fence: who held that lease does not hold this one",
      async ({ store, queue, sweepUntil }) => {
        const task = newTask(queue);
        await store.submit([task]);
        const old = await leaseOne(store, queue);
        await store.finish([{ ...term(old), result: succeeded }]);
        await sweepUntil(async () => (await stateOf(store, task.id)) === "MISSING");
        await submitOne(store, task);
        const fresh = await leaseOne(store, queue);
        expect(fresh.id).toBe(old.id);
        expect(fresh.fence).toBeGreaterThan(old.fence);
        expect(await store.finish([{ ...term(old), result: succeeded }])).toMatchObject([
          { accepted: false },
        ]);
        expect(await stateOf(store, task.id)).toBe("RUNNING");
      },
      { retentionTasksMax: 0 },
    );

    test(
      "a child outlives its deleted parent",
      async ({ store, queue, otherQueue, sweepUntil }) => {
        const mother = newTask(queue);
        const slow = newTask(queue, { delayMs: 3_600_000 });
        const child = newTask(otherQueue, { parents: [parent(mother.id), parent(slow.id)] });
        await store.submit([mother, slow, child]);
        await runOne(store, queue, mother.id, succeeded);
        await sweepUntil(async () => (await stateOf(store, mother.id)) === "MISSING");
        expect(await getOne(store, child.id)).toMatchObject({ state: "BLOCKED", parentsPending: 1 });
        await store.cancel([{ taskId: child.id, reason: "" }]);
        await store.retry([{ taskId: child.id }]);
        await settle(store);
        expect(await stateOf(store, child.id), "a met parent stays met").toBe("BLOCKED");
      },
      { retentionMs: 50 },
    );
  });
}
