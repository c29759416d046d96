/** How a role says what its queue may hand out at once, and the policy that the store is told. */
import { limits } from "../core/limits.ts";
import type { QueuePolicy, Rate } from "../queue/policy.ts";
import { burstDefault, type PolicyPart, policyFaults } from "../queue/policy-faults.ts";
import type { QueueChange } from "../queue/store.ts";
import type { Timeouts } from "../queue/task.ts";
import type { Role } from "./role.ts";

/** For all workers of the mesh together; what is not given does not limit. An operator's policy stands in its place. */
export interface LimitSettings {
  /** Tasks that run at once. */
  readonly running?: number;
  /** Tasks with one concurrency key that run at once. */
  readonly runningPerKey?: number;
  /** Tasks that start a second, on the average. */
  readonly perSecond?: number;
  /** Tasks that may start at once within `perSecond`; default: as many as in one second, and 1 at least. */
  readonly burst?: number;
  /** Tasks with one concurrency key that start a second, on the average. */
  readonly perSecondPerKey?: number;
  /** As `burst`, for one concurrency key. */
  readonly burstPerKey?: number;
  /** Shares of tenants within a priority; who is not named has 1. */
  readonly tenantWeights?: Readonly<Record<string, number>>;
}

const fieldOfPart: Readonly<Record<PolicyPart, keyof LimitSettings>> = {
  runningMax: "running",
  runningPerKeyMax: "runningPerKey",
  "rate.perSecond": "perSecond",
  "rate.burst": "burst",
  "ratePerKey.perSecond": "perSecondPerKey",
  "ratePerKey.burst": "burstPerKey",
  tenantWeights: "tenantWeights",
};

export function policyOfLimits(said: LimitSettings): QueuePolicy {
  const rate = rateOf(said.perSecond, said.burst);
  const ratePerKey = rateOf(said.perSecondPerKey, said.burstPerKey);
  return {
    ...(said.running !== undefined && { runningMax: said.running }),
    ...(said.runningPerKey !== undefined && { runningPerKeyMax: said.runningPerKey }),
    ...(rate && { rate }),
    ...(ratePerKey && { ratePerKey }),
    ...(said.tenantWeights && { tenantWeights: said.tenantWeights }),
  };
}

function rateOf(perSecond: number | undefined, burst: number | undefined): Rate | undefined {
  return perSecond === undefined ? undefined : { perSecond, burst: burst ?? burstDefault(perSecond) };
}

/** The first field at fault and what it must be. */
export function limitsFault(said: LimitSettings): string | undefined {
  const known = Object.values(fieldOfPart);
  const unknown = Object.keys(said).find((name) => !known.includes(name as keyof LimitSettings));
  if (unknown !== undefined) return `limits has no "${unknown}"; it knows ${known.join(", ")}`;
  if (said.burst !== undefined && said.perSecond === undefined) return "limits.burst needs limits.perSecond";
  if (said.burstPerKey !== undefined && said.perSecondPerKey === undefined)
    return "limits.burstPerKey needs limits.perSecondPerKey";
  const [fault] = policyFaults(policyOfLimits(said));
  return fault && `limits.${fieldOfPart[fault.part]} ${fault.description}`;
}

/** The first field at fault and what it must be. */
export function timeoutsFault(said: Timeouts): string | undefined {
  const known: readonly string[] = ["toStartMs", "toFinishMs", "heartbeatMs"] satisfies (keyof Timeouts)[];
  for (const [name, value] of Object.entries(said)) {
    if (!known.includes(name)) return `timeouts has no "${name}"; it knows ${known.join(", ")}`;
    const { timeoutMsMin: min, timeoutMsMax: max } = limits;
    if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max))
      return `timeouts.${name} is ${String(value)}; it must be a whole number from ${min} to ${max}`;
  }
  return undefined;
}

/** What the store is told of these roles' queues when a server starts. */
export function rolePolicies(roles: readonly Role[]): QueueChange[] {
  return roles.map(({ name, limits: said }) => ({ queue: name, rolePolicy: policyOfLimits(said) }));
}
