import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { Dispatcher, type Session } from "../../src/queue/dispatcher.ts";
import { GroupCommit } from "../../src/queue/group-commit.ts";
import type { LeaseAsk, LeasedTask, LeaseGrant, QueueStore } from "../../src/queue/store.ts";
import { type OpenedStore, until } from "../contract/store/kit.ts";
import { openFresh } from "../support/sqlite.ts";
import { newTask, submitOne, term, uniqueQueue } from "../support/tasks.ts";

let opened: OpenedStore;
let store: QueueStore;
beforeAll(async () => {
  opened = await openFresh();
  store = opened.store;
});
afterAll(() => opened.close());

/** A dispatcher over the real store, woken by its signals; `lease` may be put in place of the store's. */
function dispatching(lease: QueueStore["lease"] = (asks) => store.lease(asks)) {
  const given: { tasks: LeasedTask[]; back: LeasedTask[] } = { tasks: [], back: [] };
  let empty = 0;
  const grouped = new GroupCommit<LeaseAsk, LeaseGrant>(async (asks) => {
    const grants = await lease(asks);
    if (grants.every(({ tasks }) => tasks.length === 0)) empty = asks.length;
    return grants;
  });
  const dispatcher = new Dispatcher({
    lease: (asks) => grouped.addAll(asks),
    async giveBack(tasks) {
      given.back.push(...tasks);
      const result = { kind: "released", reason: "" } as const;
      await store.finish(tasks.map((task) => ({ ...term(task), result })));
    },
    leased: (tasks) => void given.tasks.push(...tasks),
    attached: () => {},
    log: silentLogger,
  });
  const unsubscribe = store.subscribe((signal) => signal.ready && dispatcher.wake(signal.queue));
  const close = () => {
    unsubscribe();
    dispatcher.close();
  };
  /** Resolves when the store had nothing for so many workers that wait. */
  const idle = (workers: number) => until(() => empty === workers);
  return { dispatcher, given, idle, close };
}

/** A worker that takes what it is handed and watches over its credit. */
function worker(dispatcher: Dispatcher, queue: string, workerId: string, labels = {}) {
  const got: LeasedTask[] = [];
  const state = { granted: 0, got, over: false };
  const session: Session = dispatcher.attach({
    queue,
    workerId,
    labels,
    leaseMs: 60_000,
    deliver: (tasks) => {
      got.push(...tasks);
      state.over ||= got.length > state.granted;
    },
  });
  const grant = (count: number) => {
    state.granted += count;
    session.grant(count);
  };
  return { session, grant, state };
}

const submit = (queue: string, count: number) =>
  store.submit(Array.from({ length: count }, () => newTask(queue)));

test("a deep queue is spread over all who wait", async () => {
  const queue = uniqueQueue();
  const { dispatcher, close } = dispatching();
  await submit(queue, 600);
  const workers = Array.from({ length: 6 }, (_, nth) => worker(dispatcher, queue, `w${nth}`));
  for (const { grant } of workers) grant(100);
  await until(() => workers.every(({ state }) => state.got.length === 100));
  const ids = workers.flatMap(({ state }) => state.got.map(({ id }) => id));
  expect(new Set(ids).size).toBe(600);
  expect(
    workers.every(({ state }) => state.got.every(({ workerId }) => workerId === state.got[0]?.workerId)),
  ).toBe(true);
  close();
});

test.each([
  { tasks: 4, workers: 4, each: [1, 1, 1, 1] },
  { tasks: 8, workers: 4, each: [2, 2, 2, 2] },
  { tasks: 3, workers: 2, each: [2, 1] },
  { tasks: 24, workers: 6, each: [4, 4, 4, 4, 4, 4] },
])(
  "$tasks tasks that are there go to $workers idle workers evenly",
  async ({ tasks, workers: count, each }) => {
    const queue = uniqueQueue();
    const { dispatcher, idle, close } = dispatching();
    const workers = Array.from({ length: count }, (_, nth) => worker(dispatcher, queue, `w${nth}`));
    for (const { grant } of workers) grant(16);
    await idle(count);
    await submit(queue, tasks);
    await until(() => workers.reduce((sum, { state }) => sum + state.got.length, 0) === tasks);
    expect(workers.map(({ state }) => state.got.length).sort((a, b) => b - a)).toEqual(each);
    close();
  },
);

