/** A trigger's metadata, checked: which role is meant, and how it is to be scaled. Pure. */
import { FieldCheck } from "../../core/check.ts";
import { roleOf } from "../../queue/service/catalog.ts";
import type { ScaleSettings } from "../decide.ts";
import { replicasMost, targetWaitBounds } from "../scale-fault.ts";

/** Settings by role. */
export type RoleScales = ReadonlyMap<string, ScaleSettings>;

export interface ScaledRole {
  readonly role: string;
  readonly settings: ScaleSettings;
}

/** What a trigger may say; the role's own settings hold where it does not. */
const ours = ["role", "tasksPerReplica", "targetWaitSeconds", "targetWaitPercent"] as const;
/** What KEDA reads itself and passes on with the rest. */
const kedas: ReadonlySet<string> = new Set([
  "scalerAddress",
  "enableTLS",
  "unsafeSsl",
  "caCert",
  "tlsClientCert",
  "tlsClientKey",
  "metricType",
]);

const bounds = Object.freeze({
  tasksPerReplica: { min: 0.01, max: replicasMost },
  targetWaitSeconds: targetWaitBounds.seconds,
  targetWaitPercent: targetWaitBounds.percent,
});
const targetWaitPercentDefault = 95;

/** Throws UNKNOWN_ROLE that names the known ones, and INVALID_ARGUMENT with every field at fault. */
export function scaledRoleOf(metadata: Readonly<Record<string, string>>, scales: RoleScales): ScaledRole {
  const check = new FieldCheck();
  const { role = "" } = metadata;
  if (role === "") check.fault("scalerMetadata.role", `is required: one of ${[...scales.keys()].join(", ")}`);
  for (const name of Object.keys(metadata))
    if (!(ours as readonly string[]).includes(name) && !kedas.has(name))
      check.fault(`scalerMetadata.${name}`, `is not known; there are ${ours.join(", ")}`);
  const number = (name: keyof typeof bounds) => numberIn(check, name, metadata[name]);
  const tasksPerReplica = number("tasksPerReplica");
  const seconds = number("targetWaitSeconds");
  const percent = number("targetWaitPercent");
  if (percent !== undefined && seconds === undefined)
    check.fault("scalerMetadata.targetWaitPercent", "has no meaning without targetWaitSeconds");
  check.done();
  const own = roleOf(scales, "scalerMetadata.role", role);
  return {
    role,
    settings: {
      ...own,
      ...(tasksPerReplica !== undefined && { tasksPerReplica }),
      ...(seconds !== undefined && { targetWait: { seconds, percent: percent ?? targetWaitPercentDefault } }),
    },
  };
}

function numberIn(
  check: FieldCheck,
  name: keyof typeof bounds,
  said: string | undefined,
): number | undefined {
  if (said === undefined) return undefined;
  const { min, max } = bounds[name];
  const value = said.trim() === "" ? Number.NaN : Number(said);
  if (value >= min && value <= max) return value;
  check.fault(`scalerMetadata.${name}`, `is "${said}"; it must be a number from ${min} to ${max}`);
  return undefined;
}
