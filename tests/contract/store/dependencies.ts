import { describe, expect } from "vitest";
import {
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

export function dependencyCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("dependencies", () => {
    test("a chain runs in order", async ({ store, queue }) => {
      const tasks = [newTask(queue)];
      for (let i = 0; i < 4; i++) tasks.push(newTask(queue, { parents: [parent(tasks[i]!.id)] }));
      await store.submit(tasks);
      for (const task of tasks) {
        await settle(store);
        await runOne(store, queue, task.id, succeeded);
      }
      for (const task of tasks) await expectWholeLog(store, task.id);
    });

    test("a diamond across queues: the last waits for both", async ({ store, queue, otherQueue }) => {
      const top = newTask(queue);
      const left = newTask(otherQueue, { parents: [parent(top.id)] });
      const right = newTask(queue, { parents: [parent(top.id)] });
      const end = newTask(otherQueue, { parents: [parent(left.id), parent(right.id)] });
      await store.submit([top, left, right, end]);
      await settle(store);
      expect((await getOne(store, end.id)).parentsPending).toBe(2);
      await runOne(store, queue, top.id, succeeded);
      await settle(store);
      await runOne(store, otherQueue, left.id, succeeded);
      await settle(store);
      expect(await getOne(store, end.id)).toMatchObject({ state: "BLOCKED", parentsPending: 1 });
      expect(await lease(store, otherQueue)).toEqual([]);
      await runOne(store, queue, right.id, succeeded);
      await settle(store);
      expect(await getOne(store, end.id)).toMatchObject({ state: "QUEUED", parentsPending: 0 });
      await runOne(store, otherQueue, end.id, succeeded);
    });

    test("a parent of many children frees them all", async ({ store, queue, otherQueue }) => {
      const mother = newTask(queue);
      const children = Array.from({ length: 300 }, (_, i) =>
        newTask(i % 2 ? queue : otherQueue, { parents: [parent(mother.id)] }),
      );
      await store.submit([mother, ...children]);
      await runOne(store, queue, mother.id, succeeded);
      await settle(store);
      const stats = await store.stats([queue, otherQueue]);
      expect(stats.map((entry) => entry.counts.QUEUED)).toEqual([150, 150]);
    });

    test("a retried attempt of a parent frees nobody", async ({ store, queue }) => {
      const mother = await submitOne(store, newTask(queue));
      const child = await submitOne(store, newTask(queue, { parents: [parent(mother)] }));
      await runOne(store, queue, mother, { kind: "failed", failure: failure() });
      await settle(store);
      expect(await stateOf(store, child)).toBe("BLOCKED");
      await runOne(store, queue, mother, { kind: "released", reason: "" });
      await settle(store);
      expect(await stateOf(store, child)).toBe("BLOCKED");
    });

    for (const end of ["failed", "canceled"] as const)
      test(`a ${end} parent fails its children and theirs`, async ({ store, queue, otherQueue }) => {
        const top = newTask(queue);
        const child = newTask(otherQueue, { parents: [parent(top.id)] });
        const grandchild = newTask(queue, { parents: [parent(child.id)] });
        const last = newTask(otherQueue, { parents: [parent(grandchild.id, "FINISHED")] });
        await store.submit([top, child, grandchild, last]);
        if (end === "failed") await runOne(store, queue, top.id, failedForGood);
        else await store.cancel([{ taskId: top.id, reason: "" }]);
        await settle(store);
        for (const [task, cause] of [
          [child, top],
          [grandchild, child],
        ] as const) {
          const record = await getOne(store, task.id);
          expect(record).toMatchObject({ state: "FAILED", attempt: 0, error: { kind: "PARENT_FAILED" } });
          expect(record.error!.message).toContain(cause.id);
          expect(record.error!.retryable).toBe(false);
          expect(record.finishedMs).toBeDefined();
          await expectWholeLog(store, task.id);
        }
        expect(await stateOf(store, last.id)).toBe("QUEUED");
      });

    test("fails a child once, though two parents fail, and leaves a canceled one", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const [one, two] = [newTask(queue), newTask(queue)];
      const parents = [parent(one.id), parent(two.id)];
      const child = newTask(otherQueue, { parents });
      const canceled = newTask(otherQueue, { parents });
      await store.submit([one, two, child, canceled]);
      await store.cancel([{ taskId: canceled.id, reason: "" }]);
      await runOne(store, queue, one.id, failedForGood);
      await settle(store);
      const before = await getOne(store, child.id);
      await runOne(store, queue, two.id, failedForGood);
      await settle(store);
      const after = await getOne(store, child.id);
      expect(after).toMatchObject({
        state: "FAILED",
        lastSequence: before.lastSequence,
        error: before.error,
      });
      expect(await stateOf(store, canceled.id)).toBe("CANCELED");
      expect((await store.stats([otherQueue]))[0]!).toMatchObject({ deadLetter: 1 });
    });

    test("FINISHED is met by any end", async ({ store, queue, otherQueue }) => {
      const parents = [newTask(queue), newTask(queue), newTask(queue)];
      const child = newTask(otherQueue, { parents: parents.map(({ id }) => parent(id, "FINISHED")) });
      await store.submit([...parents, child]);
      await runOne(store, queue, parents[0]!.id, failedForGood);
      await runOne(store, queue, parents[1]!.id, succeeded);
      await store.cancel([{ taskId: parents[2]!.id, reason: "" }]);
      await settle(store);
      expect(await getOne(store, child.id)).toMatchObject({ state: "QUEUED", parentsPending: 0 });
    });

    test("parents that ended before the submit count at once", async ({ store, queue, otherQueue }) => {
      const [good, bad] = [await submitOne(store, newTask(queue)), await submitOne(store, newTask(queue))];
      await runOne(store, queue, good, succeeded);
      await runOne(store, queue, bad, failedForGood);
      const ready = newTask(otherQueue, { parents: [parent(good), parent(bad, "FINISHED")] });
      const lost = newTask(otherQueue, { parents: [parent(good), parent(bad)] });
      const outcomes = await store.submit([ready, lost]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["created", "created"]);
      await settle(store);
      expect(await getOne(store, ready.id)).toMatchObject({ state: "QUEUED", parentsPending: 0 });
      expect(await getOne(store, lost.id)).toMatchObject({
        state: "FAILED",
        error: { kind: "PARENT_FAILED" },
      });
    });

    test("a delay of the child counts from its submit, and holds after its parents", async (kit) => {
      const { store, queue, otherQueue, sweepUntil } = kit;
      const mother = newTask(queue);
      const late = newTask(otherQueue, { parents: [parent(mother.id)], delayMs: 3_600_000 });
      const soon = newTask(otherQueue, { parents: [parent(mother.id)], delayMs: 1 });
      await store.submit([mother, late, soon]);
      expect(await stateOf(store, late.id)).toBe("BLOCKED");
      await runOne(store, queue, mother.id, succeeded);
      await settle(store);
      const record = await getOne(store, late.id);
      expect(record.state).toBe("SCHEDULED");
      expect(record.runAtMs).toBe(record.createdMs + 3_600_000);
      await sweepUntil(async () => (await stateOf(store, soon.id)) === "QUEUED");
    });

    test("a parent with a delay holds its child", async ({ store, queue, sweepUntil }) => {
      const mother = newTask(queue, { delayMs: 1 });
      const child = newTask(queue, { parents: [parent(mother.id)] });
      await store.submit([mother, child]);
      await sweepUntil(async () => (await stateOf(store, mother.id)) === "QUEUED");
      expect(await stateOf(store, child.id)).toBe("BLOCKED");
      await runOne(store, queue, mother.id, succeeded);
      await settle(store);
      await runOne(store, queue, child.id, succeeded);
    });

    test("an expired last attempt fails the children", async ({ store, queue, otherQueue, sweepUntil }) => {
      const retry = { ...newTask(queue).retry, attemptsMax: 1 };
      const mother = await submitOne(store, newTask(queue, { retry }));
      const child = await submitOne(store, newTask(otherQueue, { parents: [parent(mother)] }));
      await leaseOne(store, queue, 1);
      await sweepUntil(async () => (await stateOf(store, child)) === "FAILED");
      expect(await stateOf(store, mother)).toBe("FAILED");
    });

    test("parents that end at once on two handles free the child once", async (kit) => {
      const { store, second, queue, otherQueue } = kit;
      const other = await second();
      for (let round = 0; round < 10; round++) {
        const parents = Array.from({ length: 4 }, () => newTask(queue));
        const child = newTask(otherQueue, { parents: parents.map(({ id }) => parent(id)) });
        await store.submit([...parents, child]);
        const leased = await lease(store, queue, { max: 4 });
        await Promise.all(leased.map((task, i) => finish(i % 2 ? other : store, term(task), succeeded)));
        await settle(store);
        await runOne(store, otherQueue, child.id, succeeded);
        await expectWholeLog(store, child.id);
      }
    });
  });
}
