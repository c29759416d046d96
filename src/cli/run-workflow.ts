/** A workflow from its submit to its end, shown as it goes. */
import type { RunWorkflowRequest, Workflow, WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { MeshError } from "../core/errors.ts";
import { RunProgress } from "./run-progress.ts";
import { openRunView } from "./run-view.ts";

export interface WorkflowRunOptions {
  readonly spec: WorkflowSpec;
  readonly inputs: Record<string, unknown>;
  readonly tenant?: RunWorkflowRequest["tenant"];
  readonly idempotencyKey?: string;
  /** Ends the watching; the workflow goes on. */
  readonly signal: AbortSignal;
  /** Called with the id once the mesh has taken the workflow in. */
  readonly onSubmitted?: (workflowId: string) => void;
}

/** The workflow when it is final. Throws CALL_CANCELED when `signal` aborts before. */
export async function runWorkflow(mesh: MeshClient, options: WorkflowRunOptions): Promise<Workflow> {
  const { spec, inputs, signal, tenant, idempotencyKey } = options;
  const submitted = await mesh.workflows.run(spec, inputs, { tenant, idempotencyKey });
  options.onSubmitted?.(submitted.id);
  return await watchWorkflow(mesh, submitted, signal);
}

/** Follows a workflow that runs, or has run, to its end. */
export async function watchWorkflow(
  mesh: MeshClient,
  workflow: Workflow,
  signal: AbortSignal,
): Promise<Workflow> {
  const progress = new RunProgress(workflow);
  const view = await openRunView(progress);
  try {
    for await (const { event } of mesh.workflows.watch(workflow.id, { signal })) {
      if (event?.$case === "final") return event.value;
      if (event?.$case !== "entry" || !event.value.entry) continue;
      progress.take(event.value.node, event.value.entry);
      view.entry(event.value.node, event.value.entry);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    view.close();
  }
  throw new MeshError("CALL_CANCELED", `watching ${workflow.id} was interrupted`);
}
