/** What a queue's policy may hold; the one rule for operators' policies and for roles'. Pure. */
import { limits } from "../core/limits.ts";
import type { QueuePolicy, Rate } from "./policy.ts";

/** The parts of a policy, in names that whoever asks turns into those of its fields. */
export type PolicyPart =
  | "runningMax"
  | "runningPerKeyMax"
  | "rate.perSecond"
  | "rate.burst"
  | "ratePerKey.perSecond"
  | "ratePerKey.burst"
  | "tenantWeights";

export interface PolicyFault {
  readonly part: PolicyPart;
  /** Words that follow the field's name: "is 0; it must be …". */
  readonly description: string;
}

export function policyFaults(policy: QueuePolicy): readonly PolicyFault[] {
  return [
    ...wholeFaults("runningMax", policy.runningMax, limits.runningMax),
    ...wholeFaults("runningPerKeyMax", policy.runningPerKeyMax, limits.runningMax),
    ...rateFaults("rate", policy.rate),
    ...rateFaults("ratePerKey", policy.ratePerKey),
    ...weightFaults(policy.tenantWeights ?? {}),
  ];
}

/** The burst of a rate that names none: as many as in one second, and 1 at least. */
export function burstDefault(perSecond: number): number {
  return Math.min(limits.burstMax, Math.max(1, Math.ceil(perSecond)));
}

function wholeFaults(part: PolicyPart, value: number | undefined, max: number): PolicyFault[] {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return [];
  return [{ part, description: `is ${value}; it must be a whole number from 1 to ${max}` }];
}

function rateFaults(part: "rate" | "ratePerKey", rate: Rate | undefined): PolicyFault[] {
  if (rate === undefined) return [];
  const { ratePerSecondMin: min, ratePerSecondMax: max } = limits;
  const { perSecond } = rate;
  const description = `is ${perSecond} tasks a second; it must be from ${min} to ${max}`;
  return [
    ...(perSecond >= min && perSecond <= max ? [] : [{ part: `${part}.perSecond`, description } as const]),
    ...wholeFaults(`${part}.burst`, rate.burst, limits.burstMax),
  ];
}

function weightFaults(weights: Readonly<Record<string, number>>): PolicyFault[] {
  const part = "tenantWeights";
  const entries = Object.entries(weights);
  const { tenantWeightMin: min, tenantWeightMax: max, tenantWeightsMax, tenantBytesMax } = limits;
  if (entries.length > tenantWeightsMax)
    return [{ part, description: `has ${entries.length} tenants; at most ${tenantWeightsMax} are allowed` }];
  return entries.flatMap(([tenant, weight]) => {
    const shown = JSON.stringify(tenant.slice(0, 80));
    if (tenant === "" || /\p{Cc}/u.test(tenant) || Buffer.byteLength(tenant) > tenantBytesMax)
      return [{ part, description: `names ${shown}, which cannot be a tenant` }];
    if (weight >= min && weight <= max) return [];
    return [{ part, description: `gives ${shown} ${weight}; a weight must be from ${min} to ${max}` }];
  });
}
