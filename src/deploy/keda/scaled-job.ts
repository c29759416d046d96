/** The alternative for inference that takes hours: a Job for each task, in place of replicas that may be scaled away. Pure. */
import { fleetLabels, scalerAddress } from "./scaled-objects.ts";

const name = "inference";

export function inferenceJob(): object {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledJob",
    metadata: { name, labels: { ...fleetLabels, "app.kubernetes.io/name": name } },
    spec: {
      pollingInterval: 15,
      minReplicaCount: 0,
      maxReplicaCount: 16,
      successfulJobsHistoryLimit: 5,
      failedJobsHistoryLimit: 5,
      // The default ends jobs that run when this file changes.
      rollout: { strategy: "gradual", propagationPolicy: "background" },
      // It takes the jobs that run off the metric, which counts what they run.
      scalingStrategy: { strategy: "default" },
      jobTargetRef: {
        backoffLimit: 0,
        template: {
          metadata: { labels: { ...fleetLabels, "app.kubernetes.io/name": name } },
          spec: {
            restartPolicy: "Never",
            tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
            containers: [
              {
                name,
                image: "agentmesh:0.1.0",
                // It takes one task at a time, and ends when there is none left.
                args: ["serve", "--role", name, "--concurrency", "1", "--worker-idle-seconds-max", "30"],
                // The mesh's store, as every pod of it has it.
                envFrom: [{ configMapRef: { name: "agentmesh" } }],
                resources: { limits: { "nvidia.com/gpu": 1, memory: "16Gi" }, requests: { cpu: "2" } },
              },
            ],
          },
        },
      },
      triggers: [{ type: "external", metadata: { scalerAddress, role: name, tasksPerReplica: "1" } }],
    },
  };
}
