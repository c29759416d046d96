import { describe, expect } from "vitest";
import { strideUnit } from "../../../src/queue/lane.ts";
import type { NamedTask } from "../../../src/queue/named.ts";

import { ask, finish, getOne, lease, newTask, submitOne, term } from "../../support/tasks.ts";
import { type OpenStore, storeTest } from "./kit.ts";

/** Tasks of equal parts. */
function many(count: number, queue: string, parts: Partial<NamedTask> = {}): NamedTask[] {
  return Array.from({ length: count }, () => newTask(queue, parts));
}

export function laneCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("lanes", () => {
    test("each 16th turn goes to the lower priorities, in rotation", async ({ store, queue }) => {
      await store.submit([9, 5, 0].flatMap((priority) => many(64, queue, { priority })));
      const given: number[] = [];
      for (const max of [1, 14, 3, 30, 16])
        given.push(...(await lease(store, queue, { max })).map((task) => task.priority));
      const lower = new Map([15, 31, 47, 63].map((turn, place) => [turn, place % 2 === 0 ? 5 : 0]));
      expect(given).toEqual(given.map((_, turn) => lower.get(turn) ?? 9));
      expect(given).toHaveLength(64);
    });

    test("tenants of equal weight take turns, however many tasks each has", async ({ store, queue }) => {
      await store.submit([...many(20, queue, { tenant: "a" }), ...many(4, queue, { tenant: "b" })]);
      const given = (await lease(store, queue, { max: 10 })).map((task) => task.tenant);
      expect(given).toEqual(["a", "b", "a", "b", "a", "b", "a", "b", "a", "a"]);
    });

    test("a tenant's weight is its share of the turns", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { tenantWeights: { a: 3 } } }]);
      await store.submit(["a", "b"].flatMap((tenant) => many(40, queue, { tenant })));
      const given = await lease(store, queue, { max: 40 });
      expect(given.filter((task) => task.tenant === "a")).toHaveLength(30);
    });

    test("a tenant's lanes share its turns", async ({ store, queue }) => {
      await store.submit([
        ...["x", "y", "z"].flatMap((concurrencyKey) => many(20, queue, { tenant: "a", concurrencyKey })),
        ...many(20, queue, { tenant: "b" }),
      ]);
      const given = await lease(store, queue, { max: 24 });
      const ofTenant = (tenant: string) => given.filter((task) => task.tenant === tenant).length;
      expect(Math.abs(ofTenant("a") - ofTenant("b"))).toBeLessThanOrEqual(2);
      for (const key of ["x", "y", "z"])
        expect(given.filter((task) => task.concurrencyKey === key).length).toBeGreaterThanOrEqual(3);
    });

    test("idleness earns no turns", async ({ store, queue }) => {
      await store.submit(many(30, queue, { tenant: "a" }));
      await lease(store, queue, { max: 10 });
      await store.submit(many(10, queue, { tenant: "b" }));
      const given = (await lease(store, queue, { max: 6 })).map((task) => task.tenant);
      expect(given).toEqual(["b", "a", "b", "a", "b", "a"]);
      expect(strideUnit).toBeGreaterThan(0);
    });

    test("a worker is given what asks for no labels that it lacks", async ({ store, queue }) => {
      const gpu = await submitOne(store, newTask(queue, { workerLabels: { gpu: "a100" } }));
      const both = await submitOne(store, newTask(queue, { workerLabels: { zone: "x", gpu: "a100" } }));
      const plain = await submitOne(store, newTask(queue));
      const take = async (labels: Record<string, string>) =>
        (await lease(store, queue, { max: 9, labels })).map((task) => task.id);
      expect(await take({})).toEqual([plain]);
      expect(await take({ gpu: "h100", zone: "x" })).toEqual([]);
      expect(await take({ gpu: "a100" })).toEqual([gpu]);
      expect(await take({ gpu: "a100", zone: "x", more: "1" })).toEqual([both]);
      expect(await getOne(store, both)).toMatchObject({ workerLabels: { gpu: "a100", zone: "x" } });
    });

    test("a lane is one, in whatever order its labels are written", async ({ store, queue }) => {
      const ids: string[] = [];
      for (const workerLabels of [
        { a: "1", b: "=2" },
        { b: "=2", a: "1" },
        { a: "1", b: "=2" },
      ])
        ids.push(await submitOne(store, newTask(queue, { workerLabels })));
      const given = await lease(store, queue, { max: 3, labels: { a: "1", b: "=2" } });
      expect(given.map((task) => task.id)).toEqual(ids);
    });

    test("asks of one call are served one after the other", async ({ store, queue }) => {
      await store.submit(["a", "b", "c"].flatMap((tenant) => many(4, queue, { tenant })));
      const grants = await store.lease([2, 3, 1].map((max) => ask(queue, { max })));
      expect(grants.map(({ tasks }) => tasks.map((task) => task.tenant))).toEqual([
        ["a", "b"],
        ["c", "a", "b"],
        ["c"],
      ]);
    });

    test("a released task is first in its lane again, queued since when it was", async (kit) => {
      const { store, advance, queue } = kit;
      const [first, second] = [
        await submitOne(store, newTask(queue)),
        await submitOne(store, newTask(queue)),
      ];
      const { queuedMs } = await getOne(store, first);
      advance?.(5);
      const [task] = await lease(store, queue);
      await finish(store, term(task!), { kind: "released", reason: "drain" });
      expect((await getOne(store, first)).queuedMs).toBe(queuedMs);
      expect((await store.stats([queue]))[0]!.oldestQueuedMs).toBe(queuedMs);
      expect((await lease(store, queue, { max: 2 })).map((one) => one.id)).toEqual([first, second]);
    });

    test("many lanes are all served", async ({ store, queue }) => {
      const tasks = Array.from({ length: 400 }, (_, i) => newTask(queue, { tenant: `t${i % 200}` }));
      await store.submit(tasks);
      const first = await lease(store, queue, { max: 200 });
      expect(new Set(first.map((task) => task.tenant)).size).toBe(200);
      const rest = await lease(store, queue, { max: 300 });
      expect(new Set([...first, ...rest].map((task) => task.id)).size).toBe(400);
      expect(await lease(store, queue)).toEqual([]);
    });
  });
}
