/** A queue's policy as people read it. */
import type { QueuePolicy, Rate } from "../../gen/grpc/agentmesh/v1/task.ts";

/** One limit a line. */
export function policyLines(policy: QueuePolicy | undefined): string[] {
  const { runningMax = 0, runningPerKeyMax = 0, rate, ratePerKey, tenantWeights = {} } = policy ?? {};
  const lines = [
    ...(runningMax > 0 ? [`${runningMax} run at once`] : []),
    ...(runningPerKeyMax > 0 ? [`${runningPerKeyMax} with one concurrency key run at once`] : []),
    ...(rate ? [`${rateWords(rate)} start`] : []),
    ...(ratePerKey ? [`${rateWords(ratePerKey)} with one concurrency key start`] : []),
    ...Object.entries(tenantWeights).map(([tenant, weight]) => `${tenant} has the share ${weight}`),
  ];
  return lines.length > 0 ? lines : ["no limits"];
}

/** In the smallest unit that makes it 1 or more. */
function rateWords({ perSecond, burst }: Rate): string {
  const units = [
    { seconds: 1, words: "a second" },
    { seconds: 60, words: "a minute" },
    { seconds: 3_600, words: "an hour" },
  ] as const;
  const { seconds, words } = units.find((unit) => perSecond * unit.seconds >= 1) ?? units[2];
  return `${Number((perSecond * seconds).toPrecision(4))} ${words}, ${burst} at once,`;
}
