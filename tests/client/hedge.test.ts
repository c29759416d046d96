import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { hedged } from "../../src/client/hedge.ts";
import { RetryBudget } from "../../src/client/retry-budget.ts";
import { MeshError } from "../../src/core/errors.ts";

/** Attempts that end as they are told to, by place. */
function attempts(...ends: readonly (() => Promise<string>)[]) {
  const begun: { readonly signal: AbortSignal; readonly spentMs: number }[] = [];
  const attempt = (signal: AbortSignal, spentMs: number) => {
    begun.push({ signal, spentMs });
    return (ends[begun.length - 1] as () => Promise<string>)();
  };
  return { begun, attempt };
}

const never = () => new Promise<string>(() => {});
const away = () => Promise.reject(new MeshError("SERVER_UNREACHABLE", "away"));

describe("a hedged call", () => {
  test("that is answered in time is made once", async () => {
    const { begun, attempt } = attempts(async () => "one");
    expect(await hedged({ delayMs: 1_000 }, attempt)).toBe("one");
    expect(begun).toHaveLength(1);
  });

  test("that takes long is made again; the first answer counts, and the other is given up", async () => {
    const { begun, attempt } = attempts(never, async () => "two");
    expect(await hedged({ delayMs: 5 }, attempt)).toBe("two");
    expect(begun.map(({ spentMs }) => spentMs)).toEqual([0, 5]);
    expect(begun[0]?.signal.aborted).toBe(true);
  });

  test("is made no more often than it is said", async () => {
    const { begun, attempt } = attempts(never, never, async () => {
      await pause(30);
      return "three";
    });
    expect(await hedged({ delayMs: 2, attemptsMax: 3 }, attempt)).toBe("three");
    expect(begun).toHaveLength(3);
  });

  test("whose server is away is made again at once, and fails with the first failure", async () => {
    const { begun, attempt } = attempts(away, () =>
      Promise.reject(new MeshError("SERVER_UNREACHABLE", "the second")),
    );
    await expect(hedged({ delayMs: 60_000 }, attempt)).rejects.toThrow("away");
    expect(begun).toHaveLength(2);
  });

  test("that is refused is not made again: another replica would say the same", async () => {
    const { begun, attempt } = attempts(() =>
      Promise.reject(new MeshError("TASK_NOT_FOUND", "no such task")),
    );
    await expect(hedged({ delayMs: 60_000 }, attempt)).rejects.toThrow("no such task");
    expect(begun).toHaveLength(1);
  });
});

describe("a budget of retries", () => {
  test("is a part of the calls, and what was saved up", () => {
    const budget = new RetryBudget({ ratio: 0.5, savedMax: 2 });
    expect([1, 2, 3].map(() => budget.retry())).toEqual([true, true, false]);
    budget.call();
    expect(budget.retry()).toBe(false);
    budget.call();
    expect([1, 2].map(() => budget.retry())).toEqual([true, false]);
  });

  test("saves no more up than it may", () => {
    const budget = new RetryBudget({ ratio: 1, savedMax: 3 });
    for (let call = 0; call < 100; call++) budget.call();
    expect([1, 2, 3, 4].map(() => budget.retry())).toEqual([true, true, true, false]);
  });
});
