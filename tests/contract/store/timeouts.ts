import { describe, expect } from "vitest";
import { bytes, getOne, lease, leaseOne, newTask, stateOf, submitOne, term } from "../../support/tasks.ts";
import { expectDeadLetter } from "./finish.ts";
import { expectWholeLog, type OpenStore, storeTest, until } from "./kit.ts";

export function timeoutCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("timeout to start", () => {
    test("fails a task that nobody took, and says how many", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, newTask(queue, { timeouts: { toStartMs: 4 } }));
      const other = await submitOne(store, newTask(queue, { timeouts: { toStartMs: 60_000 } }));
      const report = await sweepUntil(({ notStarted }) => notStarted > 0);
      expect(report).toMatchObject({ notStarted: 1, expired: 0 });
      expect(report.nextDueMs, "the other's").toBeLessThanOrEqual(60_000);
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        attempt: 0,
        error: { kind: "START_TIMEOUT", retryable: false },
      });
      await expectDeadLetter(store, queue, [id]);
      await expectWholeLog(store, id);
      expect((await lease(store, queue, { max: 9 })).map((task) => task.id)).toEqual([other]);
      await store.retry([{ taskId: id }]);
      await sweepUntil(async () => (await stateOf(store, id)) === "FAILED");
    });

    test("counts from when the task is QUEUED, and ends when it is leased", async (kit) => {
      const { store, queue, sweepUntil, advance } = kit;
      const timeouts = { toStartMs: 20_000 };
      const id = await submitOne(store, newTask(queue, { delayMs: 30_000, timeouts }));
      const taken = await submitOne(store, newTask(queue, { timeouts: { toStartMs: 40 } }));
      expect((await leaseOne(store, queue)).id).toBe(taken);
      advance?.(25_000);
      const wait = newTask(queue, { timeouts: { toStartMs: 45 } });
      await store.submit([wait]);
      await sweepUntil(async () => (await stateOf(store, wait.id)) === "FAILED");
      expect(await stateOf(store, taken)).toBe("RUNNING");
      expect(await stateOf(store, id)).toBe("SCHEDULED");
    });

    test("is over with a cancel", async ({ store, queue, sweepUntil }) => {
      const id = await submitOne(store, newTask(queue, { timeouts: { toStartMs: 3 } }));
      await store.cancel([{ taskId: id, reason: "" }]);
      const later = await submitOne(store, newTask(queue, { timeouts: { toStartMs: 5 } }));
      await sweepUntil(async () => (await stateOf(store, later)) === "FAILED");
      expect(await stateOf(store, id)).toBe("CANCELED");
    });
  });

  describe("timeout to finish", () => {
    test("ends the lease, whatever was asked for, and fails the attempt", async ({
      store,
      queue,
      sweepUntil,
    }) => {
      const retry = { ...newTask(queue).retry, attemptsMax: 2 };
      const id = await submitOne(store, newTask(queue, { retry, timeouts: { toFinishMs: 30 } }));
      const task = await leaseOne(store, queue, 60_000);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + 30);
      await store.renew([{ ...term(task), leaseMs: 90_000 }]);
      const entries = [{ bytes: bytes("alive") }];
      await store.append([{ ...term(task), entries }]);
      const running = await getOne(store, id);
      if (running.state === "RUNNING") expect(running.leaseExpiresMs).toBe(task.startedMs! + 30);
      await sweepUntil(async () => (await stateOf(store, id)) === "QUEUED");
      expect(await getOne(store, id)).toMatchObject({ attempt: 1, error: { kind: "FINISH_TIMEOUT" } });
      await leaseOne(store, queue, 60_000);
      const report = await sweepUntil(({ expired }) => expired > 0);
      expect(report).toMatchObject({ expired: 1, notStarted: 0 });
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        attempt: 2,
        error: { kind: "FINISH_TIMEOUT" },
      });
      await expectWholeLog(store, id);
    });

    test("is tried again by the backoff, unlike a lost lease", async ({ store, queue, sweepUntil }) => {
      const retry = { ...newTask(queue).retry, backoffInitialMs: 60_000, backoffMaxMs: 60_000 };
      const id = await submitOne(store, newTask(queue, { retry, timeouts: { toFinishMs: 3 } }));
      const odd = { ...retry, errorsNotRetried: ["FINISH_TIMEOUT"] };
      const never = await submitOne(store, newTask(queue, { retry: odd, timeouts: { toFinishMs: 3 } }));
      await lease(store, queue, { max: 2 });
      await sweepUntil(async () => (await stateOf(store, never)) === "FAILED");
      await sweepUntil(async () => (await stateOf(store, id)) !== "RUNNING");
      const { state, runAtMs, startedMs } = await getOne(store, id);
      expect(state).toBe("SCHEDULED");
      expect(runAtMs).toBeGreaterThanOrEqual(startedMs! + 30_000);
    });

    test("refuses to renew what it ended, before a sweep comes by", async ({ store, queue, advance }) => {
      await submitOne(store, newTask(queue, { timeouts: { toFinishMs: 40 } }));
      const task = await leaseOne(store, queue, 60_000);
      await until(async () => {
        advance?.(10);
        const [outcome] = await store.renew([{ ...term(task), leaseMs: 60_000 }]);
        expect(outcome!.state).toBe("RUNNING");
        return !outcome!.accepted;
      });
      await store.sweep();
      expect((await getOne(store, task.id)).error).toMatchObject({ kind: "FINISH_TIMEOUT" });
    });
  });

  describe("heartbeat", () => {
    test("a lease ends when no sign of life comes; renewals are none", async ({
      store,
      queue,
      sweepUntil,
    }) => {
      const id = await submitOne(store, newTask(queue, { timeouts: { heartbeatMs: 30 } }));
      const task = await leaseOne(store, queue, 60_000);
      expect(task.leaseExpiresMs).toBe(task.startedMs! + 30);
      await store.renew([{ ...term(task), leaseMs: 60_000 }]);
      const running = await getOne(store, id);
      if (running.state === "RUNNING") expect(running.leaseExpiresMs).toBe(task.startedMs! + 30);
      await sweepUntil(async () => (await stateOf(store, id)) !== "RUNNING");
      expect(await getOne(store, id)).toMatchObject({
        state: "QUEUED",
        attempt: 1,
        error: { kind: "HEARTBEAT_TIMEOUT" },
      });
    });

    test("entries for the log put the end off", async ({ store, queue, advance }) => {
      const id = await submitOne(store, newTask(queue, { timeouts: { heartbeatMs: 50_000 } }));
      const task = await leaseOne(store, queue, 600_000);
      const entries = [{ bytes: bytes("alive") }];
      await until(async () => {
        advance?.(1);
        await store.append([{ ...term(task), entries }]);
        return (await getOne(store, id)).leaseExpiresMs! > task.leaseExpiresMs!;
      });
      const { leaseExpiresMs } = await getOne(store, id);
      expect(leaseExpiresMs).toBeLessThan(task.leaseExpiresMs! + 40_000);
      const renewed = await store.renew([{ ...term(task), leaseMs: 5_000 }]);
      expect(renewed).toMatchObject([{ accepted: true }]);
      expect((await getOne(store, id)).leaseExpiresMs).toBeLessThan(leaseExpiresMs!);
    });

    test("an ended lease of a task with timeouts that were kept is a lost lease", async (kit) => {
      const { store, queue, sweepUntil } = kit;
      const timeouts = { toFinishMs: 60_000, heartbeatMs: 60_000 };
      const id = await submitOne(store, newTask(queue, { timeouts }));
      await leaseOne(store, queue, 2);
      await sweepUntil(async () => (await stateOf(store, id)) !== "RUNNING");
      expect((await getOne(store, id)).error).toMatchObject({ kind: "LEASE_EXPIRED" });
    });
  });
}
