/** Workflows of a mesh: run, watch, cancel. */
import {
  RunWorkflowRequest,
  type WatchWorkflowResponse,
  type Workflow,
  WorkflowServiceService,
  type WorkflowSpec,
} from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { Connection } from "../rpc/connection.ts";
import { resumeWatch, workflowLogs } from "./resume-watch.ts";

export interface RunWorkflowOptions {
  readonly tenant?: string;
  readonly idempotencyKey?: string;
}

export class WorkflowClient {
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes the whole DAG in, all or nothing. Throws INVALID_WORKFLOW with the path of each fault. */
  async run(
    spec: WorkflowSpec,
    inputs: Record<string, unknown> = {},
    options: RunWorkflowOptions = {},
  ): Promise<Workflow> {
    const request = RunWorkflowRequest.create({ spec, inputs, ...options });
    const { workflow } = await this.#connection.unary(WorkflowServiceService.runWorkflow, request, {
      timeoutMs: this.#timeoutMs,
      idempotent: request.idempotencyKey !== "",
    });
    return workflow as Workflow;
  }

  async get(workflowId: string): Promise<Workflow> {
    const { workflow } = await this.#connection.unary(
      WorkflowServiceService.getWorkflow,
      { workflowId },
      { timeoutMs: this.#timeoutMs },
    );
    return workflow as Workflow;
  }

  /** Every node's log as it comes, then the workflow when it is final; taken up again where it was when a server goes away. */
  watch(workflowId: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<WatchWorkflowResponse> {
    return resumeWatch(workflowLogs(this.#connection, workflowId), options);
  }

  async cancel(workflowId: string, reason = ""): Promise<Workflow> {
    const request = { workflowId, reason };
    const { workflow } = await this.#connection.unary(WorkflowServiceService.cancelWorkflow, request, {
      timeoutMs: this.#timeoutMs,
    });
    return workflow as Workflow;
  }
}
