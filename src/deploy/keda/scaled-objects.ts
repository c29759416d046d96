/** keda/: a ScaledObject for each role, by which KEDA scales its Deployment. Pure. */
import type { ScaledObject } from "../../scaling/scaled-object.ts";
import type { FleetRole } from "../fleet.ts";

/** Where KEDA asks: any role's server would do; orchestrators are always there. */
export const scalerAddress = "orchestrator.agentmesh.svc.cluster.local:9090";

export const fleetLabels = Object.freeze({ "app.kubernetes.io/part-of": "agentmesh" });

export function scaledObjectOf({ name, scale, gpus }: FleetRole): ScaledObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name, labels: { ...fleetLabels, "app.kubernetes.io/name": name } },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      pollingInterval: 15,
      cooldownPeriod: gpus > 0 ? 600 : 300,
      minReplicaCount: scale.min,
      maxReplicaCount: scale.max,
      // An outage of the scaler must not take workers away; what is needed at least is there in any case.
      fallback: { failureThreshold: 4, replicas: fallbackOf(scale), behavior: "currentReplicasIfHigher" },
      advanced: { horizontalPodAutoscalerConfig: { behavior: gpus > 0 ? gpuBehavior : behavior } },
      triggers: [{ type: "external-push", metadata: { scalerAddress, role: name, ...triggerOf(scale) } }],
    },
  };
}

/** A quarter of what there may be: enough to go on with, until the scaler is back. */
function fallbackOf({ min, max }: FleetRole["scale"]): number {
  return Math.max(min, Math.ceil(max / 4));
}

function triggerOf({ tasksPerReplica, targetWait }: FleetRole["scale"]): Record<string, string> {
  return {
    tasksPerReplica: String(tasksPerReplica),
    ...(targetWait && {
      targetWaitSeconds: String(targetWait.seconds),
      targetWaitPercent: String(targetWait.percent),
    }),
  };
}

/** Fast up: a burst is met within two looks. Slow down: what is taken away is a tenth a minute, and not before two minutes of less. */
const behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max" as const,
    policies: [
      { type: "Percent" as const, value: 100, periodSeconds: 15 },
      { type: "Pods" as const, value: 10, periodSeconds: 15 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 120,
    selectPolicy: "Max" as const,
    policies: [
      { type: "Percent" as const, value: 10, periodSeconds: 60 },
      { type: "Pods" as const, value: 1, periodSeconds: 60 },
    ],
  },
};

/** A GPU's node takes minutes to come, and a model to load: few at a time, and none taken away for a lull. */
const gpuBehavior = {
  scaleUp: {
    stabilizationWindowSeconds: 30,
    selectPolicy: "Max" as const,
    policies: [{ type: "Pods" as const, value: 2, periodSeconds: 60 }],
  },
  scaleDown: {
    stabilizationWindowSeconds: 600,
    selectPolicy: "Max" as const,
    policies: [{ type: "Pods" as const, value: 1, periodSeconds: 120 }],
  },
};
