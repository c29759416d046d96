import { describe, expect } from "vitest";
import type { NamedTask } from "../../../src/queue/named.ts";
import type { LeaseGrant, QueueStore } from "../../../src/queue/store.ts";
import {
  ask,
  failure,
  finish,
  lease,
  leaseOne,
  newTask,
  parent,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { listen, type OpenStore, storeTest, until } from "./kit.ts";

function many(queue: string, count: number, parts: Partial<NamedTask> = {}): NamedTask[] {
  return Array.from({ length: count }, () => newTask(queue, parts));
}

async function grant(store: QueueStore, queue: string, max = 100): Promise<LeaseGrant> {
  return (await store.lease([ask(queue, { max })]))[0]!;
}

const ofKey = (concurrencyKey: string) => ({ concurrencyKey });

export function limitCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("limits: caps", () => {
    test("no more of a queue run at once; each way to end frees a place and says so", async (kit) => {
      const { store, queue, otherQueue, sweepUntil } = kit;
      await store.configure([{ queue, policy: { runningMax: 2 } }]);
      const never = await submitOne(store, newTask(otherQueue));
      await store.submit(many(queue, 20));
      const [kept] = await lease(store, queue, { max: 9 });
      expect(kept).toBeDefined();
      expect(await grant(store, queue), "no rate holds anything back").toEqual({ tasks: [] });
      const ends = [
        { kind: "succeeded", output: new Uint8Array(1) },
        { kind: "failed", failure: failure({ retryable: false }) },
        { kind: "failed", failure: failure(), retryDelayMs: 60_000 },
        { kind: "released", reason: "" },
        { kind: "suspended", parents: [parent(never)], resumeState: new Uint8Array(1) },
      ] as const;
      const page = await store.list({ queues: [queue], states: ["RUNNING"], limit: 9 });
      let next = page.tasks.find(({ id }) => id !== kept!.id)!;
      const freed = async (end: () => Promise<unknown>) => {
        const heard = listen(store, queue);
        await end();
        await heard.has((signal) => signal.ready);
        heard.stop();
        const { tasks } = await grant(store, queue);
        expect(tasks).toHaveLength(1);
        next = tasks[0]!;
      };
      for (const result of ends) await freed(() => finish(store, term(next), result));
      await freed(() => store.cancel([{ taskId: next.id, reason: "" }]));
      await store.renew([{ ...term(next), leaseMs: 1 }]);
      const { id } = next;
      await freed(() => sweepUntil(async () => (await stateOf(store, id)) !== "RUNNING"));
    });

    test("a held lane holds no other back, and keeps its order", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningPerKeyMax: 2 } }]);
      const held = many(queue, 6, { ...ofKey("k"), priority: 9, tenant: "a" });
      const others = ["b", "c", "d"].flatMap((tenant) => many(queue, 3, { tenant }));
      await store.submit([...held, ...others]);
      const taken = await lease(store, queue, { max: 20 });
      expect(taken).toHaveLength(2 + others.length);
      const order: string[] = [];
      let running = taken.filter((task) => task.concurrencyKey === "k");
      while (running.length > 0) {
        order.push(...running.map(({ id }) => id));
        for (const task of running) await finish(store, term(task), succeeded);
        running = [...(await lease(store, queue, { max: 20 }))];
        expect(running.length).toBeLessThanOrEqual(2);
      }
      expect(order).toEqual(held.map(({ id }) => id));
    });

    test("lanes behind one key are not overtaken by others of their priority", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningPerKeyMax: 1 } }]);
      // a and c are held by what runs; b, d and e have one turn each before anybody has two.
      const blocker = await submitOne(store, newTask(queue, { ...ofKey("k"), priority: 9 }));
      expect((await leaseOne(store, queue)).id).toBe(blocker);
      const held = ["a", "c"].flatMap((tenant) => many(queue, 2, { ...ofKey("k"), tenant }));
      const free = ["b", "d", "e"].flatMap((tenant) => many(queue, 3, { tenant }));
      await store.submit([...held, ...free]);
      const taken = await lease(store, queue, { max: 3 });
      expect(taken.map(({ tenant }) => tenant)).toEqual(["b", "d", "e"]);
    });

    test("both caps hold together", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { runningMax: 3, runningPerKeyMax: 1 } }]);
      await store.submit([...many(queue, 5, { ...ofKey("k"), priority: 9 }), ...many(queue, 5)]);
      const taken = await lease(store, queue, { max: 9 });
      expect(taken.map((task) => task.concurrencyKey)).toEqual(["k", "", ""]);
      await finish(store, term(taken[1]!), succeeded);
      expect((await leaseOne(store, queue)).concurrencyKey).toBe("");
      await finish(store, term(taken[0]!), succeeded);
      expect((await leaseOne(store, queue)).concurrencyKey).toBe("k");
      expect(await lease(store, queue, { max: 9 })).toEqual([]);
    });
  });

  describe("limits: configure", () => {
    test("the operator's stands in place of the role's, at once, for every handle", async (kit) => {
      const { store, second, queue } = kit;
      const other = await second();
      const policies = async () =>
        (await Promise.all([store, other].map((each) => each.stats([queue])))).map(([one]) => one!.policy);
      const both = (policy: object) => [policy, policy];
      expect(await policies()).toEqual(both({}));
      const role = { runningMax: 1, tenantWeights: { a: 2 } };
      await store.configure([{ queue, rolePolicy: role }]);
      expect(await policies()).toEqual(both(role));
      const operator = { runningMax: 3, ratePerKey: { perSecond: 1.5, burst: 2 } };
      await other.configure([{ queue, policy: operator }]);
      expect(await policies()).toEqual(both(operator));
      await store.configure([{ queue, rolePolicy: { runningMax: 2 } }]);
      expect(await policies(), "the role's is not looked at meanwhile").toEqual(both(operator));
      await store.submit(many(queue, 9));
      expect((await grant(store, queue)).tasks).toHaveLength(3);
      await other.configure([{ queue, policy: { runningMax: 5 } }]);
      expect((await grant(store, queue)).tasks).toHaveLength(2);
      await store.configure([{ queue, policy: {} }]);
      expect(await policies(), "an operator's that limits nothing counts too").toEqual(both({}));
      await other.configure([{ queue, policy: null }]);
      expect(await policies()).toEqual(both({ runningMax: 2 }));
      expect((await grant(store, queue)).tasks, "5 run, which is over the cap").toEqual([]);
    });

    test("what a cap held back comes when it is raised, and is told of", async ({ store, second, queue }) => {
      await store.configure([{ queue, policy: { runningPerKeyMax: 1 } }]);
      await store.submit(many(queue, 4, ofKey("k")));
      expect((await grant(store, queue)).tasks).toHaveLength(1);
      const heard = listen(store, queue);
      await (await second()).configure([{ queue, policy: { runningPerKeyMax: 3 } }]);
      await heard.has((signal) => signal.ready);
      heard.stop();
      expect((await grant(store, queue)).tasks).toHaveLength(2);
      await store.configure([{ queue, policy: null }]);
      expect((await grant(store, queue)).tasks).toHaveLength(1);
    });

    test("changes several queues, each by itself, and one that has no task", async (kit) => {
      const { store, queue, otherQueue } = kit;
      await store.configure([
        { queue, policy: { runningMax: 1 } },
        { queue: otherQueue, rolePolicy: { runningMax: 2 } },
      ]);
      await store.configure([]);
      const stats = await store.stats([queue, otherQueue]);
      expect(stats.map(({ policy }) => policy)).toEqual([{ runningMax: 1 }, { runningMax: 2 }]);
      expect((await store.stats()).map((one) => one.queue)).toEqual(expect.arrayContaining([queue]));
    });
  });

  describe("limits: rates", () => {
    test("let a burst start at once, and say when the next may", async ({ store, queue }) => {
      await store.configure([{ queue, policy: { rate: { perSecond: 0.5, burst: 3 } } }]);
      await store.submit(many(queue, 3));
      expect(await grant(store, queue, 2)).toMatchObject({ tasks: [{}, {}] });
      expect((await grant(store, queue)).againInMs, "nothing is held back").toBeUndefined();
      await store.submit(many(queue, 5));
      const { tasks, againInMs } = await grant(store, queue);
      expect(tasks).toEqual([]);
      expect(againInMs).toBeGreaterThan(500);
      expect(againInMs).toBeLessThanOrEqual(2_000);
      const { rateInMs, keyRateInMs } = await store.load(queue, "k");
      expect(rateInMs).toBeGreaterThan(500);
      expect(rateInMs).toBeLessThanOrEqual(2_000);
      expect(keyRateInMs).toBe(0);
      await store.configure([{ queue, policy: null }]);
      expect((await grant(store, queue)).tasks).toHaveLength(5);
    });

    test("let no more start than time allows, and all in the end", async ({ store, queue, advance }) => {
      const rate = { perSecond: 100, burst: 2 };
      await store.configure([{ queue, policy: { rate } }]);
      await store.submit(many(queue, 8));
      const began = performance.now();
      let movedMs = 0;
      let started = 0;
      await until(async () => {
        const { tasks, againInMs } = await grant(store, queue, 3);
        started += tasks.length;
        // A store's clock may count whole milliseconds.
        const passedMs = advance === undefined ? performance.now() - began + 1 : movedMs;
        expect(started).toBeLessThanOrEqual(rate.burst + (passedMs * rate.perSecond) / 1_000 + 1e-6);
        if (tasks.length < 3 && started < 8) expect(againInMs).toBeGreaterThan(0);
        advance?.(2);
        movedMs += 2;
        return started === 8;
      });
      if (advance !== undefined) expect(movedMs).toBeLessThanOrEqual(62);
    });

    test("of a key let its tasks start as their time comes", async ({ store, queue, advance }) => {
      await store.configure([{ queue, policy: { ratePerKey: { perSecond: 200, burst: 1 } } }]);
      const tasks = many(queue, 5, ofKey("a"));
      await store.submit(tasks);
      const started: string[] = [];
      await until(async () => {
        const given = (await grant(store, queue)).tasks;
        started.push(...given.map(({ id }) => id));
        advance?.(1);
        return started.length === 5;
      });
      expect(started).toEqual(tasks.map(({ id }) => id));
    });
  });
}
