/**
 * The arithmetic of Kubernetes's HorizontalPodAutoscaler for one external metric of the kind AverageValue, which is what KEDA sets up.
 * Pure: a state and what is seen now give the replicas and the next state. Follows horizontal.go and replica_calculator.go of
 * Kubernetes 1.34.
 */

/** A limit on how fast replicas are added or removed. */
export interface HpaPolicy {
  /** Pods: `value` of them; Percent: of those at the period's begin. */
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodSeconds: number;
}

export interface HpaRules {
  /** Of the recommendations of this long the most cautious counts. */
  readonly stabilizationWindowSeconds: number;
  /** Which of the policies counts: that of the largest change, of the smallest, or none changes anything. */
  readonly selectPolicy: "Max" | "Min" | "Disabled";
  readonly policies: readonly HpaPolicy[];
  /** How far the metric may be from the target, as a part of it. */
  readonly tolerance: number;
}

export interface HpaBehavior {
  readonly scaleUp: HpaRules;
  readonly scaleDown: HpaRules;
}

export interface HpaSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Of the metric, for each replica. */
  readonly target: number;
  /** Undefined: the older rules, which cannot be set. */
  readonly behavior: HpaBehavior | undefined;
}

interface Recommendation {
  readonly atMs: number;
  readonly replicas: number;
}

interface Change {
  readonly atMs: number;
  /** Replicas that were added, or removed. */
  readonly count: number;
}

export interface HpaState {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
}

export const hpaStateFirst: HpaState = Object.freeze({ recommendations: [], ups: [], downs: [] });

/** The controller looks this often. */
export const hpaSyncMs = 15_000;
export const hpaTolerance = 0.1;
/** Of the older rules, which count what is just as old as their window too; those of a behavior do not. */
const stabilizationSecondsOfOld = 300.001;

/** What `behavior` leaves out. */
export const hpaRulesDefault: HpaBehavior = Object.freeze({
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
    tolerance: hpaTolerance,
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
    tolerance: hpaTolerance,
  },
} as const);

export interface HpaInput {
  readonly nowMs: number;
  /** The metric; undefined: it cannot be had, and nothing changes but by the bounds. */
  readonly metric: number | undefined;
  /** Replicas that are asked for now. */
  readonly replicas: number;
}

export interface HpaStep {
  readonly replicas: number;
  readonly state: HpaState;
  /** What the metric alone would have. */
  readonly wanted: number;
  /** What kept `replicas` from it. */
  readonly heldBy: "" | "tolerance" | "stabilization" | "rate" | "bounds" | "no metric" | "zero";
}

/** One look of the controller. */
export function hpaStep(spec: HpaSpec, state: HpaState, { nowMs, metric, replicas }: HpaInput): HpaStep {
  const { minReplicas, maxReplicas } = spec;
  if (replicas === 0) return { replicas, state, wanted: 0, heldBy: "zero" };
  const begun =
    state.recommendations.length > 0 ? state : { ...state, recommendations: [{ atMs: nowMs, replicas }] };
  if (replicas > maxReplicas || replicas < minReplicas) {
    const bound = Math.min(maxReplicas, Math.max(minReplicas, replicas));
    return changed(spec, begun, { nowMs, from: replicas, to: bound, wanted: bound, heldBy: "bounds" });
  }
  if (metric === undefined) return { replicas, state: begun, wanted: replicas, heldBy: "no metric" };
  const wanted = wantedReplicas(spec, metric, replicas);
  const isTolerated = wanted === replicas && Math.ceil(metric / spec.target) !== replicas;
  const stable = stabilized(spec, begun, nowMs, wanted, replicas);
  const kept = remembered(spec, begun, nowMs, wanted);
  const limited = rateLimited(spec, kept, nowMs, stable, replicas);
  const to = Math.min(maxReplicas, Math.max(minReplicas, limited));
  const heldBy =
    to !== limited
      ? "bounds"
      : limited !== stable
        ? "rate"
        : stable !== wanted
          ? "stabilization"
          : isTolerated
            ? "tolerance"
            : "";
  return changed(spec, kept, { nowMs, from: replicas, to, wanted, heldBy });
}

