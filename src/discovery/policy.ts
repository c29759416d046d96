/**
 * A traffic policy: how clients reach the replicas of each role. This file is its shape and its defaults; read-policy.ts reads
 * it from YAML, policy-rules.ts checks what a shape cannot say, build.ts turns it into xDS resources.
 */
import { z } from "zod";
import { retryDefaults } from "../core/retry.ts";

/** gRPC clients retry on these alone, by gRFC A44. */
export const retryCodes = [
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
] as const;

const percent = z.number().min(0).max(100);
const header = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "must be the name of a header, in lower case");
const versionName = z.string().min(1).max(64);

const Balancing = z.strictObject({
  /** Which replica takes a call. */
  policy: z.enum(["leastRequest", "roundRobin", "weighted", "ringHash"]).optional(),
  /** leastRequest: replicas that are compared for each call. */
  choices: z.int().min(2).max(10).optional(),
  /** ringHash: calls with one value of this header go to one replica. */
  header: header.optional(),
});

const LocalityPreference = z.strictObject({
  /** Replicas as near as this are used first. */
  prefer: z.enum(["none", "region", "zone"]).optional(),
  /** Whether farther ones take over when none near is healthy. */
  failOver: z.boolean().optional(),
});

const OutlierDetection = z.strictObject({
  enabled: z.boolean().optional(),
  /** How often replicas are judged. */
  intervalSeconds: z.number().min(0.1).max(300).optional(),
  /** A replica stays away for this long, times how often it has been ejected lately. */
  ejectionSeconds: z.number().min(0.1).max(3_600).optional(),
  ejectionSecondsMax: z.number().min(0.1).max(86_400).optional(),
  /** Of the replicas that may be away at once. */
  ejectionPercentMax: percent.optional(),
  /** A replica that fails more of its calls than this is ejected. */
  failurePercent: percent.optional(),
  /** Calls within one interval that it takes to be judged. */
  callsMin: z.int().min(1).max(100_000).optional(),
  /** Replicas with that many calls that it takes for any to be judged. */
  replicasMin: z.int().min(1).max(1_000).optional(),
});

const CircuitBreaking = z.strictObject({
  /** Calls of one client process that may be in flight to one role. */
  requestsMax: z.int().min(1).max(1_000_000).optional(),
  /** Calls that may wait for a connection; Envoy alone has this. */
  pendingMax: z.int().min(1).max(1_000_000).optional(),
});

const Retries = z.strictObject({
  /** Tries in all, the first included; 1: no retries. grpc-js stops at 5. */
  attemptsMax: z.int().min(1).max(5).optional(),
  backoffMs: z.int().min(1).max(999).optional(),
  backoffMsMax: z.int().min(1).max(999).optional(),
  on: z.array(z.enum(retryCodes)).min(1).optional(),
});

const Faults = z.strictObject({
  delay: z.strictObject({ percent, milliseconds: z.int().min(1).max(600_000) }).optional(),
  abort: z.strictObject({ percent, code: z.int().min(1).max(16) }).optional(),
  /** Calls of one client that may be at fault at once. */
  activeMax: z.int().min(1).max(1_000_000).optional(),
});

const callSections = {
  balancing: Balancing.optional(),
  outlierDetection: OutlierDetection.optional(),
  circuitBreaking: CircuitBreaking.optional(),
  retries: Retries.optional(),
  /** A call may take this long in all, retries included; its own deadline counts where it is nearer. 0: no limit. */
  timeoutSeconds: z.number().min(0).max(86_400).optional(),
  faults: Faults.optional(),
};

const RpcPolicy = z.strictObject(callSections);

const Split = z.strictObject({ version: versionName, weight: z.int().min(0).max(1_000_000) });

const Canary = z.strictObject({ header, value: z.string().min(1).max(256), version: versionName });

const RolePolicy = z.strictObject({
  ...callSections,
  locality: LocalityPreference.optional(),
  /** Which part of the calls each version takes; versions that are not named take none. */
  versions: z.array(Split).min(1).max(32).optional(),
  /** Calls with a header go to a version; the first that matches counts. */
  canaries: z.array(Canary).min(1).max(32).optional(),
  /** What is otherwise for one RPC ("TaskService/GetTask") or one service ("TaskService/*"). */
  rpcs: z.record(z.string(), RpcPolicy).optional(),
});

