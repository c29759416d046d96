/** `agentmesh configure`: a queue's policy. */
import { Command } from "commander";
import type { QueuePolicy, QueueStatus } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { MeshClient } from "../../client/mesh-client.ts";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { callMesh } from "../call-mesh.ts";
import { pairs, perSecond, wholeNumber, withExamples, withJson } from "../help.ts";
import { print } from "../output.ts";
import { policyLines } from "../policy-lines.ts";
import { printQueueJson } from "../queue-table.ts";
import { addSettings } from "../setting-flags.ts";

/** 0: no limit. */
interface PolicyOptions {
  readonly running?: number;
  readonly runningPerKey?: number;
  readonly rate?: number;
  readonly burst?: number;
  readonly ratePerKey?: number;
  readonly burstPerKey?: number;
  readonly weight?: Record<string, string>;
}

interface ConfigureOptions extends PolicyOptions {
  readonly reset?: boolean;
  readonly json?: boolean;
}

export function command(): Command {
  const cap = orNone(wholeNumber(1, limits.runningMax));
  const burst = wholeNumber(1, limits.burstMax);
  const configure = new Command("configure")
    .description(
      "Limits what a queue may run and start, on every server of the mesh, from the next task on. What is not named stays as " +
        "it is; `none` lifts a limit. Without options it shows the policy that holds. It holds until --reset, whatever the " +
        "role says of itself.",
    )
    .argument("<role>", "whose queue")
    .option("--running <number>", "tasks that may run at once, or none", cap)
    .option("--running-per-key <number>", "tasks with one concurrency key that may run at once, or none", cap)
    .option("--rate <rate>", "tasks that may start: 5/s, 30/m, 100/h, or none", orNone(perSecond))
    .option("--burst <number>", "of these, at once; default: one second's", burst)
    .option(
      "--rate-per-key <rate>",
      "tasks with one concurrency key that may start, or none",
      orNone(perSecond),
    )
    .option("--burst-per-key <number>", "of these, at once; default: one second's", burst)
    .option("--weight <tenant=number>", "a tenant's share; who is not named has 1; repeatable", pairs)
    .option("--reset", "back to the role's own policy")
    .action((role: string, options: ConfigureOptions, self: Command) => act(role, options, self));
  withExamples(addSettings(withJson(configure), ["client"]), [
    ["agentmesh configure testing", "What holds now"],
    ["agentmesh configure testing --running 8 --running-per-key 2", "Eight at once, two for each key"],
    ["agentmesh configure security --rate 30/m --burst 5", "One each two seconds, five at once"],
    ["agentmesh configure testing --weight acme=3 --weight trial=0.5", "Shares of tenants"],
    ["agentmesh configure testing --reset", "As the role says"],
  ]);
  return configure;
}

async function act(role: string, options: ConfigureOptions, self: Command): Promise<void> {
  const { reset = false, json = false, ...said } = options;
  const asked: PolicyOptions = said;
  const changes = [
    ...[asked.running, asked.runningPerKey, asked.rate, asked.burst, asked.ratePerKey, asked.burstPerKey],
    asked.weight,
  ].some((one) => one !== undefined);
  if (reset && changes)
    throw MeshError.invalid([
      { field: "--reset", description: "goes back to the role's policy; give no other limit" },
    ]);
  const queue = await callMesh(self, (mesh) => {
    if (reset) return mesh.control.reset(role);
    return changes ? change(mesh, role, asked) : statusOf(mesh, role);
  });
  if (json) return printQueueJson(queue);
  print([role, ...policyLines(queue.policy).map((line) => `  ${line}`)].join("\n"));
}

async function statusOf(mesh: MeshClient, role: string): Promise<QueueStatus> {
  const [queue] = await mesh.queues([role]);
  return queue as QueueStatus;
}

async function change(mesh: MeshClient, role: string, asked: PolicyOptions): Promise<QueueStatus> {
  const { policy } = await statusOf(mesh, role);
  const tenantWeights = { ...policy?.tenantWeights };
  for (const [tenant, weight] of Object.entries(asked.weight ?? {}))
    if (weight === "none") delete tenantWeights[tenant];
    else tenantWeights[tenant] = Number(weight);
  return mesh.control.configure(role, {
    runningMax: asked.running ?? policy?.runningMax,
    runningPerKeyMax: asked.runningPerKey ?? policy?.runningPerKeyMax,
    rate: rateOf({ flag: "--burst", perSecond: asked.rate, burst: asked.burst, before: policy?.rate }),
    ratePerKey: rateOf({
      flag: "--burst-per-key",
      perSecond: asked.ratePerKey,
      burst: asked.burstPerKey,
      before: policy?.ratePerKey,
    }),
    tenantWeights,
  });
}

interface RateChange {
  readonly flag: string;
  readonly perSecond: number | undefined;
  readonly burst: number | undefined;
  readonly before: QueuePolicy["rate"];
}

/** A new rate has its own burst; the server knows the default. */
function rateOf({ flag, perSecond, burst, before }: RateChange): QueuePolicy["rate"] {
  if (perSecond === undefined) {
    if (before === undefined && burst !== undefined)
      throw MeshError.invalid([{ field: flag, description: "there is no rate that it belongs to" }]);
    return before && { perSecond: before.perSecond, burst: burst ?? before.burst };
  }
  return perSecond === 0 ? undefined : { perSecond, burst: burst ?? 0 };
}

/** Reads `none` as 0. */
function orNone(read: (value: string) => number): (value: string) => number {
  return (value) => (value === "none" ? 0 : read(value));
}
