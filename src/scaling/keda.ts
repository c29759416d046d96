/**
 * What KEDA does around the HPA: it alone starts the first replica and stops the last one, and it says what holds while the metric cannot
 * be had. Pure. Follows KEDA 2.20.
 */
import type { HpaSpec } from "./hpa.ts";

export interface Fallback {
  /** More failures in a row than this. */
  readonly failureThreshold: number;
  readonly replicas: number;
  /** `static`: those replicas; the others compare them with the present ones. */
  readonly behavior: "static" | "currentReplicas" | "currentReplicasIfHigher" | "currentReplicasIfLower";
}

/** A ScaledObject, with every default filled in. */
export interface ScaledObjectSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly pollingMs: number;
  /** Without work for this long the last replicas are stopped, where `minReplicas` is 0. */
  readonly cooldownMs: number;
  /** What has not had work since it was made is not stopped for this long. */
  readonly initialCooldownMs: number;
  readonly fallback: Fallback | undefined;
  readonly behavior: HpaSpec["behavior"];
  /** The scaler tells of work (external-push); else it is polled for alone. */
  readonly isPushed: boolean;
}

/** What the scaler said. */
export type Seen =
  | { readonly active: boolean; readonly metric: number; readonly target: number }
  /** It could not be asked, or answered with an error. */
  | "error";

export interface KedaState {
  readonly createdMs: number;
  /** When there was work last; undefined: never. */
  readonly activeMs: number | undefined;
  readonly failures: number;
  /** What the HPA goes by; undefined: nothing has been heard yet. */
  readonly metric: number | undefined;
  /** The scaler's last word on it, which outlives its absence. */
  readonly target: number;
}

export function kedaStateFirst(createdMs: number): KedaState {
  return { createdMs, activeMs: undefined, failures: 0, metric: undefined, target: 1 };
}

export interface KedaStep {
  readonly replicas: number;
  readonly state: KedaState;
  readonly did: "" | "started the first" | "stopped the last" | "fallback";
}

/** One poll, or a push that says "active". */
export function kedaStep(
  spec: ScaledObjectSpec,
  state: KedaState,
  nowMs: number,
  seen: Seen,
  replicas: number,
): KedaStep {
  if (seen === "error") return failed(spec, state, replicas);
  const { active, metric, target } = seen;
  const next = { ...state, failures: 0, metric, target, activeMs: active ? nowMs : state.activeMs };
  const kept: KedaStep = { replicas, state: next, did: "" };
  if (active) {
    if (replicas > 0) return kept;
    return { ...kept, replicas: Math.max(1, spec.minReplicas), did: "started the first" };
  }
  if (spec.minReplicas > 0 || replicas === 0) return kept;
  const { createdMs, activeMs } = state;
  // What has never had work has its own time, which is none unless it is said.
  const coolMs = activeMs === undefined ? createdMs + spec.initialCooldownMs : activeMs + spec.cooldownMs;
  const isCool = nowMs >= coolMs;
  return isCool ? { ...kept, replicas: 0, did: "stopped the last" } : kept;
}

/** The metric is gone, so that the HPA leaves all as it is; after some failures it is the fallback's. */
function failed({ fallback }: ScaledObjectSpec, state: KedaState, replicas: number): KedaStep {
  const failures = state.failures + 1;
  const lost = { ...state, failures, metric: undefined };
  if (fallback === undefined || failures <= fallback.failureThreshold)
    return { replicas, state: lost, did: "" };
  const wanted = fallbackReplicas(fallback, replicas);
  return {
    // The HPA does nothing at 0.
    replicas: replicas === 0 ? wanted : replicas,
    state: { ...lost, metric: wanted * state.target },
    did: "fallback",
  };
}

function fallbackReplicas({ replicas: said, behavior }: Fallback, replicas: number): number {
  if (behavior === "currentReplicas") return replicas;
  if (behavior === "currentReplicasIfHigher") return Math.max(said, replicas);
  if (behavior === "currentReplicasIfLower") return Math.min(said, replicas);
  return said;
}

/** The HPA that KEDA makes: it never goes to 0. */
export function hpaSpecOf({ minReplicas, maxReplicas, behavior }: ScaledObjectSpec, target: number): HpaSpec {
  return { minReplicas: Math.max(1, minReplicas), maxReplicas, target, behavior };
}
