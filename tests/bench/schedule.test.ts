/** Open-loop load. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { dueBy, dueMs, openLoop } from "../../bench/support/schedule.ts";

test("the first is due at once, and each when its place says", () => {
  expect(dueBy(-1, 100)).toBe(0);
  expect(dueBy(0, 100)).toBe(1);
  expect([9, 10, 25].map((elapsedMs) => dueBy(elapsedMs, 100))).toEqual([1, 2, 3]);
  const rates = fc.constantFrom(1, 4, 100, 250, 1_000, 8_000);
  fc.assert(
    fc.property(rates, fc.nat(10_000), (perSecond, index) => {
      expect(dueBy(dueMs(index, perSecond), perSecond)).toBe(index + 1);
    }),
  );
});

test("with ticks, what falls due within one is due at its end", () => {
  expect([0, 1, 5, 6].map((index) => dueMs(index, 1_000, 5))).toEqual([0, 5, 5, 10]);
});

test.each([0, 20])(
  "a load is sent whole, in order, none before it is due; ticks of %d ms",
  async (tickMs) => {
    const sent: number[] = [];
    const total = await openLoop({
      perSecond: 2_000,
      seconds: 0.1,
      tickMs,
      send({ from, to, beganMs }) {
        for (let index = from; index < to; index++) {
          sent.push(index);
          expect(performance.now() - beganMs).toBeGreaterThanOrEqual(dueMs(index, 2_000, tickMs));
        }
      },
    });
    expect(total).toBe(200);
    expect(sent).toEqual(Array.from({ length: 200 }, (_, index) => index));
  },
);

test("a load ends when it is told to", async () => {
  const told = new AbortController();
  const sent = await openLoop({ perSecond: 10, seconds: 60, signal: told.signal, send: () => told.abort() });
  expect(sent).toBe(1);
});
