import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { LeaseAsk, LeasedTask, NewTask, QueueStore } from "../../src/queue/store.ts";
import { type OpenedStore, until } from "../contract/store/kit.ts";
import { openFresh } from "../support/sqlite.ts";
import { newTask, uniqueQueue } from "../support/tasks.ts";

let opened: OpenedStore;
beforeAll(async () => {
  opened = await openFresh();
});
afterAll(() => opened.close());

/** A queue over the real store, which takes a turn to take tasks in; what is asked of it is noted. */
function queueThatNotes() {
  const asked: string[] = [];
  const { store } = opened;
  const noting: Pick<QueueStore, "submit" | "lease"> = {
    async submit(tasks: readonly NewTask[]) {
      asked.push("submit");
      await new Promise(setImmediate);
      asked.push("taken in");
      return store.submit(tasks);
    },
    lease(asks: readonly LeaseAsk[]) {
      asked.push("lease");
      return store.lease(asks);
    },
  };
  const noted = new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(noting, name) ?? Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const queue = new Queue({ store: noted, clock: systemClock, log: silentLogger, observer: silentObserver });
  return { queue, asked };
}

function attach(queue: Queue, name: string) {
  const got: LeasedTask[] = [];
  const session = queue.dispatcher.attach({
    queue: name,
    workerId: "w1",
    labels: {},
    leaseMs: 60_000,
    deliver: (tasks) => got.push(...tasks),
  });
  return { session, got };
}

test("where a worker waits, a lease follows a task that is ready on its way into the store, and no other", async () => {
  const name = uniqueQueue();
  const { queue, asked } = queueThatNotes();
  const { session, got } = attach(queue, name);
  session.grant(5);
  await until(() => asked.includes("lease"));
  asked.length = 0;
  await queue.submit([newTask(name)]);
  await until(() => got.length === 1);
  expect(asked.slice(0, 3)).toEqual(["submit", "lease", "taken in"]);
  await new Promise(setImmediate);
  asked.length = 0;
  await queue.submit([newTask(name, { delayMs: 60_000 }), newTask(uniqueQueue())]);
  expect(asked.slice(0, 2)).toEqual(["submit", "taken in"]);
  session.close();
});

test("a lease that went ahead of its task finds nothing, and the task is handed over all the same", async () => {
  const name = uniqueQueue();
  const { queue } = queueThatNotes();
  const { session, got } = attach(queue, name);
  session.grant(20);
  for (let nth = 1; nth <= 20; nth++) {
    await queue.submit([newTask(name)]);
    await until(() => got.length === nth);
  }
  session.close();
});
