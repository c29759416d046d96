/**
 * What the orchestrator does with a workflow. First run: submit every node (idempotently, so that a second beginning after a
 * crash changes nothing) and suspend until they have ended. Second run: gather what they answered.
 */
import { z } from "zod";
import { type Task, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { TaskContext } from "../agent/role.ts";
import { MeshError, TerminalError } from "../core/errors.ts";
import { fromPayload } from "../core/payload.ts";
import { isFinalState } from "../queue/service/convert.ts";
import { findCycle } from "./dag.ts";
import { nodeTaskId, planTasks } from "./plan.ts";

/** The input of an orchestrator task: written by WorkflowService, never by hand. */
export const WorkflowRun = z.strictObject({
  /** The WorkflowSpec, as JSON. */
  spec: z
    .record(z.string(), z.unknown())
    .refine(isSound, "is not a workflow that can be carried out; use RunWorkflow"),
  inputs: z.record(z.string(), z.unknown()),
});
export type WorkflowRun = z.infer<typeof WorkflowRun>;

export function decodeSpec(run: WorkflowRun): WorkflowSpec {
  return WorkflowSpec.fromPartial(run.spec);
}

/** Whether a spec that came some other way than by RunWorkflow can be read, ordered and encoded at all. */
function isSound(json: Record<string, unknown>): boolean {
  try {
    const spec = WorkflowSpec.fromPartial(json);
    WorkflowSpec.encode(spec).finish();
    const names = Object.keys(spec.nodes);
    const known = names.every((name) =>
      spec.nodes[name]?.needs.every((need) => Object.hasOwn(spec.nodes, need)),
    );
    return names.length > 0 && known && findCycle(spec.nodes) === undefined;
  } catch {
    return false;
  }
}

export async function orchestrate(run: WorkflowRun, task: TaskContext): Promise<unknown> {
  const spec = decodeSpec(run);
  if (task.resumed === undefined) await begin(spec, run, task);
  return gather(spec, task);
}

async function begin(spec: WorkflowSpec, run: WorkflowRun, task: TaskContext): Promise<never> {
  const planned = planTasks(task.id, task.tenant, spec, run.inputs);
  const results = await task.mesh.submitSpecs(planned.map((node) => node.spec));
  const refused = results.findIndex((result) => result.refusal !== undefined);
  const refusal = results[refused]?.refusal;
  if (refusal) {
    const message = `node ${planned[refused]?.node}: ${refusal.message}`;
    if (refusal.reason === "QUEUE_FULL") throw new MeshError("QUEUE_FULL", message);
    throw new TerminalError(refusal.reason, message);
  }
  task.log(`${planned.length} nodes submitted: ${planned.map(({ node }) => node).join(", ")}`);
  task.suspend(
    results.map((result) => result.taskId),
    { submitted: planned.length },
  );
}

async function gather(spec: WorkflowSpec, task: TaskContext): Promise<unknown> {
  const names = Object.keys(spec.nodes);
  const nodes = await Promise.all(
    names.map((name) => task.mesh.get(nodeTaskId(task.id, name, spec.nodes[name]?.role ?? "", task.tenant))),
  );
  const byName = new Map(names.map((name, index) => [name, nodes[index] as Task]));
  const running = nodes.filter((node) => !isFinalState(node.state)).map((node) => node.id);
  // A workflow that is retried may find nodes that were retried too and are under way.
  if (running.length > 0) task.suspend(running, { waiting: running.length });
  const decisive = spec.output === "" ? names : [spec.output];
  const failed = decisive.filter((name) => byName.get(name)?.state !== TaskState.SUCCEEDED);
  if (failed.length > 0) {
    const first = byName.get(failed[0] ?? "");
    const why = first?.error ? `${first.error.kind}: ${first.error.message}` : "it was canceled";
    throw new TerminalError("NODE_FAILED", `node ${failed.join(", ")} did not succeed: ${why}`);
  }
  if (spec.output !== "") return fromPayload(byName.get(spec.output)?.output);
  return Object.fromEntries(names.map((name) => [name, fromPayload(byName.get(name)?.output)]));
}