/** As many as carry the metric; those that there are, where they nearly do. */
function wantedReplicas({ target, behavior }: HpaSpec, metric: number, replicas: number): number {
  const ratio = metric / (target * replicas);
  const up = behavior?.scaleUp.tolerance ?? hpaTolerance;
  const down = behavior?.scaleDown.tolerance ?? hpaTolerance;
  if (ratio <= 1 + up && ratio >= 1 - down) return replicas;
  return Math.ceil(metric / target);
}

/** The most cautious of the recommendations of a while. */
function stabilized(
  { behavior }: HpaSpec,
  state: HpaState,
  nowMs: number,
  wanted: number,
  replicas: number,
): number {
  const since = (seconds: number) => recent(state.recommendations, seconds, nowMs).map((one) => one.replicas);
  if (behavior === undefined) return Math.max(wanted, ...since(stabilizationSecondsOfOld));
  const least = Math.min(wanted, ...since(behavior.scaleUp.stabilizationWindowSeconds));
  const most = Math.max(wanted, ...since(behavior.scaleDown.stabilizationWindowSeconds));
  return Math.min(Math.max(replicas, least), most);
}

function rateLimited(
  { behavior, minReplicas, maxReplicas }: HpaSpec,
  state: HpaState,
  nowMs: number,
  stable: number,
  replicas: number,
): number {
  if (behavior === undefined) {
    const atMost = Math.min(maxReplicas, Math.max(2 * replicas, 4));
    return Math.min(stable, atMost);
  }
  if (stable > replicas) {
    const limit = Math.max(replicas, limitOf(behavior.scaleUp, state, nowMs, replicas, "up"));
    return Math.min(stable, Math.min(maxReplicas, limit));
  }
  if (stable < replicas) {
    const limit = Math.min(replicas, limitOf(behavior.scaleDown, state, nowMs, replicas, "down"));
    return Math.max(stable, Math.max(minReplicas, limit));
  }
  return stable;
}

/** How many replicas the policies allow. */
function limitOf(
  { policies, selectPolicy }: HpaRules,
  state: HpaState,
  nowMs: number,
  replicas: number,
  way: "up" | "down",
): number {
  if (selectPolicy === "Disabled") return replicas;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const within = (changes: readonly Change[]) =>
      recent(changes, periodSeconds, nowMs).reduce((sum, { count }) => sum + count, 0);
    const begin = replicas - within(state.ups) + within(state.downs);
    if (way === "up") return type === "Pods" ? begin + value : Math.ceil(begin * (1 + value / 100));
    return type === "Pods" ? begin - value : Math.trunc(begin * (1 - value / 100));
  });
  const isLargest = (way === "up") === (selectPolicy === "Max");
  return isLargest ? Math.max(...limits) : Math.min(...limits);
}

/** The recommendation is kept for as long as a window looks back. */
function remembered({ behavior }: HpaSpec, state: HpaState, nowMs: number, wanted: number): HpaState {
  const seconds = behavior
    ? Math.max(behavior.scaleUp.stabilizationWindowSeconds, behavior.scaleDown.stabilizationWindowSeconds)
    : stabilizationSecondsOfOld;
  const kept = recent(state.recommendations, seconds, nowMs);
  return { ...state, recommendations: [...kept, { atMs: nowMs, replicas: wanted }] };
}

/** Those that are younger than `seconds`. */
function recent<Item extends { readonly atMs: number }>(
  items: readonly Item[],
  seconds: number,
  nowMs: number,
): Item[] {
  return items.filter(({ atMs }) => atMs > nowMs - seconds * 1_000);
}

interface Outcome {
  readonly nowMs: number;
  readonly from: number;
  readonly to: number;
  readonly wanted: number;
  readonly heldBy: HpaStep["heldBy"];
}

function changed(spec: HpaSpec, state: HpaState, { nowMs, from, to, wanted, heldBy }: Outcome): HpaStep {
  if (from === to) return { replicas: to, state, wanted, heldBy };
  const change = { atMs: nowMs, count: Math.abs(to - from) };
  const rules = spec.behavior ? [...spec.behavior.scaleUp.policies, ...spec.behavior.scaleDown.policies] : [];
  const seconds = Math.max(0, ...rules.map(({ periodSeconds }) => periodSeconds));
  const ups = recent(state.ups, seconds, nowMs);
  const downs = recent(state.downs, seconds, nowMs);
  return {
    replicas: to,
    state: {
      ...state,
      ups: to > from ? [...ups, change] : ups,
      downs: to < from ? [...downs, change] : downs,
    },
    wanted,
    heldBy,
  };
}