test("credit that trickles in from a busy worker is used by few calls, and at once where most of it is back", async () => {
  const queue = uniqueQueue();
  let calls = 0;
  const { dispatcher, close } = dispatching((asks) => {
    calls += 1;
    return store.lease(asks);
  });
  await submit(queue, 300);
  const { grant, state } = worker(dispatcher, queue, "w1");
  grant(60);
  await until(() => state.got.length === 60);
  const [before, beganMs] = [calls, performance.now()];
  for (let times = 0; times < 40; times++) {
    grant(1);
    await new Promise(setImmediate);
  }
  await until(() => state.got.length === 100);
  // One a millisecond at most, and one that was under way when the first credit came.
  expect(calls - before).toBeLessThanOrEqual(performance.now() - beganMs + 2);
  const told = calls;
  grant(60);
  await until(() => state.got.length === 160);
  expect(calls - told).toBeLessThanOrEqual(2);
  close();
});

test("a deep queue is asked for in full rounds soon", async () => {
  const queue = uniqueQueue();
  let calls = 0;
  const { dispatcher, close } = dispatching((asks) => {
    calls += 1;
    return store.lease(asks);
  });
  await submit(queue, 2_000);
  const workers = Array.from({ length: 4 }, (_, nth) => worker(dispatcher, queue, `w${nth}`));
  for (const { grant } of workers) grant(500);
  await until(() => workers.every(({ state }) => state.got.length === 500));
  // 7 rounds up to the full 32, and the rest in those; a call less or more is a matter of when grants came.
  expect(calls).toBeLessThan(7 + 500 / 32 + 5);
  close();
});

test("a lone worker that is served from a deep queue gets what it has room for in one call", async () => {
  const queue = uniqueQueue();
  let asked: number[] = [];
  const { dispatcher, close } = dispatching((asks) => {
    asked.push(...asks.map(({ max }) => max));
    return store.lease(asks);
  });
  await submit(queue, 300);
  const { grant, state } = worker(dispatcher, queue, "w");
  grant(200);
  await until(() => state.got.length === 200);
  asked = [];
  for (let ended = 0; ended < 50; ended++) grant(1);
  await until(() => state.got.length === 250);
  expect(asked).toEqual([50]);
  close();
});

test("a task goes to the worker that has its labels, whoever else waits", async () => {
  const queue = uniqueQueue();
  const { dispatcher, close } = dispatching();
  const plain = worker(dispatcher, queue, "plain");
  const gpu = worker(dispatcher, queue, "gpu", { gpu: "h100", zone: "b" });
  for (const { grant } of [plain, gpu]) grant(10);
  await store.submit(Array.from({ length: 5 }, () => newTask(queue, { workerLabels: { gpu: "h100" } })));
  await until(() => gpu.state.got.length === 5);
  expect(plain.state.got).toEqual([]);
  expect(dispatcher.present()).toEqual([
    { queue, workerId: "plain", labels: {} },
    { queue, workerId: "gpu", labels: { gpu: "h100", zone: "b" } },
  ]);
  close();
});

test("a rate that held tasks back wakes the queue when it lets the next one start", async () => {
  const queue = uniqueQueue();
  await store.configure([{ queue, rolePolicy: { rate: { perSecond: 20, burst: 1 } } }]);
  const { dispatcher, close } = dispatching();
  const { grant, state } = worker(dispatcher, queue, "w");
  await submit(queue, 5);
  const began = performance.now();
  grant(5);
  await until(() => state.got.length === 5);
  // One at once, four more 50 ms apart; nothing but the dispatcher's own timer wakes it here.
  expect(performance.now() - began).toBeGreaterThan(190);
  close();
});

