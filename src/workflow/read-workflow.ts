/** A workflow as readers see it: the orchestrator's task and the nodes' tasks, put together. */
import { type Task, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import {
  type Workflow,
  type WorkflowNodeStatus,
  WorkflowSpec,
} from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { MeshError } from "../core/errors.ts";
import { queueOf } from "../core/ids.ts";
import { fromPayload } from "../core/payload.ts";
import { taskOf } from "../queue/service/convert.ts";
import { wholeTask } from "../queue/service/offloaded.ts";
import { tenantDefault } from "../queue/service/submission.ts";
import type { TaskServiceOptions } from "../queue/service/task-service.ts";
import { topological } from "./dag.ts";
import { decodeSpec, WorkflowRun } from "./orchestrate.ts";
import { nodeTaskId, orchestratorRole } from "./plan.ts";

/** Throws INVALID_FIELD for what is no workflow's id, WORKFLOW_NOT_FOUND for one that is not kept. */
export async function readWorkflow(
  { queue, offload }: Pick<TaskServiceOptions, "queue" | "offload">,
  workflowId: string,
): Promise<Workflow> {
  if (queueOf(workflowId) !== orchestratorRole)
    throw MeshError.invalid([
      {
        field: "workflow_id",
        description: `"${workflowId.slice(0, 80)}" is not a workflow id; ids look like ${orchestratorRole}.01kabc…`,
      },
    ]);
  const record = await queue.get(workflowId);
  if (!record) throw new MeshError("WORKFLOW_NOT_FOUND", `workflow_id: there is no workflow ${workflowId}`);
  const task = await wholeTask(offload, taskOf(record));
  const run = WorkflowRun.parse(fromPayload(task.spec?.input));
  const spec = decodeSpec(run);
  const names = topological(spec.nodes);
  const tenant = task.spec?.tenant || tenantDefault;
  const ids = names.map((name) => nodeTaskId(workflowId, name, spec.nodes[name]?.role ?? "", tenant));
  const records = await queue.getAll(ids);
  const nodes = names.map((name, index): WorkflowNodeStatus => {
    const found = records[index];
    return nodeStatus(spec, name, ids[index] ?? "", found && taskOf(found, false));
  });
  return { ...summaryOf(task), spec, inputs: run.inputs, nodes, output: task.output, error: task.error };
}

function nodeStatus(
  spec: WorkflowSpec,
  name: string,
  taskId: string,
  task: Task | undefined,
): WorkflowNodeStatus {
  const node = spec.nodes[name];
  return {
    name,
    role: node?.role ?? "",
    taskId,
    state: task?.state ?? TaskState.UNSPECIFIED,
    attempt: task?.attempt ?? 0,
    startTime: task?.startTime,
    finishTime: task?.finishTime,
    progress: task?.progress,
    error: task?.error,
    needs: node?.needs ?? [],
    title: node?.title ?? "",
  };
}

/** A workflow as lists show it: without nodes and output. */
export function summaryOf(task: Task): Workflow {
  const { id, state, createTime, finishTime, error } = task;
  const spec = WorkflowSpec.create({ name: task.spec?.title ?? "" });
  return { id, spec, inputs: undefined, state, createTime, finishTime, nodes: [], output: undefined, error };
}
