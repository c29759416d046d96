/**
 * A ScaledObject as a file has it: read for the laptop and the simulator, which scale by the very files that a cluster is given, and
 * checked, since KEDA's own schema lets much through that it then overlooks. Pure.
 */
import { z } from "zod";
import type { FieldViolation } from "../core/errors.ts";
import { readYaml } from "../core/yaml.ts";
import { type HpaBehavior, type HpaRules, hpaRulesDefault, hpaTolerance } from "./hpa.ts";
import type { ScaledObjectSpec } from "./keda.ts";
import { replicasMost } from "./scale-fault.ts";

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a name in lower case with dashes");
const seconds = z.int().min(0).max(3_600);
const text = z.record(z.string(), z.string());

const Policy = z.strictObject({
  type: z.enum(["Pods", "Percent"]),
  value: z.int().min(1).max(100_000),
  periodSeconds: z.int().min(1).max(1_800),
});

const Rules = z.strictObject({
  stabilizationWindowSeconds: seconds.optional(),
  selectPolicy: z.enum(["Max", "Min", "Disabled"]).optional(),
  policies: z.array(Policy).min(1).optional(),
  tolerance: z.number().min(0).max(1).optional(),
});

const Trigger = z.strictObject({
  type: z.enum(["external-push", "external"]),
  metadata: text,
  metricType: z.literal("AverageValue").optional(),
  authenticationRef: z.strictObject({ name, kind: z.string().optional() }).optional(),
});

const ScaledObject = z.strictObject({
  apiVersion: z.literal("keda.sh/v1alpha1"),
  kind: z.literal("ScaledObject"),
  metadata: z.strictObject({
    name,
    namespace: name.optional(),
    labels: text.optional(),
    annotations: text.optional(),
  }),
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ apiVersion: z.string().optional(), kind: z.string().optional(), name }),
    pollingInterval: z.int().min(1).max(3_600).optional(),
    cooldownPeriod: seconds.optional(),
    initialCooldownPeriod: seconds.optional(),
    minReplicaCount: z.int().min(0).max(replicasMost).optional(),
    maxReplicaCount: z.int().min(1).max(replicasMost).optional(),
    fallback: z
      .strictObject({
        failureThreshold: z.int().min(0).max(1_000),
        replicas: z.int().min(1).max(replicasMost),
        behavior: z
          .enum(["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"])
          .optional(),
      })
      .optional(),
    advanced: z
      .strictObject({
        restoreToOriginalReplicaCount: z.boolean().optional(),
        horizontalPodAutoscalerConfig: z
          .strictObject({
            behavior: z.strictObject({ scaleUp: Rules.optional(), scaleDown: Rules.optional() }).optional(),
          })
          .optional(),
      })
      .optional(),
    triggers: z.array(Trigger).length(1, "must be the one trigger of a role"),
  }),
});

export type ScaledObject = z.infer<typeof ScaledObject>;

/** KEDA's own defaults. */
const defaults = Object.freeze({
  pollingInterval: 30,
  cooldownPeriod: 300,
  minReplicas: 0,
  maxReplicas: 100,
});

export interface ReadScaledObject {
  readonly role: string;
  readonly spec: ScaledObjectSpec;
  /** What the trigger says to the scaler. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Throws INVALID_CONFIG that names the file, the line and the field of each fault. */
export function readScaledObject(yaml: string, file: string): ReadScaledObject {
  const { spec } = readYaml({
    text: yaml,
    file,
    schema: ScaledObject,
    reason: "INVALID_CONFIG",
    rules: faultsOf,
  });
  const { minReplicaCount, maxReplicaCount, fallback, triggers, advanced } = spec;
  const [{ metadata, type }] = triggers as [z.infer<typeof Trigger>];
  return {
    role: metadata.role ?? "",
    metadata,
    spec: {
      minReplicas: minReplicaCount ?? defaults.minReplicas,
      maxReplicas: maxReplicaCount ?? defaults.maxReplicas,
      pollingMs: (spec.pollingInterval ?? defaults.pollingInterval) * 1_000,
      cooldownMs: (spec.cooldownPeriod ?? defaults.cooldownPeriod) * 1_000,
      initialCooldownMs: (spec.initialCooldownPeriod ?? 0) * 1_000,
      fallback: fallback && { ...fallback, behavior: fallback.behavior ?? "static" },
      behavior: behaviorOf(advanced?.horizontalPodAutoscalerConfig?.behavior),
      isPushed: type === "external-push",
    },
  };
}

/** What the schema cannot say, and KEDA takes in silence. */
function faultsOf({ spec, metadata }: ScaledObject): FieldViolation[] {
  const min = spec.minReplicaCount ?? defaults.minReplicas;
  const max = spec.maxReplicaCount ?? defaults.maxReplicas;
  const [trigger] = spec.triggers;
  const kedas = Object.keys(metadata.annotations ?? {}).filter((name) =>
    name.startsWith("autoscaling.keda.sh/"),
  );
  const rules: readonly [isBroken: boolean, field: string, description: string][] = [
    [min > max, "spec.maxReplicaCount", `is ${max}, less than minReplicaCount, ${min}`],
    [
      (spec.fallback?.replicas ?? 0) > max,
      "spec.fallback.replicas",
      `is ${spec.fallback?.replicas}, more than maxReplicaCount, ${max}`,
    ],
    [
      kedas.length > 0,
      "metadata.annotations",
      `has ${kedas.join(", ")}, which KEDA alone heeds; leave it out of files that others scale by`,
    ],
    [!trigger?.metadata.role, "spec.triggers.0.metadata", "names no role"],
    [
      !/^\S+:\d{1,5}$/.test(trigger?.metadata.scalerAddress ?? ""),
      "spec.triggers.0.metadata",
      "needs a scalerAddress of HOST:PORT",
    ],
    [
      spec.scaleTargetRef.name !== metadata.name,
      "spec.scaleTargetRef.name",
      `is "${spec.scaleTargetRef.name}"; a ScaledObject has the name of what it scales, "${metadata.name}"`,
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, field, description]) => ({ field, description }));
}

type Said = z.infer<typeof Rules> | undefined;

/** As the API server fills in what is left out; without any the older rules hold. */
function behaviorOf(said: { scaleUp?: Said; scaleDown?: Said } | undefined): HpaBehavior | undefined {
  if (said === undefined) return undefined;
  return {
    scaleUp: rulesOf(said.scaleUp, hpaRulesDefault.scaleUp),
    scaleDown: rulesOf(said.scaleDown, hpaRulesDefault.scaleDown),
  };
}

function rulesOf(said: Said, byDefault: HpaRules): HpaRules {
  return {
    stabilizationWindowSeconds: said?.stabilizationWindowSeconds ?? byDefault.stabilizationWindowSeconds,
    selectPolicy: said?.selectPolicy ?? byDefault.selectPolicy,
    policies: said?.policies ?? byDefault.policies,
    tolerance: said?.tolerance ?? hpaTolerance,
  };
}
