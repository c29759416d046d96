/** A queue's policy, from the contract's message and back. */
import type { QueuePolicy as Message, Rate as RateMessage } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { FieldCheck } from "../../core/check.ts";
import type { QueuePolicy, Rate } from "../policy.ts";
import { burstDefault, type PolicyPart, policyFaults } from "../policy-faults.ts";

const fieldOfPart: Readonly<Record<PolicyPart, string>> = {
  runningMax: "running_max",
  runningPerKeyMax: "running_per_key_max",
  "rate.perSecond": "rate.per_second",
  "rate.burst": "rate.burst",
  "ratePerKey.perSecond": "rate_per_key.per_second",
  "ratePerKey.burst": "rate_per_key.burst",
  tenantWeights: "tenant_weights",
};

/** Faults go to `check`, as paths below `field`. */
export function policyOf(check: FieldCheck, field: string, message: Message): QueuePolicy {
  const { runningMax, runningPerKeyMax, rate, ratePerKey, tenantWeights } = message;
  const policy: QueuePolicy = {
    ...(runningMax !== 0 && { runningMax }),
    ...(runningPerKeyMax !== 0 && { runningPerKeyMax }),
    ...(rate && { rate: rateOf(rate) }),
    ...(ratePerKey && { ratePerKey: rateOf(ratePerKey) }),
    ...(Object.keys(tenantWeights).length > 0 && { tenantWeights }),
  };
  for (const { part, description } of policyFaults(policy))
    check.fault(`${field}.${fieldOfPart[part]}`, description);
  return policy;
}

function rateOf({ perSecond, burst }: RateMessage): Rate {
  return { perSecond, burst: burst === 0 ? burstDefault(perSecond) : burst };
}

export function policyMessageOf(policy: QueuePolicy): Message {
  return {
    runningMax: policy.runningMax ?? 0,
    runningPerKeyMax: policy.runningPerKeyMax ?? 0,
    rate: policy.rate,
    ratePerKey: policy.ratePerKey,
    tenantWeights: { ...policy.tenantWeights },
  };
}
