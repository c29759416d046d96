/** Clusters: how replicas are balanced, judged and limited. */
import { leastRequestName, leastRequestTypeUrl } from "../../core/balancing.ts";
import type { CallPolicy } from "../policy.ts";
import type { ResourceBody } from "../snapshot.ts";
import { anyOf, durationOf, wrapped } from "./values.ts";

export interface ClusterOptions {
  readonly name: string;
  /** The assignment that has its endpoints. */
  readonly assignment: string;
  readonly policy: CallPolicy;
}

export function clusterOf({ name, assignment, policy }: ClusterOptions): ResourceBody {
  return {
    name,
    type: "EDS",
    eds_cluster_config: { service_name: assignment, eds_config: { ads: {} } },
    connect_timeout: durationOf(5_000),
    // Load reports come back on the same stream's server.
    lrs_server: { self: {} },
    circuit_breakers: circuitBreakersOf(policy),
    outlier_detection: outlierDetectionOf(policy),
    ...balancingOf(name, policy),
  };
}

/**
 * Ring hash and round robin by the enum that every gRPC client knows. Least request has no enum that gRPC accepts: a list, of
 * which a client takes the first that it has, with round robin at its end and in the enum for clients that read no list.
 */
function balancingOf(name: string, { balancing, circuitBreaking }: CallPolicy): object {
  if (balancing.policy === "ringHash")
    return { lb_policy: "RING_HASH", ring_hash_lb_config: { hash_function: "XX_HASH" } };
  if (balancing.policy !== "leastRequest") return { lb_policy: "ROUND_ROBIN" };
  // Clients of ours count calls when they are picked: grpc-js counts those that have started, and overlooks a burst.
  const own = { cluster: { stringValue: name }, max_requests: { numberValue: circuitBreaking.requestsMax } };
  return {
    lb_policy: "ROUND_ROBIN",
    load_balancing_policy: {
      policies: [
        policyOf("wrr_locality", "WrrLocality", {
          endpoint_picking_policy: { policies: leastRequestPolicies(balancing.choices, own) },
        }),
      ],
    },
  };
}

function leastRequestPolicies(choices: number, own: object): object[] {
  const value = { fields: { choice_count: { numberValue: choices }, ...own } };
  return [
    policyOf("least_request", "LeastRequest", { choice_count: wrapped(choices) }),
    {
      typed_extension_config: {
        name: leastRequestName,
        typed_config: anyOf("xds.type.v3.TypedStruct", { type_url: leastRequestTypeUrl, value }),
      },
    },
    policyOf("round_robin", "RoundRobin", {}),
  ];
}

function policyOf(folder: string, message: string, config: object): object {
  const type = `envoy.extensions.load_balancing_policies.${folder}.v3.${message}`;
  return {
    typed_extension_config: {
      name: `envoy.load_balancing_policies.${folder}`,
      typed_config: anyOf(type, config),
    },
  };
}

function circuitBreakersOf({ circuitBreaking }: CallPolicy): object {
  const { requestsMax, pendingMax } = circuitBreaking;
  return {
    thresholds: [
      { priority: "DEFAULT", max_requests: wrapped(requestsMax), max_pending_requests: wrapped(pendingMax) },
    ],
  };
}

/**
 * Every field, always: grpc-js does not notice fields that are added later, and ends its process on a success rate that lacks
 * some. What is off is enforced at 0 %.
 */
function outlierDetectionOf({ outlierDetection }: CallPolicy): object {
  const { enabled, intervalSeconds, ejectionSeconds, ejectionSecondsMax, ejectionPercentMax } =
    outlierDetection;
  const { failurePercent, callsMin, replicasMin } = outlierDetection;
  return {
    interval: durationOf(intervalSeconds * 1_000),
    base_ejection_time: durationOf(ejectionSeconds * 1_000),
    max_ejection_time: durationOf(Math.max(ejectionSeconds, ejectionSecondsMax) * 1_000),
    max_ejection_percent: wrapped(Math.floor(ejectionPercentMax)),
    enforcing_failure_percentage: wrapped(enabled ? 100 : 0),
    failure_percentage_threshold: wrapped(Math.floor(failurePercent)),
    failure_percentage_minimum_hosts: wrapped(replicasMin),
    failure_percentage_request_volume: wrapped(callsMin),
    // How far a replica lies from the mean says little where there are few: a role of three would never eject one.
    enforcing_success_rate: wrapped(0),
    success_rate_minimum_hosts: wrapped(5),
    success_rate_request_volume: wrapped(100),
    success_rate_stdev_factor: wrapped(1_900),
    enforcing_consecutive_5xx: wrapped(0),
    enforcing_consecutive_gateway_failure: wrapped(0),
  };
}
