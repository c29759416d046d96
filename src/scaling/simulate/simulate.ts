/** A fleet through virtual time: roles by their policies, over arrivals of a pattern or a trace. Roles share nothing, so each runs alone. */
import type { ScaleSettings } from "../decide.ts";
import type { ScaledObjectSpec } from "../keda.ts";
import { type Arrivals, type Pattern, RateArrivals, rateOf, TraceArrivals } from "./arrivals.ts";
import { Random, seedOf } from "./random.ts";
import { type RoleResult, runRole } from "./role-run.ts";

export const serviceShapes = ["exponential", "fixed", "lognormal"] as const;
export type ServiceShape = (typeof serviceShapes)[number];

export interface SimulatedRole {
  readonly role: string;
  readonly spec: ScaledObjectSpec;
  readonly settings: ScaleSettings;
  /** Tasks that one replica runs at once. */
  readonly slots: number;
}

/** What all roles of a simulation share. */
export interface SimulationPlan {
  /** Of each role; a trace has its own times. */
  readonly arrivals:
    | { readonly pattern: Pattern; readonly perSecond: number }
    | { readonly trace: ReadonlyMap<string, readonly number[]> };
  readonly durationMs: number;
  readonly service: { readonly meanMs: number; readonly shape: ServiceShape };
  /** From a replica's start until it takes tasks. */
  readonly startMs: number;
  /** The same seed, the same simulation: policies that are compared get the same tasks. */
  readonly seed: number;
  /** Points of each role's series; default 400. */
  readonly points?: number;
}

export interface SimulationOptions extends SimulationPlan {
  readonly roles: readonly SimulatedRole[];
}

const pointsDefault = 400;

export function simulate(options: SimulationOptions): RoleResult[] {
  return options.roles.map((role) => simulateRole(role, options));
}

/** One role of a simulation; its chances are its own, whatever other roles there are. */
export function simulateRole(role: SimulatedRole, plan: SimulationPlan): RoleResult {
  const { durationMs, startMs, seed, service, points = pointsDefault } = plan;
  return runRole({
    ...role,
    arrivals: arrivalsOf(role.role, plan),
    serviceMs: serviceOf(service, new Random(seedOf(seed, `service of ${role.role}`))),
    startMs,
    durationMs,
    sampleMs: durationMs / points,
  });
}

function arrivalsOf(role: string, { arrivals, durationMs, seed }: SimulationPlan): Arrivals {
  if ("trace" in arrivals) return new TraceArrivals(arrivals.trace.get(role) ?? []);
  const rate = rateOf(arrivals.pattern, { perSecond: arrivals.perSecond, durationMs });
  return new RateArrivals(rate, new Random(seedOf(seed, `arrivals of ${role}`)), durationMs);
}

/** Of a lognormal service, the deviation of its logarithm: some tasks take ten times as long as most. */
const spread = 1;

function serviceOf({ meanMs, shape }: SimulationPlan["service"], random: Random): () => number {
  if (shape === "fixed") return () => meanMs;
  if (shape === "exponential") return () => random.exponential(meanMs);
  const scale = meanMs / Math.exp(spread ** 2 / 2);
  return () => scale * Math.exp(spread * random.normal());
}
