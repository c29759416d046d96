/** WorkflowService: a workflow is an orchestrator's task, its nodes are tasks; this puts the two together for readers. */
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import {
  type RunWorkflowRequest,
  type WatchWorkflowRequest,
  type WatchWorkflowResponse,
  type Workflow,
  type WorkflowServiceServer,
  WorkflowServiceService,
  type WorkflowSpec,
} from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { CallContext, HandlersOf } from "../core/call.ts";
import { FieldCheck } from "../core/check.ts";
import { type FieldViolation, MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { submitOffloaded } from "../queue/service/offloaded.ts";
import { newTask, type SubmissionContext, tenantDefault } from "../queue/service/submission.ts";
import type { TaskServiceOptions } from "../queue/service/task-service.ts";
import { taskService } from "../queue/service/task-service.ts";
import type { MountedService } from "../rpc/server.ts";
import { workflowFaults } from "./dag.ts";
import { inputFaults, orchestratorRole, planTasks } from "./plan.ts";
import { readWorkflow, summaryOf } from "./read-workflow.ts";
import { toTaskSpec } from "./submission.ts";
import { ownLog, watchNodes } from "./watch.ts";

function workflowService(options: TaskServiceOptions): HandlersOf<WorkflowServiceServer> {
  const { queue, catalog, offload } = options;
  const tasks = taskService({ ...options, roleDefault: orchestratorRole });

  return {
    async runWorkflow(request: RunWorkflowRequest, call: CallContext) {
      const { spec } = request;
      if (!spec) throw MeshError.invalid([{ field: "spec", description: "is required" }]);
      const faults = workflowFaults(spec, catalog).map(({ field, description }) => ({
        field: `spec.${field}`,
        description,
      }));
      const all = [...faults, ...inputFaults(spec, request.inputs ?? {})];
      if (all.length === 0) all.push(...nodeFaults(request, spec));
      if (all.length > 0) throw MeshError.invalid(all, "INVALID_WORKFLOW");
      const { task, existing } = await tasks.submitTask({ spec: toTaskSpec(request, spec) }, call);
      return { workflow: await readWorkflow(options, task?.id ?? ""), existing };
    },

    async getWorkflow(request) {
      return { workflow: await readWorkflow(options, request.workflowId) };
    },

    async *watchWorkflow(
      request: WatchWorkflowRequest,
      call: CallContext,
    ): AsyncIterable<WatchWorkflowResponse> {
      const workflow = await readWorkflow(options, request.workflowId);
      const nodes = new Map([
        [ownLog, workflow.id],
        ...workflow.nodes.map(({ name, taskId }) => [name, taskId] as const),
      ]);
      const { fromSequences } = request;
      for (const [node, from] of Object.entries(fromSequences))
        if (!nodes.has(node) || from < 0)
          throw MeshError.invalid([
            { field: `from_sequences["${node.slice(0, 80)}"]`, description: "names no node, or is below 0" },
          ]);
      yield* watchNodes({ queue, nodes, fromSequences, signal: call.signal });
      if (!call.signal.aborted)
        yield { event: { $case: "final", value: await readWorkflow(options, workflow.id) } };
    },

    async cancelWorkflow(request) {
      const check = new FieldCheck();
      check.text("reason", request.reason, limits.reasonBytesMax);
      check.done();
      const workflow = await readWorkflow(options, request.workflowId);
      const reason = request.reason || `workflow ${workflow.id} was canceled`;
      // The orchestrator's task first: it is what would submit nodes that are not there yet.
      const { changed } = await queue.cancel({ taskId: workflow.id, reason });
      if (changed) await submitMissing(workflow);
      // Children before parents, or a parent's end would fail its children first.
      for (const node of workflow.nodes.toReversed()) await queue.cancel({ taskId: node.taskId, reason });
      return { workflow: await readWorkflow(options, workflow.id) };
    },

    async listWorkflows(request, call) {
      const { states, tenant, pageSize, pageToken } = request;
      const filter = {
        role: orchestratorRole,
        states,
        tenant,
        pageSize,
        pageToken,
        workflowId: "",
        deadLetter: false,
        labels: {},
      };
      const page = await tasks.listTasks(filter, call);
      return { workflows: page.tasks.map(summaryOf), nextPageToken: page.nextPageToken };
    },
  };

  /**
   * An orchestrator that has not heard yet may still submit nodes. Their ids are known: taken by tasks that are canceled right
   * after, they cannot be taken again.
   */
  async function submitMissing({ id, spec, inputs, nodes }: Workflow): Promise<void> {
    const task = await queue.get(id);
    if (!task || !spec || nodes.every((node) => node.state !== TaskState.UNSPECIFIED)) return;
    const planned = planTasks(id, task.tenant, spec, inputs ?? {});
    const missing = planned.map((node) => newTask(node.spec, `spec.nodes.${node.node}`, submission()));
    await submitOffloaded(queue, offload, missing);
  }

  function submission(): SubmissionContext {
    const { payloadBytesMax, clock } = options;
    return { catalog, payloadBytesMax, roleDefault: "", nowMs: clock.now() };
  }

  /** What the orchestrator's submits would be refused for, told before anything is taken in. */
  function nodeFaults({ tenant, inputs }: RunWorkflowRequest, spec: WorkflowSpec): FieldViolation[] {
    const context = submission();
    return planTasks(`${orchestratorRole}.0`, tenant || tenantDefault, spec, inputs ?? {}).flatMap(
      (planned) => {
        try {
          newTask(planned.spec, `spec.nodes.${planned.node}`, context);
          return [];
        } catch (error) {
          const { fields, message } = MeshError.from(error);
          return fields.length > 0 ? fields : [{ field: `spec.nodes.${planned.node}`, description: message }];
        }
      },
    );
  }
}

/** WorkflowService as a role's server mounts it. */
export function workflowServices(options: TaskServiceOptions): MountedService[] {
  const handlers = workflowService(options);
  return [{ name: "agentmesh.v1.WorkflowService", definition: WorkflowServiceService, handlers }];
}
