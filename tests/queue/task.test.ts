import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterFailure,
  dependencyVerdict,
  holdsLease,
  isFinal,
  leaseExpired,
  openState,
  parentFailed,
  repeatsFinish,
  type TaskFailure,
  type TaskState,
  taskStates,
} from "../../src/queue/task.ts";

const policy = fc.record({
  attemptsMax: fc.integer({ min: 1, max: 100 }),
  backoffInitialMs: fc.integer({ min: 0, max: 100_000 }),
  backoffMaxMs: fc.integer({ min: 0, max: 3_600_000 }),
  backoffMultiplier: fc.double({ min: 1, max: 10, noNaN: true }),
  errorsNotRetried: fc.subarray(["A", "B"]),
});
const failure: fc.Arbitrary<TaskFailure> = fc.record({
  kind: fc.constantFrom("A", "B", "C", "LEASE_EXPIRED"),
  message: fc.string(),
  retryable: fc.boolean(),
  detail: fc.constant(""),
});
const attempt = fc.integer({ min: 1, max: 100 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const state = fc.constantFrom(...taskStates);

describe("after a failure", () => {
  test("an attempt is never made beyond the last, nor after what cannot be retried", () => {
    fc.assert(
      fc.property(policy, attempt, failure, chance, (rules, at, error, luck) => {
        const decision = afterFailure(rules, at, error, luck);
        const terminal = !error.retryable || rules.errorsNotRetried.includes(error.kind);
        if (terminal) expect(decision).toEqual({ next: "fail", because: "terminal" });
        else if (at >= rules.attemptsMax) expect(decision).toEqual({ next: "fail", because: "attempts" });
        else expect(decision.next).toBe("retry");
      }),
    );
  });

  test("the attempt of the policy's number is the last", () => {
    fc.assert(
      fc.property(policy, chance, (rules, luck) => {
        const next = (at: number) => afterFailure(rules, at, { ...plain, kind: "C" }, luck).next;
        expect(next(rules.attemptsMax)).toBe("fail");
        expect(next(rules.attemptsMax + 1)).toBe("fail");
        if (rules.attemptsMax > 1) expect(next(rules.attemptsMax - 1)).toBe("retry");
      }),
    );
  });

  test("the delay is a whole number in the upper half of the backoff, and within its limit", () => {
    fc.assert(
      fc.property(policy, attempt, chance, (rules, at, luck) => {
        const decision = afterFailure({ ...rules, attemptsMax: 101 }, at, { ...plain, kind: "C" }, luck);
        if (decision.next !== "retry") throw new Error("not retried");
        const full = Math.min(
          rules.backoffMaxMs,
          rules.backoffInitialMs * rules.backoffMultiplier ** (at - 1),
        );
        expect(Number.isInteger(decision.delayMs)).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(decision.delayMs).toBeLessThanOrEqual(Math.ceil(full));
      }),
    );
  });

  test("with the same luck a later attempt never comes back sooner", () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 99 }), chance, (rules, at, luck) => {
        const delays = [at, at + 1].map((one) =>
          afterFailure({ ...rules, attemptsMax: 101 }, one, plain, luck),
        );
        const [sooner, later] = delays.map((one) => (one.next === "retry" ? one.delayMs : -1));
        expect(later).toBeGreaterThanOrEqual(sooner!);
      }),
    );
  });

  test("the worker's own delay and a lost lease overrule the backoff", () => {
    fc.assert(
      fc.property(policy, chance, fc.nat(), (rules, luck, delayMs) => {
        const patient = { ...rules, attemptsMax: 2, errorsNotRetried: [] };
        expect(afterFailure(patient, 1, plain, luck, delayMs)).toEqual({ next: "retry", delayMs });
        expect(afterFailure(patient, 1, leaseExpired, luck)).toEqual({ next: "retry", delayMs: 0 });
      }),
    );
  });
});

describe("states", () => {
  test("three are final", () => {
    expect(taskStates.filter(isFinal)).toEqual(["SUCCEEDED", "FAILED", "CANCELED"]);
  });

  test("a task is open at its time, not before", () => {
    expect(openState(undefined, 5)).toBe("QUEUED");
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (runAtMs, nowMs) => {
        expect(openState(runAtMs, nowMs)).toBe(runAtMs > nowMs ? "SCHEDULED" : "QUEUED");
      }),
    );
  });

  test("a condition on a parent", () => {
    for (const end of ["SUCCEEDED", "FAILED", "CANCELED", "MISSING"] as const) {
      expect(dependencyVerdict("FINISHED", end)).toBe("met");
      expect(dependencyVerdict("SUCCEEDED", end)).toBe(end === "SUCCEEDED" ? "met" : "failed");
    }
  });

  test("a failed parent is never retried and is named", () => {
    for (const end of ["FAILED", "CANCELED", "MISSING"] as const) {
      const error = parentFailed("q.mother", end);
      expect(error.message).toContain("q.mother");
      expect(afterFailure({ ...rules, attemptsMax: 9 }, 1, error, 0).next).toBe("fail");
    }
  });
});

describe("fences", () => {
  const status = fc.record({ state, fence: fc.nat(5) });
  const outcome = fc.constantFrom(
    "succeeded" as const,
    "failed" as const,
    "released" as const,
    "suspended" as const,
  );

  test("only the running term's own fence may write", () => {
    fc.assert(
      fc.property(status, fc.nat(5), (task, fence) => {
        expect(holdsLease(task, fence)).toBe(task.state === "RUNNING" && task.fence === fence);
      }),
    );
  });

  test("a finish repeats only the end that its own term made", () => {
    const ends: Readonly<Record<string, TaskState>> = { succeeded: "SUCCEEDED", failed: "FAILED" };
    fc.assert(
      fc.property(status, fc.nat(5), outcome, (task, fence, kind) => {
        expect(repeatsFinish(task, fence, kind)).toBe(task.fence === fence && ends[kind] === task.state);
        if (holdsLease(task, fence)) expect(repeatsFinish(task, fence, kind)).toBe(false);
      }),
    );
  });
});

const plain: TaskFailure = { kind: "C", message: "", retryable: true, detail: "" };
const rules = {
  attemptsMax: 3,
  backoffInitialMs: 1,
  backoffMaxMs: 1,
  backoffMultiplier: 1,
  errorsNotRetried: [],
};
