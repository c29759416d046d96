import { describe, expect, test } from "vitest";
import { hpaRulesDefault } from "../../src/scaling/hpa.ts";
import {
  hpaSpecOf,
  kedaStateFirst,
  kedaStep,
  type ScaledObjectSpec,
  type Seen,
} from "../../src/scaling/keda.ts";
import { polled, scalerStateFirst, synced } from "../../src/scaling/scaler.ts";

const spec: ScaledObjectSpec = {
  minReplicas: 0,
  maxReplicas: 20,
  pollingMs: 30_000,
  cooldownMs: 300_000,
  initialCooldownMs: 0,
  fallback: undefined,
  behavior: hpaRulesDefault,
  isPushed: true,
};
const busy: Seen = { active: true, metric: 12, target: 4 };
const idle: Seen = { active: false, metric: 0, target: 4 };

/** Polls in turn, each some seconds after the last; the replicas after each. */
function run(
  of: ScaledObjectSpec,
  begin: number,
  polls: readonly (readonly [afterSeconds: number, seen: Seen])[],
): number[] {
  let state = kedaStateFirst(0);
  let replicas = begin;
  let nowMs = 0;
  return polls.map(([after, seen]) => {
    nowMs += after * 1_000;
    const step = kedaStep(of, state, nowMs, seen, replicas);
    state = step.state;
    replicas = step.replicas;
    return replicas;
  });
}

describe("between none and some", () => {
  test("work starts the first replica, or as many as there must be", () => {
    expect(run(spec, 0, [[30, busy]])).toEqual([1]);
    expect(run({ ...spec, minReplicas: 3 }, 0, [[30, busy]])).toEqual([3]);
  });

  test("more than one is the HPA's to start", () => {
    expect(run(spec, 2, [[30, busy]])).toEqual([2]);
  });

  test("the last are stopped when there was no work for the cooldown, however many there are", () => {
    expect(
      run(spec, 0, [
        [30, busy],
        [299, idle],
        [1, idle],
      ]),
    ).toEqual([1, 1, 0]);
    expect(
      run(spec, 7, [
        [30, busy],
        [300, idle],
      ]),
    ).toEqual([7, 0]);
  });

  test("work in between begins the cooldown anew", () => {
    expect(
      run(spec, 1, [
        [0, busy],
        [200, busy],
        [200, idle],
        [100, idle],
      ]),
    ).toEqual([1, 1, 1, 0]);
  });

  test("what has never had work has no cooldown, but an initial one where it is said", () => {
    expect(run(spec, 3, [[30, idle]])).toEqual([0]);
    expect(
      run({ ...spec, initialCooldownMs: 60_000 }, 3, [
        [30, idle],
        [30, idle],
      ]),
    ).toEqual([3, 0]);
  });

  test("a least above none is never left", () => {
    expect(
      run({ ...spec, minReplicas: 2 }, 2, [
        [400, idle],
        [400, idle],
      ]),
    ).toEqual([2, 2]);
  });
});

describe("an outage of the scaler", () => {
  test("changes nothing without a fallback", () => {
    const polls = Array.from({ length: 10 }, () => [100, "error"] as const);
    expect(run(spec, 4, polls)).toEqual(polls.map(() => 4));
  });

  const fallback = { failureThreshold: 2, replicas: 6, behavior: "static" } as const;

  /** The replicas that the HPA comes to after so many failures. */
  function afterFailures(of: ScaledObjectSpec, begin: number, failures: number): number {
    let state = polled(of, scalerStateFirst(of, 0, begin), 0, { active: true, metric: begin * 4, target: 4 });
    for (let failure = 1; failure <= failures; failure++)
      state = polled(of, state, failure * 30_000, "error");
    return synced(of, state, failures * 30_000 + 1, "error").replicas;
  }

  test("is the fallback's after more failures than its threshold", () => {
    const of = { ...spec, fallback };
    expect(afterFailures(of, 3, 2)).toBe(3);
    expect(afterFailures(of, 3, 3)).toBe(6);
  });

  test.each([
    ["currentReplicas", 3, 3],
    ["currentReplicasIfHigher", 3, 6],
    ["currentReplicasIfHigher", 10, 10],
    ["currentReplicasIfLower", 3, 3],
    ["currentReplicasIfLower", 2, 2],
  ] as const)("by the behavior %s, of %d: %d", (behavior, replicas, wanted) => {
    expect(afterFailures({ ...spec, fallback: { ...fallback, behavior } }, replicas, 3)).toBe(wanted);
  });

  test("is over with one answer", () => {
    const of = { ...spec, fallback };
    expect(
      run(of, 3, [
        [30, "error"],
        [30, "error"],
        [30, busy],
        [30, "error"],
      ]),
    ).toEqual([3, 3, 3, 3]);
  });
});

test("the HPA that KEDA makes never goes to none", () => {
  expect(hpaSpecOf(spec, 4)).toEqual({
    minReplicas: 1,
    maxReplicas: 20,
    target: 4,
    behavior: hpaRulesDefault,
  });
});

test("both together: from none by the push, on by the HPA, back to none by the cooldown", () => {
  let state = scalerStateFirst(spec, 0);
  const burst: Seen = { active: true, metric: 40, target: 4 };
  state = polled(spec, state, 50, burst);
  expect(state.replicas).toBe(1);
  const replicas = [15_000, 30_000, 45_000].map((nowMs) => {
    state = synced(spec, state, nowMs, burst);
    return state.replicas;
  });
  expect(replicas).toEqual([5, 10, 10]);
  for (let nowMs = 60_000; nowMs <= 900_000; nowMs += 15_000) {
    state = polled(spec, state, nowMs, idle);
    state = synced(spec, state, nowMs, idle);
  }
  expect(state.replicas).toBe(0);
});