test("tasks that trickle in go to one after the other", async () => {
  const queue = uniqueQueue();
  const { dispatcher, idle, close } = dispatching();
  const workers = Array.from({ length: 4 }, (_, nth) => worker(dispatcher, queue, `w${nth}`));
  for (const { grant } of workers) grant(100);
  await idle(4);
  for (let round = 1; round <= 8; round++) {
    await submitOne(store, newTask(queue));
    await until(() => workers.reduce((sum, { state }) => sum + state.got.length, 0) === round);
  }
  expect(workers.map(({ state }) => state.got.length)).toEqual([2, 2, 2, 2]);
  close();
});

test("what was leased for a worker that has gone goes back, and the others' is handed over first", async () => {
  const queue = uniqueQueue();
  const leased = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const { dispatcher, given, close } = dispatching(async (asks) => {
    const answers = await store.lease(asks);
    leased.resolve();
    await go.promise;
    return answers;
  });
  await submit(queue, 4);
  const [gone, stays] = ["gone", "stays"].map((id) => worker(dispatcher, queue, id)) as [
    ReturnType<typeof worker>,
    ReturnType<typeof worker>,
  ];
  gone.grant(2);
  stays.grant(2);
  await leased.promise;
  gone.session.close();
  go.resolve();
  await until(() => given.back.length === 1);
  expect(gone.state.got).toEqual([]);
  stays.grant(2);
  await until(() => stays.state.got.length === 4);
  expect(stays.state.got.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(dispatcher.attached(queue)).toBe(1);
  close();
});

test("a store that fails for a while is asked again", async () => {
  const queue = uniqueQueue();
  let calls = 0;
  const { dispatcher, close } = dispatching(async (asks) => {
    if (++calls <= 2) throw new Error("not now");
    return store.lease(asks);
  });
  await submit(queue, 1);
  const { grant, state } = worker(dispatcher, queue, "w");
  grant(1);
  await until(() => state.got.length === 1);
  expect(calls).toBe(3);
  close();
});

test("a dispatcher that is closed leases nothing more", async () => {
  const queue = uniqueQueue();
  const { dispatcher, close } = dispatching();
  const { grant, state } = worker(dispatcher, queue, "w");
  close();
  grant(5);
  await submit(queue, 1);
  dispatcher.wakeAll();
  await new Promise(setImmediate);
  expect(state.got).toEqual([]);
});

describe("whatever the order of submits, grants and goodbyes", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("submit" as const), count: fc.integer({ min: 1, max: 50 }) }),
    fc.record({
      kind: fc.constant("grant" as const),
      who: fc.nat(3),
      count: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ kind: fc.constant("leave" as const), who: fc.nat(3) }),
    fc.record({ kind: fc.constant("turns" as const), count: fc.nat(3) }),
  );

  test("credit is never exceeded, no task is handed over twice, and none waits while there is credit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const queue = uniqueQueue();
        const { dispatcher, given, close } = dispatching();
        const all: ReturnType<typeof worker>[] = [];
        const join = () => {
          const joined = worker(dispatcher, queue, `w${all.length}`);
          all.push(joined);
          return joined;
        };
        const present = [join(), join(), join(), join()];
        let submitted = 0;
        for (const step of actions) {
          if (step.kind === "submit") {
            submitted += step.count;
            void submit(queue, step.count);
          } else if (step.kind === "grant") present[step.who]?.grant(step.count);
          else if (step.kind === "leave") {
            present[step.who]?.session.close();
            present[step.who] = join();
          } else for (let turns = 0; turns < step.count; turns++) await new Promise(setImmediate);
        }
        present[0]?.grant(submitted);
        await until(() => all.reduce((sum, { state }) => sum + state.got.length, 0) === submitted);
        const ids = all.flatMap(({ state }) => state.got.map(({ id }) => id));
        expect(new Set(ids).size).toBe(submitted);
        expect(all.filter(({ state }) => state.over)).toEqual([]);
        expect(given.tasks.length).toBe(submitted);
        close();
      }),
      { numRuns: 40 },
    );
  });
});
