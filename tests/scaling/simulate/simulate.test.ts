import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latePart, waitingPart } from "../../../src/scaling/erlang.ts";
import { hpaRulesDefault } from "../../../src/scaling/hpa.ts";
import type { ScaledObjectSpec } from "../../../src/scaling/keda.ts";
import { patterns, RateArrivals, rateOf, readTrace } from "../../../src/scaling/simulate/arrivals.ts";
import { Random, seedOf } from "../../../src/scaling/simulate/random.ts";
import { type SimulationOptions, simulate, simulateRole } from "../../../src/scaling/simulate/simulate.ts";
import { TimeHeap } from "../../../src/scaling/simulate/time-heap.ts";
import { TimeLine } from "../../../src/scaling/simulate/time-line.ts";
import { Waits } from "../../../src/scaling/simulate/waits.ts";

const spec: ScaledObjectSpec = {
  minReplicas: 2,
  maxReplicas: 50,
  pollingMs: 15_000,
  cooldownMs: 300_000,
  initialCooldownMs: 0,
  fallback: undefined,
  behavior: hpaRulesDefault,
  isPushed: true,
};
const settings = { min: 2, max: 50, tasksPerReplica: 4 };
const role = { role: "coding", spec, settings, slots: 4 };
const hourMs = 3_600_000;
const plan: SimulationOptions = {
  roles: [role],
  arrivals: { pattern: "steady", perSecond: 2 },
  durationMs: hourMs,
  service: { meanMs: 10_000, shape: "exponential" },
  startMs: 20_000,
  seed: 7,
};

/** As many replicas all the time. */
function fixedAt(replicas: number) {
  const bounds = { minReplicas: replicas, maxReplicas: replicas };
  return { ...role, spec: { ...spec, ...bounds }, settings: { ...settings, min: replicas, max: replicas } };
}

describe("the parts", () => {
  test("a heap of times gives them back in order, whatever is put in and replaced meanwhile", () => {
    const steps = fc.array(
      fc.tuple(fc.constantFrom("push", "pop", "replace"), fc.double({ min: 0, max: 1e6, noNaN: true })),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const heap = new TimeHeap();
        let model: number[] = [];
        for (const [step, time] of all) {
          expect(heap.first).toBe(model[0] ?? Number.POSITIVE_INFINITY);
          if (step !== "push" && model.length === 0) continue;
          if (step === "push") heap.push(time);
          if (step === "pop") heap.pop();
          if (step === "replace") heap.replace(time);
          model = (step === "push" ? model : model.slice(1))
            .concat(step === "pop" ? [] : [time])
            .sort((a, b) => a - b);
          expect(heap.size).toBe(model.length);
        }
      }),
    );
  });

  test("a heap and a line grow beyond what they begin with", () => {
    const heap = new TimeHeap();
    const line = new TimeLine();
    for (let time = 5_000; time > 0; time--) heap.push(time);
    for (let time = 0; time < 700; time++) line.push(time);
    for (let time = 0; time < 600; time++) expect(line.shift()).toBe(time);
    for (let time = 700; time < 5_000; time++) line.push(time);
    for (let time = 600; time < 5_000; time++) expect(line.shift()).toBe(time);
    for (let time = 1; time <= 5_000; time++) {
      expect(heap.first).toBe(time);
      heap.pop();
    }
    expect([heap.size, line.size]).toEqual([0, 0]);
  });

  test("percentiles of waits are right to one in a hundred", () => {
    const anyWaits = fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(anyWaits, fc.integer({ min: 1, max: 100 }), (all, percent) => {
        const waits = new Waits();
        for (const ms of all) waits.add(ms);
        const exact = all.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * all.length) - 1] as number;
        const told = waits.percentileMs(percent);
        expect(told).toBeGreaterThanOrEqual(exact < 1 ? 0 : exact * 0.999);
        expect(told).toBeLessThanOrEqual(Math.max(1, exact * 1.0101));
      }),
    );
    expect(new Waits().percentileMs(99)).toBe(0);
  });

  test.each(patterns)(
    "the pattern %s brings as many tasks as it is asked for, and never more at once than its most",
    (pattern) => {
      const parts = { perSecond: 5, durationMs: 24 * hourMs };
      const rate = rateOf(pattern, parts);
      const arrivals = new RateArrivals(rate, new Random(1), parts.durationMs);
      let count = 0;
      let last = 0;
      for (let next = arrivals.next(); next < Number.POSITIVE_INFINITY; next = arrivals.next()) {
        expect(next).toBeGreaterThanOrEqual(last);
        last = next;
        count++;
      }
      const expected = pattern === "spike" ? 5 * 86_400 * (1 + 7 / 12) : 5 * 86_400;
      expect(count / expected).toBeGreaterThan(0.98);
      expect(count / expected).toBeLessThan(1.02);
      for (let ms = 0; ms < parts.durationMs; ms += 60_000)
        expect(rate.at(ms)).toBeLessThanOrEqual(rate.most);
    },
  );

  test("a seed's numbers are even, and others for another name", () => {
    const random = new Random(seedOf(1, "a"));
    const numbers = Array.from({ length: 10_000 }, () => random.next());
    const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
    expect(mean).toBeGreaterThan(0.49);
    expect(mean).toBeLessThan(0.51);
    expect(seedOf(1, "a")).not.toBe(seedOf(1, "b"));
    expect(seedOf(1, "a")).not.toBe(seedOf(2, "a"));
  });
});

