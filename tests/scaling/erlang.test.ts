import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latePart, slotsFor, waitingPart } from "../../src/scaling/erlang.ts";

/** By the formula as it is written in textbooks. */
function byFactorials(slots: number, offered: number): number {
  const term = (k: number) =>
    Array.from({ length: k }, (_, i) => offered / (i + 1)).reduce((a, b) => a * b, 1);
  const last = (term(slots) * slots) / (slots - offered);
  const sum = Array.from({ length: slots }, (_, k) => term(k)).reduce((a, b) => a + b, 0);
  return last / (sum + last);
}

describe("the part that waits", () => {
  test("is what tables of Erlang's C say", () => {
    // One server: as much as it is busy.
    expect(waitingPart(1, 0.7)).toBeCloseTo(0.7, 12);
    // Two servers, one erlang: a third.
    expect(waitingPart(2, 1)).toBeCloseTo(1 / 3, 12);
    expect(waitingPart(10, 8)).toBeCloseTo(0.4092, 4);
  });

  test("is that of the formula with factorials", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (slots, use) => {
          expect(waitingPart(slots, slots * use)).toBeCloseTo(byFactorials(slots, slots * use), 9);
        },
      ),
    );
  });

  test("is none without work, and all where there is too much", () => {
    expect(waitingPart(3, 0)).toBe(0);
    expect(waitingPart(3, 3)).toBe(1);
    expect(latePart(3, 4, 1_000, 60_000)).toBe(1);
  });
});

describe("the fewest slots", () => {
  const goal = fc.record({
    seconds: fc.double({ min: 0.1, max: 60, noNaN: true }),
    percent: fc.double({ min: 50, max: 99.9, noNaN: true }),
  });
  const offered = fc.double({ min: 0.01, max: 500, noNaN: true });
  const serviceMs = fc.integer({ min: 10, max: 600_000 });

  test("keep the goal, and one fewer does not", () => {
    fc.assert(
      fc.property(offered, serviceMs, goal, (load, ms, wanted) => {
        const slots = slotsFor(load, ms, wanted);
        const late = (count: number) => latePart(count, load, ms, wanted.seconds * 1_000);
        expect(late(slots)).toBeLessThanOrEqual(1 - wanted.percent / 100);
        expect(late(slots - 1)).toBeGreaterThan(1 - wanted.percent / 100);
      }),
    );
  });

  test("are never fewer for more work", () => {
    fc.assert(
      fc.property(
        offered,
        fc.double({ min: 0, max: 50, noNaN: true }),
        serviceMs,
        goal,
        (load, more, ms, wanted) => {
          expect(slotsFor(load + more, ms, wanted)).toBeGreaterThanOrEqual(slotsFor(load, ms, wanted));
        },
      ),
    );
  });

  test("are none for no work, and found at once for a fleet", () => {
    expect(slotsFor(0, 1_000, { seconds: 1, percent: 95 })).toBe(0);
    expect(slotsFor(50_000, 30_000, { seconds: 5, percent: 95 })).toBeGreaterThan(50_000);
  });
});
