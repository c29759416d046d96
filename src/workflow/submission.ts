/** A workflow as the orchestrator's task. */
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { RunWorkflowRequest, WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { toPayload } from "../core/payload.ts";
import type { WorkflowRun } from "./orchestrate.ts";
import { orchestratorRole } from "./plan.ts";

export function toTaskSpec(request: RunWorkflowRequest, spec: WorkflowSpec): TaskSpec {
  const run: WorkflowRun = {
    spec: { ...spec },
    inputs: request.inputs ?? {},
  };
  return TaskSpec.fromPartial({
    role: orchestratorRole,
    tenant: request.tenant,
    idempotencyKey: request.idempotencyKey,
    input: toPayload(run),
    trace: request.trace,
    title: spec.name,
  });
}
