/** How a channel without control plane treats calls: gRPC's service config, with what a control plane would say by default. */
import { retryDefaults } from "../core/retry.ts";
import { contractRpcs } from "../rpc/contract-rpcs.ts";

/** As JSON, for the channel option `grpc.service_config`. `roundRobin`: over all addresses; else the first that answers. */
export function serviceConfig(roundRobin: boolean): string {
  const { attemptsMax, backoffMs, backoffMsMax, on } = retryDefaults;
  const name = contractRpcs
    .filter(({ idempotent, streams }) => idempotent && !streams)
    .map(({ path }) => path.split("/"))
    .map(([, service, method]) => ({ service, method }));
  const retryPolicy = {
    maxAttempts: attemptsMax,
    initialBackoff: `${backoffMs / 1_000}s`,
    maxBackoff: `${backoffMsMax / 1_000}s`,
    backoffMultiplier: 2,
    retryableStatusCodes: on.map((code) => code.toUpperCase().replaceAll("-", "_")),
  };
  return JSON.stringify({
    loadBalancingConfig: [roundRobin ? { round_robin: {} } : { pick_first: {} }],
    methodConfig: [{ name, retryPolicy }],
    // The budget: a failure takes a token, a success gives a tenth back, and at half there are no retries.
    retryThrottling: { maxTokens: 40, tokenRatio: 0.1 },
  });
}
