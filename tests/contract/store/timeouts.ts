import { describe, expect } from "vitest";
import type { NamedTask } from "../../../src/queue/named.ts";

import type { Timeouts } from "../../../src/queue/task.ts";
import {
  bytes,
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  parent,
  stateOf,
  submitOne,
  term,
} from "../../support/tasks.ts";
import { expectDeadLetter } from "./finish.ts";
import { expectWholeLog, type OpenStore, settle, storeTest } from "./kit.ts";

const hourMs = 3_600_000;

function timed(queue: string, timeouts: Timeouts, parts: Partial<NamedTask> = {}): NamedTask {
  return newTask(queue, { timeouts, ...parts });
}

export function timeoutCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("timeouts", () => {
    test("come back with the task", async ({ store, queue }) => {
      const timeouts = { toStartMs: 60_000, toFinishMs: 120_000, heartbeatMs: 30_000 };
      const id = await submitOne(store, timed(queue, timeouts));
      expect((await getOne(store, id)).timeouts).toEqual(timeouts);
      expect((await getOne(store, await submitOne(store, newTask(queue)))).timeouts).toEqual({});
    });

    test("to start: it FAILS for good, and its children with it", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, timed(queue, { toStartMs: 20 }));
      const child = await submitOne(store, newTask(queue, { parents: [parent(id)] }));
      const { nextDueMs } = await store.sweep();
      expect(nextDueMs).toBeLessThanOrEqual(20);
      const report = await sweepUntil(({ notStarted }) => notStarted > 0);
      expect(report).toMatchObject({ notStarted: 1, expired: 0 });
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        attempt: 0,
        error: { kind: "START_TIMEOUT" },
      });
      await settle(store);
      expect(await stateOf(store, child)).toBe("FAILED");
      await expectDeadLetter(store, queue, [id, child]);
      await expectWholeLog(store, id);
      expect((await store.stats([queue]))[0]!.counts).toMatchObject({ QUEUED: 0, FAILED: 2 });
    });

    test("to start: does not count while it is scheduled or runs", async ({ store, queue, sweepUntil }) => {
      const scheduled = await submitOne(store, timed(queue, { toStartMs: 1 }, { delayMs: 60_000 }));
      const running = await submitOne(store, timed(queue, { toStartMs: 300 }));
      await leaseOne(store, queue);
      const late = await submitOne(store, timed(queue, { toStartMs: 1 }));
      await sweepUntil(async () => (await stateOf(store, late)) === "FAILED");
      expect(await stateOf(store, scheduled)).toBe("SCHEDULED");
      expect(await stateOf(store, running)).toBe("RUNNING");
    });

    test("to start: a release goes on counting, a retry counts anew", async (kit) => {
      const { store, queue, sweepUntil } = kit;
      const id = await submitOne(store, timed(queue, { toStartMs: 150 }));
      const { queuedMs } = await getOne(store, id);
      await finish(store, term(await leaseOne(store, queue)), { kind: "released", reason: "" });
      await sweepUntil(async () => (await stateOf(store, id)) === "FAILED");
      expect((await getOne(store, id)).finishedMs).toBeGreaterThanOrEqual(queuedMs! + 150);
      expect(await store.retry([{ taskId: id }])).toEqual([{ changed: true, state: "QUEUED" }]);
      const again = await getOne(store, id);
      expect(again.queuedMs).toBeGreaterThan(queuedMs!);
      await sweepUntil(async () => (await stateOf(store, id)) === "FAILED");
      expect((await getOne(store, id)).finishedMs).toBeGreaterThanOrEqual(again.queuedMs! + 150);
    });

    test("to finish: the attempt fails, however often it is renewed", async ({
      store,
      queue,
      sweepUntil,
    }) => {
      const id = await submitOne(store, timed(queue, { toFinishMs: 60 }));
      const task = await leaseOne(store, queue, hourMs);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + 60);
      await store.renew([{ ...term(task), leaseMs: hourMs }]);
      expect((await getOne(store, id)).leaseExpiresMs).toBe(task.startedMs! + 60);
      await sweepUntil(({ expired }) => expired > 0);
      const { state, attempt, error } = await getOne(store, id);
      expect(["QUEUED", "SCHEDULED"]).toContain(state);
      expect({ attempt, kind: error?.kind }).toEqual({ attempt: 1, kind: "FINISH_TIMEOUT" });
    });

    test("to finish: each attempt has its own", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(
        store,
        timed(queue, { toFinishMs: 40 }, { retry: { ...newTask(queue).retry, attemptsMax: 2 } }),
      );
      await leaseOne(store, queue, hourMs);
      await sweepUntil(async () => (await stateOf(store, id)) === "QUEUED");
      const second = await leaseOne(store, queue, hourMs);
      expect(second.leaseExpiresMs).toBe(second.startedMs! + 40);
      await sweepUntil(async () => (await stateOf(store, id)) === "FAILED");
      await expectDeadLetter(store, queue, [id]);
    });

    test("heartbeat: entries put it off, renewals do not", async ({ store, advance, queue, sweepUntil }) => {
      const id = await submitOne(store, timed(queue, { heartbeatMs: 400 }));
      const task = await leaseOne(store, queue, hourMs);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + 400);
      advance?.(100);
      await store.renew([{ ...term(task), leaseMs: hourMs }]);
      expect((await getOne(store, id)).leaseExpiresMs).toBe(task.startedMs! + 400);
      await store.append([{ ...term(task), entries: [{ bytes: bytes("alive") }] }]);
      const { leaseExpiresMs } = await getOne(store, id);
      const [sign] = (await store.readLog({ taskId: id, from: 3, limit: 1 }))!.entries;
      expect(leaseExpiresMs).toBe(sign!.timeMs + 400);
      await sweepUntil(({ expired }) => expired > 0);
      expect((await getOne(store, id)).error?.kind).toBe("HEARTBEAT_TIMEOUT");
    });

    test("a lease that ends before its timeouts has expired", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, timed(queue, { toFinishMs: hourMs, heartbeatMs: hourMs }));
      const task = await leaseOne(store, queue, 5);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + 5);
      await sweepUntil(({ expired }) => expired > 0);
      expect((await getOne(store, id)).error?.kind).toBe("LEASE_EXPIRED");
    });

    test("to finish: tried again by the backoff, unlike a lost lease", async ({
      store,
      queue,
      sweepUntil,
    }) => {
      const retry = { ...newTask(queue).retry, backoffInitialMs: 60_000, backoffMaxMs: 60_000 };
      const id = await submitOne(store, timed(queue, { toFinishMs: 3 }, { retry }));
      const odd = { ...retry, errorsNotRetried: ["FINISH_TIMEOUT"] };
      const never = await submitOne(store, timed(queue, { toFinishMs: 3 }, { retry: odd }));
      await lease(store, queue, { max: 2 });
      for (const each of [id, never])
        await sweepUntil(async () => (await stateOf(store, each)) !== "RUNNING");
      expect(await stateOf(store, never)).toBe("FAILED");
      const { state, runAtMs, startedMs } = await getOne(store, id);
      expect(state).toBe("SCHEDULED");
      expect(runAtMs).toBeGreaterThanOrEqual(startedMs! + 30_000);
    });

    test("to start: is over with a cancel", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, timed(queue, { toStartMs: 3 }));
      await store.cancel([{ taskId: id, reason: "" }]);
      const later = await submitOne(store, timed(queue, { toStartMs: 5 }));
      await sweepUntil(async () => (await stateOf(store, later)) === "FAILED");
      expect(await stateOf(store, id)).toBe("CANCELED");
    });

    test("heartbeat: a shorter renewal counts, an entry's limit is no longer than its own", async ({
      store,
      queue,
    }) => {
      const id = await submitOne(store, timed(queue, { heartbeatMs: hourMs }));
      const task = await leaseOne(store, queue, 2 * hourMs);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + hourMs);
      expect(await store.renew([{ ...term(task), leaseMs: 60_000 }])).toMatchObject([{ accepted: true }]);
      const { leaseExpiresMs } = await getOne(store, id);
      expect(leaseExpiresMs).toBeLessThan(task.startedMs! + hourMs);
      await store.append([{ ...term(task), entries: [{ bytes: bytes("alive") }] }]);
      expect((await getOne(store, id)).leaseExpiresMs).toBeLessThan(task.startedMs! + hourMs);
    });

    test("refuse to renew an attempt that they have ended", async ({ store, queue, advance }) => {
      await submitOne(store, timed(queue, { toFinishMs: 1 }));
      const task = await leaseOne(store, queue);
      advance?.(1);
      // Time passes by itself where the clock cannot be moved: the first renewals may still be taken.
      let answer = { accepted: true, state: "RUNNING" };
      while (answer.accepted)
        [answer] = (await store.renew([{ ...term(task), leaseMs: 9 }])) as [typeof answer];
      expect(answer).toEqual({ accepted: false, state: "RUNNING" });
    });
  });
}
