import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateMeter, RateMeters } from "../../src/queue/rates.ts";
import type { QueueStats } from "../../src/queue/store.ts";

describe("a meter", () => {
  test("tells nothing before it has seen a total", () => {
    expect(new RateMeter().perSecond(100, 1_000)).toBe(0);
  });

  test("tells the growth a second since the oldest sample of the last minute", () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 120; second += 5)
      meter.sample(second < 60 ? 0 : (second - 60) * 10, second * 1_000);
    expect(meter.perSecond(600, 120_000)).toBe(10);
    expect(meter.perSecond(650, 125_000)).toBeCloseTo(10);
  });

  test("what came longer ago than a minute does not count", () => {
    const meter = new RateMeter();
    meter.sample(0, 0);
    meter.sample(1_000, 5_000);
    for (let atMs = 10_000; atMs <= 70_000; atMs += 5_000) meter.sample(1_000, atMs);
    expect(meter.perSecond(1_000, 70_000)).toBe(0);
  });

  test("a burst right after the first sample is not blown up", () => {
    const meter = new RateMeter();
    meter.sample(0, 0);
    expect(meter.perSecond(50, 10)).toBe(50);
  });

  test("a total that shrank is a new counter", () => {
    const meter = new RateMeter();
    meter.sample(1_000, 0);
    expect(meter.perSecond(10, 5_000)).toBe(0);
    meter.sample(10, 5_000);
    expect(meter.perSecond(60, 10_000)).toBe(10);
  });

  test("is never below 0, and steady growth is told as it is", () => {
    const growth = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(growth, fc.integer({ min: 2, max: 100 }), (perSample, samples) => {
        const meter = new RateMeter();
        for (let at = 0; at < samples; at++) meter.sample(at * perSample, at * 5_000);
        const rate = meter.perSecond((samples - 1) * perSample, (samples - 1) * 5_000);
        expect(rate).toBeCloseTo(perSample / 5);
      }),
    );
  });
});

/** What a store says of a queue, as far as meters read it. */
function stats(queue: string, arrived: number, ended: number, RUNNING = 0): QueueStats {
  return { queue, arrived, ended, counts: { RUNNING } } as QueueStats;
}

test("queues are told apart, arrivals from ends", () => {
  const meters = new RateMeters();
  meters.sample([stats("a", 0, 0), stats("b", 100, 100)], 0);
  expect(meters.ratesOf(stats("a", 50, 20), 10_000)).toMatchObject({ arrival: 5, service: 2 });
  expect(meters.ratesOf(stats("b", 100, 110), 10_000)).toMatchObject({ arrival: 0, service: 1 });
  expect(new RateMeters().ratesOf(stats("a", 7, 7), 10_000)).toMatchObject({ arrival: 0, service: 0 });
});

test("a queue that has begun since the last samples began at 0", () => {
  const meters = new RateMeters();
  const begun = stats("new", 20, 10);
  meters.sample([], 0);
  expect(meters.ratesOf(begun, 10_000)).toMatchObject({ arrival: 2, service: 1 });
  meters.sample([begun], 10_000);
  expect(meters.ratesOf(begun, 20_000)).toMatchObject({ arrival: 1, service: 0.5 });
});

test("how many run is the mean of what was seen over the last minute", () => {
  const meters = new RateMeters();
  const now = stats("a", 0, 0);
  expect(meters.ratesOf(now, 0).runningMean).toBe(0);
  for (const [place, running] of [100, 2, 4, 6].entries())
    meters.sample([stats("a", 0, 0, running)], place * 20_000);
  expect(meters.ratesOf(now, 60_000).runningMean).toBe(28);
  expect(meters.ratesOf(now, 80_000).runningMean).toBe(4);
  expect(meters.ratesOf(now, 200_000).runningMean).toBe(0);
});
