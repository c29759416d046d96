/** A traffic policy in words: what `agentmesh discovery check` answers when nothing is wrong. */
import {
  type CallPolicy,
  callPolicyOf,
  localityPolicyOf,
  rpcPoliciesOf,
  type TrafficPolicy,
} from "../discovery/policy.ts";
import { out } from "./output.ts";

const balancingWords: Readonly<Record<CallPolicy["balancing"]["policy"], string>> = {
  leastRequest: "least request",
  roundRobin: "round robin",
  weighted: "weighted by capacity",
  ringHash: "ring hash",
};

/** What holds for every role that the policy names, and for the others. */
export function policyFacts(policy: TrafficPolicy): string {
  const roles = Object.keys(policy.roles ?? {});
  const blocks = roles.map((role) => `${out.bold(role)}\n${indented(roleLines(policy, role))}`);
  const others = `${out.bold(roles.length > 0 ? "every other role" : "every role")}\n${indented(roleLines(policy, ""))}`;
  return [...blocks, others].join("\n");
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

function roleLines(policy: TrafficPolicy, role: string): string[] {
  const { prefer, failOver } = localityPolicyOf(policy, role);
  const { versions = [], canaries = [] } = policy.roles?.[role] ?? {};
  const calls = callLines(callPolicyOf(policy, role));
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  return [
    ...calls,
    ...(prefer === "none"
      ? []
      : [`the same ${prefer} first, ${failOver ? "then the others" : "and no others"}`]),
    ...canaries.map(({ header, value, version }) => `calls with ${header}: ${value} to version ${version}`),
    ...versions.map(
      ({ version, weight }) => `${Math.round((weight / total) * 1_000) / 10} % to version ${version}`,
    ),
    ...[...rpcPoliciesOf(policy, role)].flatMap(([rpc, own]) =>
      callLines(own)
        .filter((line) => !calls.includes(line))
        .map((line) => `${rpc}: ${line}`),
    ),
  ];
}

function callLines({
  balancing,
  outlierDetection,
  circuitBreaking,
  retries,
  timeoutSeconds,
  faults,
}: CallPolicy) {
  const { enabled, failurePercent, intervalSeconds, ejectionSeconds } = outlierDetection;
  const hashed = balancing.policy === "ringHash" ? ` by ${balancing.header}` : "";
  return [
    `${balancingWords[balancing.policy]}${hashed}, at most ${circuitBreaking.requestsMax} calls in flight`,
    enabled
      ? `replicas that fail ${failurePercent} % within ${intervalSeconds} s are away for ${ejectionSeconds} s`
      : "no replica is ejected",
    retries.attemptsMax > 1
      ? `idempotent calls are tried ${retries.attemptsMax} times, after ${retries.backoffMs} to ${retries.backoffMsMax} ms`
      : "no retries",
    ...(timeoutSeconds > 0 ? [`at most ${timeoutSeconds} s a call`] : []),
    ...(faults.delay
      ? [`FAULT: ${faults.delay.percent} % are delayed by ${faults.delay.milliseconds} ms`]
      : []),
    ...(faults.abort ? [`FAULT: ${faults.abort.percent} % fail with status ${faults.abort.code}`] : []),
  ];
}
