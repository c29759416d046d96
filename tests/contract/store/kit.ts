/** What every part of the contract suite stands on: a fresh store for each test, and waiting without sleeping. */
import { expect, test } from "vitest";
import type { QueueStore, StoreLimits, StoreSignal, SweepReport } from "../../../src/queue/store.ts";
import { uniqueQueue } from "../../support/tasks.ts";

export interface OpenedStore {
  readonly store: QueueStore;
  /** Another handle on the same data, as another server process has; an embedded store may return the same one. */
  second(): Promise<QueueStore>;
  /** What does not hold in what the store keeps of queues, in words, where it can be looked at. */
  faults?(queues: readonly string[]): Promise<readonly string[]>;
  /** Moves the store's clock on, where it can. */
  advance?(ms: number): void;
  close(): Promise<void>;
}

export type OpenStore = (limits?: Partial<StoreLimits>) => Promise<OpenedStore>;

export interface Kit extends OpenedStore {
  readonly queue: string;
  readonly otherQueue: string;
  /** Sweeps until `reached` holds, moving the clock or waiting a little in between. */
  sweepUntil(reached: (report: SweepReport) => boolean | Promise<boolean>): Promise<SweepReport>;
}

export type StoreTest = (
  name: string,
  body: (kit: Kit) => Promise<void>,
  limits?: Partial<StoreLimits>,
  timeoutMs?: number,
) => void;

const patienceMs = 10_000;

/** A `test` that gives its body an open store and closes it after. */
export function storeTest(open: OpenStore): StoreTest {
  return (name, body, limits, timeoutMs) =>
    test(name, { timeout: timeoutMs }, async () => {
      const opened = await open(limits);
      try {
        await body(kitOf(opened));
      } finally {
        await opened.close();
      }
    });
}

export function kitOf(opened: OpenedStore): Kit {
  const { store } = opened;
  return {
    store,
    second: () => opened.second(),
    advance: opened.advance === undefined ? undefined : (ms) => opened.advance!(ms),
    faults: (queues) => opened.faults?.(queues) ?? Promise.resolve([]),
    close: () => opened.close(),
    queue: uniqueQueue("a"),
    otherQueue: uniqueQueue("b"),
    async sweepUntil(reached) {
      let report = await store.sweep();
      await until(async () => {
        if (await reached(report)) return true;
        opened.advance?.(1);
        report = await store.sweep();
        return false;
      });
      return report;
    },
  };
}

/** Delivers every effect between queues. */
export async function settle(store: QueueStore): Promise<void> {
  await until(async () => (await store.sweep()).delivered === 0);
}

/** Polls until `reached` holds; fails when patience ends. */
export async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await reached())) {
    if (performance.now() > end)
      throw new Error(`not reached within ${patienceMs} ms: ${reached.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Listens until stopped; `has` waits for a signal, since signals may come after the call's answer. */
export function listen(store: QueueStore, queue: string) {
  const seen: StoreSignal[] = [];
  const stop = store.subscribe((signal) => {
    if (signal.queue === queue) seen.push(signal);
  });
  return {
    seen,
    stop,
    clear: () => void seen.splice(0),
    has: (wanted: (signal: StoreSignal) => boolean) => until(() => seen.some(wanted)),
  };
}

/** The log's sequences have no holes, begin where they say, and the last change is the task's state. */
export async function expectWholeLog(store: QueueStore, taskId: string): Promise<void> {
  const page = await store.readLog({ taskId, from: 1, limit: 10_000 });
  const [task] = await store.get([taskId]);
  const wanted = Array.from(
    { length: page!.lastSequence - page!.firstKept + 1 },
    (_, i) => page!.firstKept + i,
  );
  expect(page!.entries.map((entry) => entry.sequence)).toEqual(wanted);
  expect(page!.lastSequence).toBe(task!.lastSequence);
  expect(page!.entries.findLast((entry) => entry.change)?.change?.state ?? task!.state).toBe(task!.state);
}
