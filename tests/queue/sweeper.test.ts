import { afterEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { SweepReport } from "../../src/queue/store.ts";
import { Sweeper } from "../../src/queue/sweeper.ts";
import { until } from "../contract/store/kit.ts";
import { ManualClock, openFresh } from "../support/sqlite.ts";
import { failure, newTask, stateOf, submitOne, term, uniqueQueue } from "../support/tasks.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(clock = systemClock) {
  const opened = await openFresh({}, clock instanceof ManualClock ? clock : undefined);
  const queue = new Queue({ store: opened.store, clock, log: silentLogger, observer: silentObserver });
  closers.push(
    () => opened.close().catch(() => {}),
    () => queue.close(),
  );
  queue.start();
  return { queue, store: opened.store };
}

describe("over the real store", () => {
  test("an expired lease goes to another worker, and its fence is stale", async () => {
    const { queue, store } = await started();
    const role = uniqueQueue();
    const id = await submitOne(store, newTask(role));
    const ask = { queue: role, labels: {}, max: 1, leaseMs: 300 };
    const [first] = await queue.lease({ ...ask, workerId: "dies" });
    const got: { id: string; attempt: number }[] = [];
    const session = queue.dispatcher.attach({
      ...ask,
      workerId: "lives",
      leaseMs: 60_000,
      deliver: (tasks) => void got.push(...tasks),
    });
    const began = performance.now();
    session.grant(1);
    await until(() => got.length === 1);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(got[0]).toMatchObject({ id, attempt: 2 });
    const result = { kind: "succeeded", output: new Uint8Array() } as const;
    expect(await queue.finish([{ ...term(first!), result }])).toMatchObject([
      { accepted: false, state: "RUNNING" },
    ]);
    expect(queue.wasRevoked(term(first!))).toBe(true);
  });

  test("a lease that is renewed never expires", async () => {
    const { queue, store } = await started();
    const role = uniqueQueue();
    await submitOne(store, newTask(role));
    const [task] = await queue.lease({ queue: role, labels: {}, max: 1, leaseMs: 300, workerId: "w" });
    for (let renewals = 0; renewals < 12; renewals++) {
      await new Promise((resolve) => setTimeout(resolve, 80));
      expect(await queue.renew([{ ...term(task!), leaseMs: 300 }])).toMatchObject([{ accepted: true }]);
    }
    expect((await queue.get(task!.id))?.attempt).toBe(1);
  });

  test("a backoff of milliseconds is not rounded up to the longest pause", async () => {
    const { queue, store } = await started();
    const role = uniqueQueue();
    const retry = {
      attemptsMax: 20,
      backoffInitialMs: 30,
      backoffMaxMs: 30,
      backoffMultiplier: 1,
      errorsNotRetried: [],
    };
    const id = await submitOne(store, newTask(role, { retry }));
    const session = queue.dispatcher.attach({
      queue: role,
      workerId: "w",
      labels: {},
      leaseMs: 60_000,
      deliver: (tasks) => {
        const result = { kind: "failed", failure: failure() } as const;
        void queue.finish(tasks.map((task) => ({ ...term(task), result })));
        session.grant(tasks.length);
      },
    });
    const began = performance.now();
    session.grant(1);
    await until(async () => (await stateOf(store, id)) === "FAILED");
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("the queue closes while a sweep is due, and sweeps no more", async () => {
    const { queue, store } = await started();
    await submitOne(store, newTask(uniqueQueue(), { delayMs: 5 }));
    await queue.close();
    await expect(queue.ping()).rejects.toThrow();
  });
});

describe("its plan", () => {
  /** Sweeps that end when the test says so, over a clock and timers that the test moves. */
  function planned() {
    vi.useFakeTimers();
    const sweeps: ((report: Partial<SweepReport> | Error) => void)[] = [];
    const clock = new ManualClock();
    const sweeper = new Sweeper({
      store: {
        sweep: () =>
          new Promise<SweepReport>((resolve, reject) => {
            sweeps.push((report) =>
              report instanceof Error
                ? reject(report)
                : resolve({ expired: 0, notStarted: 0, promoted: 0, delivered: 0, purged: 0, ...report }),
            );
          }),
      } as never,
      clock,
      log: silentLogger,
      swept: () => {},
    });
    const pass = async (ms: number) => {
      clock.advance(ms);
      await vi.advanceTimersByTimeAsync(ms);
    };
    closers.push(async () => void vi.useRealTimers());
    sweeper.start();
    return { sweeper, sweeps, clock, pass };
  }

  test("at once, then when something is due, then at the latest after a second", async () => {
    const { sweeps, pass } = planned();
    await pass(0);
    expect(sweeps).toHaveLength(1);
    sweeps[0]!({ nextDueMs: 200 });
    await pass(199);
    expect(sweeps).toHaveLength(1);
    await pass(1);
    expect(sweeps).toHaveLength(2);
    sweeps[1]!({ nextDueMs: 60_000 });
    await pass(999);
    expect(sweeps).toHaveLength(2);
    await pass(1);
    expect(sweeps).toHaveLength(3);
    sweeps[2]!(new Error("no store"));
    await pass(1_000);
    expect(sweeps).toHaveLength(4);
  });

  test("a hint while a sweep is under way is not lost", async () => {
    const { sweeper, sweeps, pass } = planned();
    await pass(0);
    sweeper.hint();
    sweeps[0]!({});
    await pass(0);
    expect(sweeps).toHaveLength(2);
  });

  test("after the process was blocked it waits a second for renewals, once, whatever is hinted", async () => {
    const { sweeper, sweeps, clock, pass } = planned();
    await pass(0);
    sweeps[0]!({ nextDueMs: 100 });
    await pass(0);
    clock.advance(5_000);
    await pass(100);
    expect(sweeps).toHaveLength(1);
    sweeper.hint();
    await pass(999);
    expect(sweeps).toHaveLength(1);
    clock.advance(5_000);
    await pass(1);
    expect(sweeps).toHaveLength(2);
  });

  test("a stopped one plans nothing", async () => {
    const { sweeper, sweeps, pass } = planned();
    await pass(0);
    sweeps[0]!({});
    await sweeper.stop();
    sweeper.hint();
    await pass(10_000);
    expect(sweeps).toHaveLength(1);
  });
});
