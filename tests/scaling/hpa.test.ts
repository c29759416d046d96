/** The HPA's arithmetic, against numbers that were worked out by hand from its published rules. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type HpaBehavior,
  type HpaPolicy,
  type HpaRules,
  type HpaSpec,
  type HpaState,
  hpaRulesDefault,
  hpaStateFirst,
  hpaStep,
} from "../../src/scaling/hpa.ts";

const spec: HpaSpec = { minReplicas: 1, maxReplicas: 100, target: 5, behavior: hpaRulesDefault };

function rules(parts: Partial<HpaRules>): HpaRules {
  return { ...hpaRulesDefault.scaleUp, stabilizationWindowSeconds: 0, ...parts };
}

/** With windows of no length, so that a number tells of its rule alone. */
function behavior(up: Partial<HpaRules>, down: Partial<HpaRules> = {}): HpaBehavior {
  return { scaleUp: rules(up), scaleDown: rules({ policies: [percent(100)], ...down }) };
}

const pods = (value: number, periodSeconds = 15): HpaPolicy => ({ type: "Pods", value, periodSeconds });
const percent = (value: number, periodSeconds = 15): HpaPolicy => ({ type: "Percent", value, periodSeconds });

/** Looks in turn, 15 s apart unless they say otherwise; the replicas after each. */
function run(
  of: HpaSpec,
  begin: number,
  looks: readonly (number | { readonly metric: number; readonly after: number })[],
): number[] {
  let state: HpaState = hpaStateFirst;
  let replicas = begin;
  let nowMs = 1_000_000;
  return looks.map((look) => {
    const { metric, after } = typeof look === "number" ? { metric: look, after: 15 } : look;
    nowMs += after * 1_000;
    const step = hpaStep(of, state, { nowMs, metric, replicas });
    state = step.state;
    replicas = step.replicas;
    return replicas;
  });
}

const free = behavior({ policies: [pods(1_000)] });

describe("one look, where nothing limits", () => {
  // target, replicas, metric → replicas. A ratio of 0.9 to 1.1 is near enough.
  test.each([
    [5, 10, 54, 10],
    [5, 10, 55, 10],
    [5, 10, 56, 12],
    [5, 10, 50, 10],
    [5, 10, 46, 10],
    [5, 10, 45, 10],
    [5, 10, 44, 9],
    [5, 10, 40, 8],
    [5, 10, 41, 9],
    [5, 10, 1, 1],
    [5, 10, 0, 1],
    [5, 1, 5, 1],
    [5, 1, 5.5, 1],
    [5, 1, 5.6, 2],
    [5, 1, 6, 2],
    [5, 1, 10, 2],
    [5, 1, 11, 3],
    [5, 1, 250, 50],
    [5, 1, 501, 100],
    [5, 1, 100_000, 100],
    [5, 2, 9, 2],
    [5, 2, 8.9, 2],
    [5, 2, 5, 1],
    [5, 2, 11, 2],
    [5, 2, 11.1, 3],
    [1, 3, 3.3, 3],
    [1, 3, 3.31, 4],
    [1, 3, 2.7, 3],
    [1, 3, 2.69, 3],
    [1, 3, 2, 2],
    [4, 8, 36, 9],
    [4, 8, 35, 8],
    [4, 8, 28, 7],
    [4, 8, 29, 8],
    [0.5, 4, 2, 4],
    [0.5, 4, 2.3, 5],
    [64, 2, 140, 2],
    [64, 2, 141, 3],
    [2, 100, 230, 100],
    [2, 100, 170, 85],
  ])("target %d, %d replicas, metric %d: %d", (target, replicas, metric, wanted) => {
    expect(run({ ...spec, target, behavior: free }, replicas, [metric])).toEqual([wanted]);
  });

  test.each([
    [0, 50, 0],
    [101, 500, 100],
    [3, 500, 5],
  ])("%d replicas outside of 5 to 100, or none: %d becomes %d", (replicas, metric, wanted) => {
    expect(run({ ...spec, minReplicas: 5, behavior: free }, replicas, [metric])).toEqual([wanted]);
  });

  test("without a metric nothing changes", () => {
    const step = hpaStep(spec, hpaStateFirst, { nowMs: 0, metric: undefined, replicas: 7 });
    expect(step).toMatchObject({ replicas: 7, heldBy: "no metric" });
  });
});

