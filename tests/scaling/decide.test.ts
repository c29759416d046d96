import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, type ScaleSettings } from "../../src/scaling/decide.ts";
import { idleLoad, type RoleLoad, serviceMsOf } from "../../src/scaling/load.ts";

const count = fc.integer({ min: 0, max: 1_000_000 });
const anyLoad: fc.Arbitrary<RoleLoad> = fc.record({
  queued: count,
  scheduledSoon: fc.integer({ min: 0, max: 10_000 }),
  running: fc.integer({ min: 0, max: 10_000 }),
  oldestWaitMs: count,
  arrivalPerSecond: fc.double({ min: 0, max: 1_000, noNaN: true }),
  servicePerSecond: fc.double({ min: 0, max: 1_000, noNaN: true }),
  serviceMs: fc.option(fc.double({ min: 1, max: 600_000, noNaN: true }), { nil: undefined }),
});
const anySettings: fc.Arbitrary<ScaleSettings> = fc
  .record({
    min: fc.integer({ min: 0, max: 100 }),
    more: fc.integer({ min: 1, max: 1_000 }),
    tasksPerReplica: fc.double({ min: 1, max: 100, noNaN: true }),
    targetWait: fc.option(
      fc.record({
        seconds: fc.double({ min: 0.1, max: 600, noNaN: true }),
        percent: fc.double({ min: 1, max: 99.9, noNaN: true }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ min, more, tasksPerReplica, targetWait }) => ({
    ...{ min, max: min + more, tasksPerReplica },
    ...(targetWait && { targetWait }),
  }));

describe("the decision", () => {
  test("keeps the bounds, and never means zero where there is work", () => {
    fc.assert(
      fc.property(anyLoad, anySettings, (load, settings) => {
        const { replicas, metric, active } = decide(load, settings);
        expect(replicas).toBeGreaterThanOrEqual(settings.min);
        expect(replicas).toBeLessThanOrEqual(settings.max);
        const hasWork = load.queued + load.scheduledSoon + load.running > 0;
        expect(active).toBe(hasWork);
        if (hasWork) expect(metric).toBeGreaterThan(0);
        if (hasWork) expect(replicas).toBeGreaterThan(0);
      }),
    );
  });

  test("never means fewer for more work of any kind", () => {
    const kinds = ["queued", "scheduledSoon", "running", "arrivalPerSecond"] as const;
    fc.assert(
      fc.property(
        anyLoad,
        anySettings,
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 1_000 }),
        (load, settings, kind, more) => {
          const before = decide(load, settings);
          const after = decide({ ...load, [kind]: load[kind] + more }, settings);
          expect(after.metric).toBeGreaterThanOrEqual(before.metric);
          expect(after.replicas).toBeGreaterThanOrEqual(before.replicas);
        },
      ),
    );
  });

  test("always carries what runs, so that no replica that works is taken for idle", () => {
    fc.assert(
      fc.property(anyLoad, anySettings, (load, settings) => {
        const { metric, replicas, target } = decide(load, settings);
        expect(metric).toBeGreaterThanOrEqual(load.running);
        expect(replicas).toBeGreaterThanOrEqual(Math.min(settings.max, Math.ceil(load.running / target)));
      }),
    );
  });

  test("is the sum of its terms", () => {
    fc.assert(
      fc.property(anyLoad, anySettings, (load, settings) => {
        const { metric, terms } = decide(load, settings);
        expect(terms.reduce((sum, { value }) => sum + value, 0)).toBe(metric);
      }),
    );
  });

  const settings = { min: 0, max: 100, tasksPerReplica: 4 };

  test.each([
    ["nothing to do", {}, 0],
    ["one task", { queued: 1 }, 1],
    ["what runs alone", { running: 9 }, 3],
    ["all three", { queued: 6, scheduledSoon: 1, running: 2 }, 3],
    ["more than there may be", { queued: 1_000 }, 100],
  ] as const)("%s", (_, load, replicas) => {
    expect(decide({ ...idleLoad, ...load }, settings).replicas).toBe(replicas);
  });
});

describe("a target wait", () => {
  const settings = { min: 0, max: 1_000, tasksPerReplica: 1, targetWait: { seconds: 5, percent: 95 } };

  test("counts tasks until it is known how long one takes", () => {
    expect(decide({ ...idleLoad, queued: 7, running: 3 }, settings).replicas).toBe(10);
  });

  test("works a backlog off in its time: more slots for long tasks than for short ones", () => {
    const backlog = { ...idleLoad, queued: 100 };
    // Each slot begins six within 5 s: one now, and one each second.
    expect(decide({ ...backlog, serviceMs: 1_000 }, settings).replicas).toBe(17);
    expect(decide({ ...backlog, serviceMs: 60_000 }, settings).replicas).toBe(93);
  });

  test("is found at once, however much work there seems to be: beyond the most it does not matter", () => {
    const flood = { ...idleLoad, queued: 1e6, running: 800, arrivalPerSecond: 1_666, serviceMs: 48_000_000 };
    const begun = performance.now();
    expect(decide(flood, { ...settings, max: 200 }).replicas).toBe(200);
    // Without a bound it took ten seconds.
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  test("has room for chance beyond what arrives on average", () => {
    const steady = { ...idleLoad, running: 50, arrivalPerSecond: 5, serviceMs: 10_000 };
    const { replicas } = decide(steady, settings);
    expect(replicas).toBeGreaterThan(50);
    expect(replicas).toBeLessThan(70);
    const hurried = { ...settings, targetWait: { seconds: 0.1, percent: 99 } };
    expect(decide(steady, hurried).replicas).toBeGreaterThan(replicas);
  });
});

test("how long a task runs follows from how many run and how many end", () => {
  expect(serviceMsOf(50, 5)).toBe(10_000);
  expect(serviceMsOf(0, 5)).toBeUndefined();
  expect(serviceMsOf(50, 0)).toBeUndefined();
});
