import { expect, test } from "vitest";
import { type FaultKind, type PlanOptions, planOf } from "./plan.ts";

const options: PlanOptions = { seed: 7, ms: 600_000, everyMs: 2_000, outageMsMax: 10_000, clocks: true };

test("the same seed gives the same plan, another seed another", () => {
  expect(planOf(options)).toEqual(planOf(options));
  expect(planOf({ ...options, seed: 8 })).not.toEqual(planOf(options));
});

test("has every kind of fault within its first twelve, some seconds apart", () => {
  const plan = planOf({ ...options, ms: 12 * 3_000 });
  const kinds = new Set<FaultKind>(plan.map(({ fault }) => fault.kind));
  expect(kinds).toEqual(
    new Set(["kill", "drain", "freeze", "cut", "blackhole", "redis", "freezeRedis", "clock"]),
  );
  const killed = plan.map(({ fault }) => fault.kind === "kill" && fault.member);
  for (const member of ["server", "worker", "submitter"]) expect(killed).toContain(member);
  for (const [nth, { atMs }] of plan.entries())
    if (nth > 0) expect(atMs - (plan[nth - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000);
});

test("moves no clock where none can be moved", () => {
  const kinds = planOf({ ...options, clocks: false }).map(({ fault }) => fault.kind);
  expect(kinds.length).toBeGreaterThan(200);
  expect(kinds).not.toContain("clock");
});

test("holds outages to their bound, and has long ones", () => {
  const downs = planOf({ ...options, outageMsMax: 120_000 }).flatMap(({ fault }) =>
    fault.kind === "redis" ? [fault.downMs] : [],
  );
  expect(Math.max(...downs)).toBeLessThanOrEqual(120_000);
  expect(Math.max(...downs)).toBeGreaterThan(2_000);
});