describe("how fast it grows", () => {
  // behavior's scaleUp, replicas, metric by looks → replicas by looks.
  test.each<[string, Partial<HpaRules>, number, number[], number[]]>([
    ["by default four or twice as many, from one", {}, 1, [250, 250, 250, 250, 250], [5, 10, 20, 40, 50]],
    ["by default four, where that is more", {}, 2, [250, 250], [6, 12]],
    ["by pods", { policies: [pods(3)] }, 1, [250, 250, 250], [4, 7, 10]],
    ["by percent, rounded up", { policies: [percent(50)] }, 1, [250, 250, 250, 250], [2, 3, 5, 8]],
    // 50 × 1.1 is a little over 55 in floating numbers, in the controller too.
    ["by percent of many", { policies: [percent(10)] }, 50, [500, 500], [56, 62]],
    ["by the largest of two", { policies: [pods(10), percent(100)], selectPolicy: "Max" }, 4, [250], [14]],
    ["by the smallest of two", { policies: [pods(10), percent(100)], selectPolicy: "Min" }, 4, [250], [8]],
    ["not at all", { selectPolicy: "Disabled" }, 4, [250, 250], [4, 4]],
    [
      "within a longer period once",
      { policies: [pods(4, 60)] },
      1,
      [250, 250, 250, 250, 250],
      [5, 5, 5, 5, 9],
    ],
    [
      "to the end of what a period allows",
      { policies: [percent(100, 60)] },
      10,
      [75, 250, 250, 250, 250],
      [15, 20, 20, 20, 30],
    ],
    ["at once, by the percent of an operator", { policies: [percent(900)] }, 10, [500], [100]],
  ])("%s", (_, up, replicas, metrics, wanted) => {
    expect(
      run(
        { ...spec, behavior: behavior({ policies: hpaRulesDefault.scaleUp.policies, ...up }) },
        replicas,
        metrics,
      ),
    ).toEqual(wanted);
  });

  test("waits for the least of its window", () => {
    const slow = { ...spec, behavior: behavior({ policies: [pods(100)], stabilizationWindowSeconds: 30 }) };
    // The first recommendation is what there is.
    expect(run(slow, 2, [100, 100, 100])).toEqual([2, 2, 20]);
    expect(run(slow, 2, [100, 10, 100, 100, 100])).toEqual([2, 2, 2, 20, 20]);
  });

  test("never beyond the most", () => {
    expect(run({ ...spec, maxReplicas: 7 }, 5, [1_000])).toEqual([7]);
  });
});

describe("how fast it shrinks", () => {
  test.each<[string, Partial<HpaRules>, number, number[], number[]]>([
    ["at once, where all may go", { policies: [percent(100)] }, 40, [5], [1]],
    ["by pods", { policies: [pods(3)] }, 10, [5, 5, 5, 5], [7, 4, 1, 1]],
    ["by percent, rounded towards none", { policies: [percent(10)] }, 19, [5, 5, 5], [17, 15, 13]],
    ["by the largest of two", { policies: [pods(4), percent(10)], selectPolicy: "Max" }, 20, [5], [16]],
    ["by the smallest of two", { policies: [pods(4), percent(10)], selectPolicy: "Min" }, 20, [5], [18]],
    ["not at all", { selectPolicy: "Disabled" }, 20, [5, 0], [20, 20]],
    ["within a longer period once", { policies: [pods(5, 60)] }, 30, [5, 5, 5, 5, 5], [25, 25, 25, 25, 20]],
    ["half each half minute", { policies: [percent(50, 30)] }, 40, [5, 5, 5, 5], [20, 20, 10, 10]],
  ])("%s", (_, down, replicas, metrics, wanted) => {
    expect(run({ ...spec, behavior: behavior({}, down) }, replicas, metrics)).toEqual(wanted);
  });

  test("waits for the most of its window: five minutes, unless they say otherwise", () => {
    const looks = Array.from({ length: 21 }, () => 5);
    const after = run(spec, 10, looks);
    // The first recommendation, what there was, counts for five minutes.
    expect(after.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 10));
    expect(after[20]).toBe(1);
  });

  test("never below the least", () => {
    const of = { ...spec, minReplicas: 6, behavior: behavior({}) };
    expect(run(of, 10, [0])).toEqual([6]);
  });
});

