/** One role's scale, over time: KEDA's polls and the HPA's looks together. Pure; the laptop and the simulator drive it with their own clock. */
import { type HpaState, type HpaStep, hpaStateFirst, hpaStep } from "./hpa.ts";
import {
  hpaSpecOf,
  type KedaState,
  type KedaStep,
  kedaStateFirst,
  kedaStep,
  type ScaledObjectSpec,
  type Seen,
} from "./keda.ts";

export interface ScalerState {
  readonly replicas: number;
  readonly keda: KedaState;
  readonly hpa: HpaState;
}

export function scalerStateFirst(
  spec: ScaledObjectSpec,
  nowMs: number,
  replicas = spec.minReplicas,
): ScalerState {
  return { replicas, keda: kedaStateFirst(nowMs), hpa: hpaStateFirst };
}

/** KEDA has polled, or was pushed to. */
export function polled(
  spec: ScaledObjectSpec,
  state: ScalerState,
  nowMs: number,
  seen: Seen,
): ScalerState & Pick<KedaStep, "did"> {
  const { replicas, state: keda, did } = kedaStep(spec, state.keda, nowMs, seen, state.replicas);
  return { ...state, replicas, keda, did };
}

/** The HPA looks. It asks the scaler itself, so `seen` is of now. */
export function synced(
  spec: ScaledObjectSpec,
  state: ScalerState,
  nowMs: number,
  seen: Seen,
): ScalerState & Omit<HpaStep, "state" | "replicas"> {
  // In an outage the HPA gets what KEDA has made of its failures.
  const metric = seen === "error" ? state.keda.metric : seen.metric;
  const target = seen === "error" ? state.keda.target : seen.target;
  const step = hpaStep(hpaSpecOf(spec, target), state.hpa, { nowMs, metric, replicas: state.replicas });
  const { replicas, state: hpa, wanted, heldBy } = step;
  return { ...state, replicas, hpa, wanted, heldBy };
}
