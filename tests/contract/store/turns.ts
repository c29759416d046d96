import { describe, expect } from "vitest";
import type { LaneKey } from "../../../src/queue/lane.ts";
import type { NamedTask } from "../../../src/queue/named.ts";
import type { QueueStore } from "../../../src/queue/store.ts";
import { getOne, lease, leaseOne, newTask, submitOne } from "../../support/tasks.ts";
import { type OpenStore, storeTest } from "./kit.ts";

type Parts = Partial<NamedTask>;

function many(queue: string, count: number, parts: Parts): NamedTask[] {
  return Array.from({ length: count }, () => newTask(queue, parts));
}

/** The next `count` tasks, asked for `max` at a time. */
async function take(store: QueueStore, queue: string, count: number, max: number) {
  const taken = [];
  while (taken.length < count) {
    const tasks = await lease(store, queue, { max: Math.min(max, count - taken.length) });
    if (tasks.length === 0) break;
    taken.push(...tasks);
  }
  return taken;
}

function shares(tasks: readonly { readonly tenant: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { tenant } of tasks) counts[tenant] = (counts[tenant] ?? 0) + 1;
  return counts;
}

export function turnCases(open: OpenStore): void {
  const test = storeTest(open);

  for (const max of [1, 7, 100])
    describe(`lanes, asked for ${max} at a time`, () => {
      test("tenants share turns by their weights", async ({ store, queue }) => {
        await store.configure([{ queue, policy: { tenantWeights: { b: 2, c: 4 } } }]);
        await store.submit(["a", "b", "c"].flatMap((tenant) => many(queue, 90, { tenant })));
        expect(shares(await take(store, queue, 70, max))).toEqual({ a: 10, b: 20, c: 40 });
        expect(shares(await take(store, queue, 70, max))).toEqual({ a: 10, b: 20, c: 40 });
      });

      test("a tenant that was idle has earned nothing, and one that is idle loses nothing", async (kit) => {
        const { store, queue } = kit;
        await store.submit(many(queue, 60, { tenant: "busy" }));
        await take(store, queue, 20, max);
        await store.submit(many(queue, 30, { tenant: "idle" }));
        const { busy = 0, idle = 0 } = shares(await take(store, queue, 20, max));
        expect(Math.abs(busy - idle)).toBeLessThanOrEqual(1);
      });

      test("several keys, and labels, give a tenant no more turns", async ({ store, queue }) => {
        const keys = ["", "k1", "k2", "k3"];
        const lanes = keys.flatMap((concurrencyKey) => many(queue, 25, { tenant: "many", concurrencyKey }));
        await store.submit([...lanes, ...many(queue, 60, { tenant: "one" })]);
        const taken = await take(store, queue, 80, max);
        const { many: ofMany = 0, one = 0 } = shares(taken);
        expect(Math.abs(ofMany - one)).toBeLessThanOrEqual(4);
        const perKey = keys.map((key) => taken.filter((task) => task.concurrencyKey === key).length);
        expect(perKey[0]).toBeGreaterThan(40);
        for (const count of perKey.slice(1)) expect(count).toBeGreaterThanOrEqual(9);
      });

      test("tasks of a lane come in the order in which they were queued", async ({ store, queue }) => {
        const parts: Parts[] = [
          { tenant: "a" },
          { tenant: "a", concurrencyKey: "k" },
          { tenant: "b", concurrencyKey: "k" },
          {},
        ];
        // A store may keep tasks with timeouts in another way than those that have none.
        const timeouts = [{}, { toFinishMs: 600_000 }, { toStartMs: 600_000 }, {}];
        const tasks = Array.from({ length: 120 }, (_, nth) =>
          newTask(queue, { ...parts[((nth * nth) >> 1) % 4], timeouts: timeouts[Math.floor(nth / 26) % 4] }),
        );
        for (let at = 0; at < 120; at += 26) await store.submit(tasks.slice(at, at + 26));
        const taken = await take(store, queue, 120, max);
        expect(taken).toHaveLength(120);
        for (const { tenant = "default", concurrencyKey = "" } of parts) {
          const ofLane = (task: LaneKey) => task.tenant === tenant && task.concurrencyKey === concurrencyKey;
          expect(taken.filter(ofLane).map(({ id }) => id)).toEqual(tasks.filter(ofLane).map(({ id }) => id));
        }
      });
    });

  describe("worker labels", () => {
    test("asks of one call are each served by their own labels", async ({ store, queue }) => {
      const labels = { gpu: "1" };
      const wanting = await submitOne(store, newTask(queue, { priority: 9, workerLabels: labels }));
      const plain = await submitOne(store, newTask(queue));
      const ask = { queue, workerId: "w", max: 1, leaseMs: 60_000 };
      const grants = await store.lease([
        { ...ask, labels: {} },
        { ...ask, labels: {} },
        { ...ask, labels },
      ]);
      expect(grants.map(({ tasks }) => tasks.map(({ id }) => id))).toEqual([[plain], [], [wanting]]);
    });

    test("come back with the task, as do its key and its timeouts", async ({ store, queue }) => {
      const parts = {
        tenant: "日本 = é",
        concurrencyKey: "a key = 🦀",
        workerLabels: { zone: "eu=1", gpu: "" },
        timeouts: { toStartMs: 60_000, heartbeatMs: 61_000 },
      };
      const id = await submitOne(store, newTask(queue, parts));
      expect(await getOne(store, id)).toMatchObject(parts);
      const [task] = await lease(store, queue, { labels: { gpu: "", zone: "eu=1" } });
      expect(task).toMatchObject({ id, ...parts });
      const plain = await getOne(store, await submitOne(store, newTask(queue)));
      expect(plain).toMatchObject({ concurrencyKey: "", workerLabels: {}, timeouts: {} });
    });
  });

  describe("places in a lane", () => {
    test("a canceled task leaves no gap, and goes to the back when it is retried", async ({
      store,
      queue,
    }) => {
      const tasks = many(queue, 12, { tenant: "a", workerLabels: { gpu: "1" } });
      await store.submit(tasks);
      const gone = [0, 1, 5, 6, 11].map((place) => tasks[place]!.id);
      await store.cancel(gone.map((taskId) => ({ taskId, reason: "" })));
      await store.retry([{ taskId: gone[2]! }]);
      const left = tasks.map(({ id }) => id).filter((id) => !gone.includes(id));
      const taken = await lease(store, queue, { max: 20, labels: { gpu: "1" } });
      expect(taken.map(({ id }) => id)).toEqual([...left, gone[2]]);
    });

    test("a lane whose tasks were all canceled is none", async ({ store, queue }) => {
      const gone = many(queue, 30, { tenant: "a", priority: 9 });
      const other = newTask(queue, { tenant: "b", priority: 1 });
      await store.submit([...gone, other]);
      await store.cancel(gone.map(({ id }) => ({ taskId: id, reason: "" })));
      expect((await leaseOne(store, queue)).id).toBe(other.id);
      expect(await lease(store, queue, { max: 9 })).toEqual([]);
      const again = await submitOne(store, newTask(queue, { tenant: "a", priority: 9 }));
      expect((await leaseOne(store, queue)).id).toBe(again);
    });
  });
}