describe("without a behavior", () => {
  const old = { ...spec, behavior: undefined };
  test.each([
    [1, [250, 250, 250, 250, 250], [4, 8, 16, 32, 50]],
    [3, [250], [6]],
    [2, [250], [4]],
    [10, [5, 5, 250], [10, 10, 20]],
  ])("from %d: twice as many, four at least; none less for five minutes", (replicas, metrics, wanted) => {
    expect(run(old, replicas, metrics)).toEqual(wanted);
  });

  test("shrinks to the most of five minutes", () => {
    // A look without behavior has no memory of what there was.
    expect(run(old, 10, [50, ...Array.from({ length: 19 }, () => 5), 5, 5])).toHaveLength(22);
    const after = run(old, 10, [50, ...Array.from({ length: 21 }, () => 20)]);
    expect(after.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 10));
    expect(after.at(-1)).toBe(4);
  });
});

test("says what held it", () => {
  const held = (of: HpaSpec, replicas: number, metric: number) =>
    hpaStep(of, hpaStateFirst, { nowMs: 0, metric, replicas }).heldBy;
  expect(held(spec, 10, 54)).toBe("tolerance");
  expect(held(spec, 10, 5)).toBe("stabilization");
  expect(held(spec, 1, 250)).toBe("rate");
  expect(held({ ...spec, minReplicas: 3 }, 1, 250)).toBe("bounds");
  expect(held(spec, 0, 250)).toBe("zero");
  expect(held(spec, 10, 60)).toBe("");
});

test("whatever is seen, the bounds are kept, and no more is changed than the policies allow", () => {
  const anyRules = fc.record({
    stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
    selectPolicy: fc.constantFrom("Max" as const, "Min" as const, "Disabled" as const),
    policies: fc.array(
      fc.record({
        type: fc.constantFrom("Pods" as const, "Percent" as const),
        value: fc.integer({ min: 1, max: 200 }),
        periodSeconds: fc.integer({ min: 1, max: 1_800 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    tolerance: fc.constant(0.1),
  });
  const anyLooks = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      anyRules,
      anyRules,
      anyLooks,
      fc.integer({ min: 3, max: 60 }),
      (scaleUp, scaleDown, looks, begin) => {
        const of = { minReplicas: 3, maxReplicas: 60, target: 5, behavior: { scaleUp, scaleDown } };
        const after = run(of, begin, looks);
        let before = begin;
        for (const [place, replicas] of after.entries()) {
          expect(replicas).toBeGreaterThanOrEqual(3);
          expect(replicas).toBeLessThanOrEqual(60);
          if (replicas > before) expect(scaleUp.selectPolicy).not.toBe("Disabled");
          if (replicas < before) expect(scaleDown.selectPolicy).not.toBe("Disabled");
          // It never goes away from what the metric wants.
          const wanted = Math.min(60, Math.max(3, Math.ceil((looks[place] as number) / 5)));
          if (replicas > before && scaleDown.stabilizationWindowSeconds === 0)
            expect(wanted).toBeGreaterThan(before);
          before = replicas;
        }
      },
    ),
  );
});
