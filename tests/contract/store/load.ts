import { describe, expect } from "vitest";
import { finish, lease, newTask, stateOf, submitOne, succeeded, term } from "../../support/tasks.ts";
import { type OpenStore, storeTest } from "./kit.ts";

export function loadCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("a pause", () => {
    test("is told with its reason and its time until it ends, and changes nothing else", async (kit) => {
      const { store, second, queue, otherQueue } = kit;
      const policy = { runningMax: 4 };
      const id = await submitOne(store, newTask(queue));
      await submitOne(store, newTask(otherQueue));
      await store.configure([{ queue, policy, pause: 'why: 日本 / "x"' }]);
      const handles = [store, await second()];
      for (const handle of handles) {
        const [stats] = await handle.stats([queue]);
        expect(stats).toMatchObject({ policy, pause: { reason: 'why: 日本 / "x"' } });
        const { queuedMs = 0 } = (await handle.get([id]))[0]!;
        expect(stats!.pause!.sinceMs).toBeGreaterThanOrEqual(queuedMs);
        expect(stats!.pause!.sinceMs).toBeLessThan(queuedMs + 60_000);
        expect((await handle.load(queue, "")).pause).toEqual(stats!.pause);
        expect((await handle.stats([otherQueue]))[0]!.pause).toBeUndefined();
      }
      expect(await lease(store, otherQueue)).toHaveLength(1);
      await store.configure([{ queue, policy: null }]);
      expect((await store.stats([queue]))[0]).toMatchObject({ policy: {}, pause: {} });
      await store.configure([{ queue, pause: "another" }]);
      expect((await store.load(queue, "")).pause!.reason).toBe("another");
      await store.configure([{ queue, pause: null }]);
      expect((await store.stats([queue]))[0]!.pause).toBeUndefined();
      expect((await store.load(queue, "")).pause).toBeUndefined();
    });
  });

  describe("load", () => {
    test("say what runs, in all and of a key", async ({ store, second, queue }) => {
      expect(await store.load(queue, "k")).toEqual({
        policy: {},
        running: 0,
        keyRunning: 0,
        rateInMs: 0,
        keyRateInMs: 0,
        workers: [],
      });
      const keys = ["k", "k", "other", ""];
      await store.submit(keys.map((concurrencyKey) => newTask(queue, { concurrencyKey })));
      const [first] = (await lease(store, queue, { max: 9 })).filter((task) => task.concurrencyKey === "k");
      const counts = async (key: string) => {
        const { running, keyRunning } = await (await second()).load(queue, key);
        return { running, keyRunning };
      };
      expect(await counts("k")).toEqual({ running: 4, keyRunning: 2 });
      expect(await counts("none")).toEqual({ running: 4, keyRunning: 0 });
      expect(await counts("")).toEqual({ running: 4, keyRunning: 0 });
      await finish(store, term(first!), succeeded);
      expect(await counts("k")).toEqual({ running: 3, keyRunning: 1 });
      expect(await stateOf(store, first!.id)).toBe("SUCCEEDED");
    });

    test("shows up to 100 workers", async ({ store, queue }) => {
      const workers = Array.from({ length: 250 }, (_, i) => ({ queue, workerId: `w${i}`, labels: {} }));
      await store.announce(workers, 60_000);
      expect((await store.load(queue, "")).workers).toHaveLength(100);
    });
  });
}