describe("a fleet of one size", () => {
  // Few enough replicas that tasks wait: Erlang's formula says how many, and how long.
  test.each([
    [3, 1],
    [6, 2],
    [30, 11],
  ])("of %d replicas waits as the theory of queues says", (replicas, perSecond) => {
    const slots = replicas * role.slots;
    const [{ waits, utilizationPercent } = {} as never] = simulate({
      ...plan,
      roles: [fixedAt(replicas)],
      durationMs: 200 * hourMs,
      arrivals: { pattern: "steady", perSecond },
    });
    const offered = perSecond * 10;
    expect(utilizationPercent).toBeCloseTo((100 * offered) / slots, 0);
    expect(1 - waits.percentWithin(0) / 100).toBeCloseTo(waitingPart(slots, offered), 1);
    for (const ms of [500, 2_000, 5_000])
      expect(1 - waits.percentWithin(ms) / 100).toBeCloseTo(latePart(slots, offered, 10_000, ms), 1);
  });
});

describe("a simulation", () => {
  test("is the same for one seed, and another for another", () => {
    const [once, again, other] = [7, 7, 8].map((seed) => simulate({ ...plan, seed }));
    expect(again).toEqual(once);
    expect(other?.[0]?.arrived).not.toBe(once?.[0]?.arrived);
  });

  test("of one role is the same whatever others there are", () => {
    const alone = simulateRole(role, plan);
    const [, among] = simulate({ ...plan, roles: [{ ...role, role: "testing" }, role] });
    expect(among).toEqual(alone);
  });

  test("loses no task: what came has ended, runs or waits", () => {
    for (const pattern of patterns) {
      const [result] = simulate({ ...plan, arrivals: { pattern, perSecond: 3 } });
      const last = result?.series.at(-1);
      expect(result?.arrived).toBe((result?.ended ?? 0) + (last?.running ?? 0) + (last?.backlog ?? 0));
      expect(result?.waits.total).toBe((result?.ended ?? 0) + (last?.running ?? 0));
    }
  });

  test("keeps the bounds of replicas, and those that are ready are no more than those asked for", () => {
    const [result] = simulate({ ...plan, arrivals: { pattern: "burst", perSecond: 5 } });
    expect(result?.replicasMost).toBe(50);
    for (const { replicas, ready } of result?.series ?? []) {
      expect(replicas).toBeGreaterThanOrEqual(2);
      expect(replicas).toBeLessThanOrEqual(50);
      expect(ready).toBeLessThanOrEqual(replicas);
    }
  });

  test("starts from none at the push, and goes back to none", () => {
    const none = { ...role, spec: { ...spec, minReplicas: 0 }, settings: { ...settings, min: 0 } };
    const trace = new Map([["coding", [601_000, 601_001]]]);
    const [result] = simulate({ ...plan, roles: [none], arrivals: { trace } });
    // A replica's start, and the 50 ms of a push.
    expect(result?.waits.mostMs).toBeCloseTo(20_050, 0);
    expect([result?.replicasMost, result?.series[0]?.replicas, result?.series.at(-1)?.replicas]).toEqual([
      1, 0, 0,
    ]);
    // Its work, and a cooldown of five minutes.
    expect(result?.replicaHours).toBeLessThan(0.12);
  });

  test("ends what replicas run that are taken away, and counts them until then", () => {
    const trace = new Map([["coding", Array.from({ length: 200 }, (_, task) => 1_000 + task)]]);
    const long = { meanMs: 1_200_000, shape: "fixed" as const };
    const [result] = simulate({ ...plan, durationMs: 2 * hourMs, arrivals: { trace }, service: long });
    expect(result?.ended).toBe(200);
    expect(result?.series.at(-1)?.replicas).toBe(2);
  });

  test("shorter starts and more replicas never make the waits of the same tasks longer", () => {
    const waits = (startMs: number, max: number) =>
      simulateRole(
        { ...role, spec: { ...spec, maxReplicas: max }, settings: { ...settings, max } },
        { ...plan, startMs, arrivals: { pattern: "spike", perSecond: 3 } },
      ).waits.meanMs;
    expect(waits(5_000, 50)).toBeLessThan(waits(60_000, 50));
    expect(waits(20_000, 50)).toBeLessThan(waits(20_000, 12));
  });
});

describe("a trace", () => {
  test("is read by its head's columns", () => {
    const text = "role,seconds,count\ncoding,1.5,2\ntesting,3,1\n\ncoding,0,1\n";
    expect(Object.fromEntries(readTrace(text, "trace.csv"))).toEqual({
      coding: [1_500, 1_500, 0],
      testing: [3_000],
    });
    expect(readTrace("seconds,role\n2,coding", "trace.csv").get("coding")).toEqual([2_000]);
  });

  test.each([
    ["time,role\n1,a", /trace\.csv:1: the head must have the columns seconds and role/],
    ["seconds,role\n1,a\nlater,a", /trace\.csv:3: "later,a"/],
    ["seconds,role,count\n1,a,-1", /trace\.csv:2/],
    ["seconds,role,count\n1,a,", /trace\.csv:2/],
    ["seconds,role\n1,", /trace\.csv:2/],
    ["seconds,role\n-1,a", /trace\.csv:2/],
  ])("%j is refused by its line", (text, says) => {
    expect(() => readTrace(text, "trace.csv")).toThrow(says);
  });
});