/** What a policy file may hold. */
export const TrafficPolicy = z.strictObject({
  /** For every role; a role's own sections come over it, field by field. */
  defaults: RolePolicy.omit({ versions: true, canaries: true }).optional(),
  roles: z.record(z.string(), RolePolicy).optional(),
});

export type TrafficPolicy = z.infer<typeof TrafficPolicy>;
export type RolePolicy = z.infer<typeof RolePolicy>;
export type RpcPolicy = z.infer<typeof RpcPolicy>;
export type FaultPolicy = z.infer<typeof Faults>;
export type VersionSplit = z.infer<typeof Split>;
export type CanaryRoute = z.infer<typeof Canary>;

/** The policy where nothing is said. */
export const policyDefault: TrafficPolicy = Object.freeze({});

/** How calls are treated, with every field filled in. */
export interface CallPolicy {
  readonly balancing: Readonly<Required<z.infer<typeof Balancing>>>;
  readonly outlierDetection: Readonly<Required<z.infer<typeof OutlierDetection>>>;
  readonly circuitBreaking: Readonly<Required<z.infer<typeof CircuitBreaking>>>;
  readonly retries: Readonly<Required<z.infer<typeof Retries>>>;
  readonly timeoutSeconds: number;
  readonly faults: FaultPolicy;
}

export type LocalityPolicy = Readonly<Required<z.infer<typeof LocalityPreference>>>;

/** Each with its reason. */
export const callPolicyDefault: CallPolicy = {
  // Two choices by calls in flight keep away from a slow replica, which round robin does not notice.
  balancing: { policy: "leastRequest", choices: 2, header: "" },
  outlierDetection: {
    enabled: true,
    // A replica that fails is away within one interval; Envoy's own 10 s is long for calls that people wait for.
    intervalSeconds: 5,
    ejectionSeconds: 10,
    ejectionSecondsMax: 60,
    // Half may be ejected at once: a fault of the callers must not leave a role without replicas.
    ejectionPercentMax: 50,
    // Near to all calls, as in Envoy: gRPC counts every status but OK as a failure, a caller's own mistakes too.
    failurePercent: 85,
    callsMin: 10,
    // Envoy's own 5 would never judge a role of three replicas.
    replicasMin: 2,
  },
  // Envoy's defaults. gRPC counts them in each client process.
  circuitBreaking: { requestsMax: 1_024, pendingMax: 1_024 },
  retries: { ...retryDefaults, on: [...retryDefaults.on] },
  timeoutSeconds: 0,
  faults: {},
};

export const localityPolicyDefault: LocalityPolicy = { prefer: "none", failOver: true };

/** How calls to a role are treated where no RPC has a policy of its own. */
export function callPolicyOf(policy: TrafficPolicy, role: string): CallPolicy {
  return over(over(callPolicyDefault, policy.defaults), policy.roles?.[role]);
}

/** The RPCs and services of a role that have a policy of their own, by the name they are written with. */
export function rpcPoliciesOf(policy: TrafficPolicy, role: string): ReadonlyMap<string, CallPolicy> {
  const base = callPolicyOf(policy, role);
  const said = { ...policy.defaults?.rpcs };
  const own = policy.roles?.[role]?.rpcs ?? {};
  const names = [...new Set([...Object.keys(own), ...Object.keys(said)])];
  return new Map(names.map((name) => [name, over(over(base, said[name]), own[name])]));
}

export function localityPolicyOf(policy: TrafficPolicy, role: string): LocalityPolicy {
  return {
    ...localityPolicyDefault,
    ...policy.defaults?.locality,
    ...policy.roles?.[role]?.locality,
  };
}

/** Section by section, what `said` says comes over `base`. */
function over(base: CallPolicy, said: RpcPolicy | undefined): CallPolicy {
  if (said === undefined) return base;
  return {
    balancing: { ...base.balancing, ...said.balancing },
    outlierDetection: { ...base.outlierDetection, ...said.outlierDetection },
    circuitBreaking: { ...base.circuitBreaking, ...said.circuitBreaking },
    retries: { ...base.retries, ...said.retries },
    timeoutSeconds: said.timeoutSeconds ?? base.timeoutSeconds,
    faults: { ...base.faults, ...said.faults },
  };
}
