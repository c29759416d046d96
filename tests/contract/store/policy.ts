import { describe, expect } from "vitest";
import type { QueuePolicy } from "../../../src/queue/policy.ts";
import {
  finish,
  grantOf,
  lease,
  leaseOne,
  newTask,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { listen, type OpenStore, storeTest, until } from "./kit.ts";

export function policyCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("policy", () => {
    test("the operator's stands in the role's place while there is one", async ({ store, queue }) => {
      const policyNow = async () => (await store.stats([queue]))[0]!.policy;
      const rolePolicy: QueuePolicy = { runningMax: 5, rate: { perSecond: 0.5, burst: 3 } };
      await store.configure([{ queue, rolePolicy }]);
      expect(await policyNow()).toEqual(rolePolicy);
      await store.configure([{ queue, policy: { runningPerKeyMax: 2 } }]);
      expect(await policyNow()).toEqual({ runningPerKeyMax: 2 });
      await store.configure([{ queue, rolePolicy: { runningMax: 6 } }]);
      expect(await policyNow()).toEqual({ runningPerKeyMax: 2 });
      await store.configure([{ queue, policy: null }]);
      expect(await policyNow()).toEqual({ runningMax: 6 });
      expect((await store.load(queue, "")).policy).toEqual({ runningMax: 6 });
    });

    test("holds for every handle, and a queue that has none is not limited", async (kit) => {
      const { store, second, queue, otherQueue } = kit;
      await store.submit([queue, queue, otherQueue, otherQueue].map((name) => newTask(name)));
      await store.configure([{ queue, policy: { runningMax: 1 } }]);
      const other = await second();
      expect(await lease(other, queue, { max: 2 })).toHaveLength(1);
      expect(await lease(other, otherQueue, { max: 2 })).toHaveLength(2);
    });

    test("runningMax: as many run at once, however they end", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningMax: 2 } }]);
      await store.submit(Array.from({ length: 5 }, () => newTask(queue)));
      const { tasks, againInMs } = await grantOf(store, queue, { max: 5 });
      expect(tasks).toHaveLength(2);
      expect(againInMs).toBeUndefined();
      expect(await lease(store, queue)).toEqual([]);
      await finish(store, term(tasks[0]!), succeeded);
      const [third] = await lease(store, queue, { max: 5 });
      await finish(store, term(third!), { kind: "released", reason: "" });
      expect(await lease(store, queue, { max: 5 })).toHaveLength(1);
      await store.cancel([{ taskId: tasks[1]!.id, reason: "" }]);
      expect(await lease(store, queue, { max: 5 })).toHaveLength(1);
      expect(await store.load(queue, "")).toMatchObject({ running: 2, keyRunning: 0 });
    });

    test("runningPerKeyMax: of each key as many, across tenants and priorities", async (kit) => {
      const { store, queue } = kit;
      await store.configure([{ queue, policy: { runningPerKeyMax: 1 } }]);
      const keyed = (concurrencyKey: string, parts = {}) => newTask(queue, { concurrencyKey, ...parts });
      await store.submit([
        keyed("x"),
        keyed("x", { priority: 9, tenant: "b" }),
        keyed("y"),
        keyed("y"),
        newTask(queue),
        newTask(queue),
      ]);
      const first = await lease(store, queue, { max: 9 });
      expect(first.map((task) => task.concurrencyKey).sort()).toEqual(["", "", "x", "y"]);
      expect(first[0]).toMatchObject({ concurrencyKey: "x", tenant: "b" });
      expect((await store.load(queue, "x")).keyRunning).toBe(1);
      await finish(store, term(first[0]!), succeeded);
      expect((await lease(store, queue, { max: 9 })).map((task) => task.concurrencyKey)).toEqual(["x"]);
      await store.configure([{ queue, policy: null }]);
      expect(await lease(store, queue, { max: 9 })).toHaveLength(1);
    });

    test("counts what runs before there is a cap", async ({ store, queue }) => {
      await store.submit(Array.from({ length: 3 }, () => newTask(queue, { concurrencyKey: "x" })));
      const running = await lease(store, queue, { max: 2 });
      await store.configure([{ queue, rolePolicy: { runningPerKeyMax: 2 } }]);
      expect(await lease(store, queue)).toEqual([]);
      await finish(store, term(running[0]!), { kind: "released", reason: "" });
      expect((await leaseOne(store, queue)).id).toBe(running[0]!.id);
      expect(await lease(store, queue)).toEqual([]);
    });

    test("rate: a burst, then one task each interval; says when", async ({ store, advance, queue }) => {
      await store.configure([{ queue, policy: { rate: { perSecond: 10, burst: 3 } } }]);
      await store.submit(Array.from({ length: 6 }, () => newTask(queue)));
      const { tasks, againInMs } = await grantOf(store, queue, { max: 6 });
      expect(tasks.length).toBeGreaterThanOrEqual(3);
      // A slow machine may have earned one more meanwhile.
      if (advance !== undefined) expect(tasks).toHaveLength(3);
      expect(againInMs).toBeGreaterThan(0);
      expect(againInMs).toBeLessThanOrEqual(100);
      const held = await store.load(queue, "");
      expect(held.rateInMs).toBeLessThanOrEqual(100);
      advance?.(100);
      await until(async () => (await lease(store, queue)).length === 1);
      expect((await lease(store, `${queue}-none`)).length).toBe(0);
    });

    test("ratePerKey: each key has its own", async ({ store, advance, queue }) => {
      await store.configure([{ queue, policy: { ratePerKey: { perSecond: 5, burst: 1 } } }]);
      const keys = ["x", "x", "y", "y", "", ""];
      await store.submit(keys.map((concurrencyKey) => newTask(queue, { concurrencyKey })));
      const { tasks, againInMs } = await grantOf(store, queue, { max: 9 });
      const given = tasks.map((task) => task.concurrencyKey).sort();
      expect(given.filter((key) => key === "")).toHaveLength(2);
      if (advance !== undefined) {
        expect(given).toEqual(["", "", "x", "y"]);
        expect((await store.load(queue, "x")).keyRateInMs).toBe(200);
        expect(againInMs).toBe(200);
      }
      expect((await store.load(queue, "")).keyRateInMs).toBe(0);
      advance?.(200);
      let left = keys.length - tasks.length;
      await until(async () => {
        left -= (await lease(store, queue, { max: 9 })).length;
        return left === 0;
      });
    });

    test("is lifted at once when an operator says so", async ({ store, queue }) => {
      await store.configure([{ queue, rolePolicy: { rate: { perSecond: 0.001, burst: 1 } } }]);
      await store.submit(Array.from({ length: 3 }, () => newTask(queue)));
      expect((await grantOf(store, queue, { max: 3 })).againInMs).toBeGreaterThan(100_000);
      await store.configure([{ queue, policy: {} }]);
      expect(await lease(store, queue, { max: 3 })).toHaveLength(2);
    });

    test("signals ready when a cap frees, and when the policy changes", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningMax: 1, runningPerKeyMax: 1 } }]);
      await store.submit([newTask(queue, { concurrencyKey: "x" }), newTask(queue)]);
      const heard = listen(store, queue);
      const task = await leaseOne(store, queue);
      heard.clear();
      await finish(store, term(task), succeeded);
      await heard.has((signal) => signal.ready);
      heard.clear();
      await store.configure([{ queue, policy: { runningMax: 9 } }]);
      await heard.has((signal) => signal.ready);
      heard.stop();
    });

    test("a key that nobody uses any more leaves nothing that holds", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningPerKeyMax: 1 } }]);
      for (let round = 0; round < 3; round++) {
        await submitOne(store, newTask(queue, { concurrencyKey: "x" }));
        await finish(store, term(await leaseOne(store, queue)), succeeded);
      }
      expect((await store.load(queue, "x")).keyRunning).toBe(0);
    });
  });
}
