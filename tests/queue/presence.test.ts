import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PresenceLoop } from "../../src/queue/presence.ts";
import type { Presence } from "../../src/queue/store.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const workers: readonly Presence[] = [{ queue: "testing", workerId: "w", labels: { gpu: "h100" } }];

/** A loop whose announcements end when the test says so. */
function looping(present: () => readonly Presence[] = () => workers) {
  const calls: { workers: readonly Presence[]; presentMs: number; end: (error?: Error) => void }[] = [];
  const loop = new PresenceLoop({
    present,
    announce: (said, presentMs) =>
      new Promise((resolve, reject) => {
        calls.push({ workers: said, presentMs, end: (error) => (error ? reject(error) : resolve()) });
      }),
  });
  return { loop, calls };
}

describe("workers are announced", () => {
  test("again before they are forgotten, also when two announcements were lost", async () => {
    const { loop, calls } = looping();
    loop.start();
    for (let seconds = 0; seconds < 30; seconds++) {
      calls.at(-1)?.end(new Error("the store is away"));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(calls.length).toBeGreaterThanOrEqual(9);
    expect(calls[0]?.workers).toEqual(workers);
    const everyMs = 30_000 / (calls.length + 1);
    expect(calls[0]?.presentMs).toBeGreaterThan(3 * everyMs);
    for (const { end } of calls) end();
    await loop.stop();
  });

  test("soon after they came, those that came together in one call", async () => {
    const { loop, calls } = looping();
    for (let come = 0; come < 5; come++) loop.soon();
    await vi.advanceTimersByTimeAsync(100);
    expect(calls).toHaveLength(1);
  });

  test("in one call at a time; who came meanwhile is in the next", async () => {
    const { loop, calls } = looping();
    loop.soon();
    await vi.advanceTimersByTimeAsync(100);
    loop.soon();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toHaveLength(1);
    calls[0]?.end();
    await vi.advanceTimersByTimeAsync(100);
    expect(calls).toHaveLength(2);
  });
});

test("nobody is announced where nobody is, nor after the end", async () => {
  const { loop, calls } = looping(() => []);
  loop.start();
  loop.soon();
  await vi.advanceTimersByTimeAsync(10_000);
  await loop.stop();
  loop.soon();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(calls).toEqual([]);
});
