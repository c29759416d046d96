/**
 * The client of a mesh: submit, watch, wait and cancel, with a deadline on every call and typed errors.
 *
 *   const mesh = new MeshClient({ server: "127.0.0.1:9090" });
 *   const task = await mesh.submit("testing", { repository: "/src/app" });
 *   const report = await mesh.result(task.id);
 */
import type { MethodDefinition } from "@grpc/grpc-js";
import { AgentServiceService, type ListInstancesResponse } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { type RoleScale, ScaleServiceService } from "../../gen/grpc/agentmesh/v1/scale.ts";
import {
  type ExplainTaskResponse,
  ListQueuesRequest,
  ListTasksRequest,
  type QueueStatus,
  RetryTaskRequest,
  type SubmitResult,
  type Task,
  TaskServiceService,
  type TaskSpec,
  TaskState,
  type WatchTaskResponse,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { fromPayload, toPayload } from "../core/payload.ts";
import { clientDefaults } from "../core/ports.ts";
import { isFinalState } from "../queue/service/convert.ts";
import type { CallOptions, Connection } from "../rpc/connection.ts";
import { type DialOptions, dial } from "./dial.ts";
import { DiscoveryView } from "./discovery-view.ts";
import { type HedgeOptions, hedged } from "./hedge.ts";
import { QueueControl } from "./queue-control.ts";
import { resumeRead, resumeWatch, taskLog } from "./resume-watch.ts";
import { type NewTaskRequest, type SubmitOptions, toSpec } from "./submission.ts";
import { WorkflowClient } from "./workflow-client.ts";

export interface MeshClientOptions extends DialOptions {
  /** Reads of tasks and queues that take long are asked for once more; default: they are not. */
  readonly hedge?: HedgeOptions;
  /** For each unary call, and for each stretch of a stream before it is taken up again; default 30,000. */
  readonly timeoutMs?: number;
}

export interface Submitted {
  readonly id: string;
  readonly state: TaskState;
  /** True when the idempotency key named a task that was there already. */
  readonly existing: boolean;
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** How long to wait in all; default: for ever. */
  readonly timeoutMs?: number;
}

export type TaskFilter = Partial<Omit<ListTasksRequest, "pageToken">>;

const timeoutMsDefault = clientDefaults.timeoutMs;

export class MeshClient {
  readonly workflows: WorkflowClient;
  /** Pausing, policies, purging, putting back what failed. */
  readonly control: QueueControl;
  /** What the control plane knows. */
  readonly discovery: DiscoveryView;
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  readonly #hedge: HedgeOptions | undefined;
  /** True once a server has answered: from then on one that does not is waited for, where a call may be repeated. */
  #answered = false;

  constructor(options: MeshClientOptions = {}) {
    this.#connection = dial(options);
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    this.#hedge = options.hedge;
    this.control = new QueueControl(this.#connection, this.#timeoutMs);
    this.discovery = new DiscoveryView(this.#connection, this.#timeoutMs);
    this.workflows = new WorkflowClient(this.#connection, this.#timeoutMs);
  }

  get server(): string {
    return this.#connection.address;
  }

  /** Takes in one task. Throws INVALID_FIELD, UNKNOWN_ROLE, IDEMPOTENCY_CONFLICT, QUEUE_FULL, SERVER_UNREACHABLE … */
  async submit(role: string, input?: unknown, options: SubmitOptions = {}): Promise<Submitted> {
    return this.submitSpec(toSpec({ ...options, role, input }));
  }

  /** As {@link submit}, with every field of the contract. */
  async submitSpec(spec: TaskSpec): Promise<Submitted> {
    const { task, existing } = await this.#unary(
      TaskServiceService.submitTask,
      { spec },
      { idempotent: spec.idempotencyKey !== "" },
    );
    return { id: task?.id ?? "", state: task?.state ?? TaskState.UNSPECIFIED, existing };
  }

  /** Takes in many tasks, {@link limits.batchMax} a call; answers one by one, refusals included. */
  async submitAll(tasks: readonly NewTaskRequest[]): Promise<SubmitResult[]> {
    return this.submitSpecs(tasks.map(toSpec));
  }

  /** As {@link submitAll}, with every field of the contract. */
  async submitSpecs(specs: readonly TaskSpec[]): Promise<SubmitResult[]> {
    const results: SubmitResult[] = [];
    for (let from = 0; from < specs.length; from += limits.batchMax) {
      const request = { specs: specs.slice(from, from + limits.batchMax) };
      const idempotent = request.specs.every(({ idempotencyKey }) => idempotencyKey !== "");
      results.push(...(await this.#unary(TaskServiceService.submitTasks, request, { idempotent })).results);
    }
    return results;
  }

  async get(taskId: string, signal?: AbortSignal): Promise<Task> {
    const { task } = await this.#read(TaskServiceService.getTask, { taskId }, signal);
    return task as Task;
  }

  /** Newest first, page after page as they are read. */
  async *list(filter: TaskFilter = {}): AsyncGenerator<Task> {
    let pageToken = "";
    do {
      const request = ListTasksRequest.fromPartial({ ...filter, pageToken });
      const page = await this.#unary(TaskServiceService.listTasks, request);
      yield* page.tasks;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** The task's log from a sequence on, to its end; taken up again where it was when a server goes away. */
  watch(
    taskId: string,
    options: { from?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<WatchTaskResponse> {
    const { from = 1, signal } = options;
    return resumeWatch(taskLog(this.#connection, taskId, from), { signal, answered: this.#answered });
  }

  /** The task when it is final. Throws DEADLINE_EXCEEDED past `timeoutMs`. */
  async wait(taskId: string, options: WaitOptions = {}): Promise<Task> {
    const timeout = options.timeoutMs === undefined ? [] : [AbortSignal.timeout(options.timeoutMs)];
    const signal = AbortSignal.any([...timeout, ...(options.signal ? [options.signal] : [])]);
    const read = () => this.get(taskId, signal);
    let task: Task;
    try {
      task = await (this.#answered ? resumeRead(read, signal) : read());
    } catch (error) {
      throw signal.aborted ? this.#givenUp(taskId, options) : error;
    }
    if (isFinalState(task.state)) return task;
    const watching = { signal, answered: true };
    for await (const { event } of resumeWatch(
      taskLog(this.#connection, taskId, task.lastSequence + 1),
      watching,
    ))
      if (event?.$case === "final") return event.value;
    throw this.#givenUp(taskId, options);
  }

  /** The task's output. Throws TASK_FAILED or TASK_CANCELED when it has none. */
  async result<Output = unknown>(taskId: string, options: WaitOptions = {}): Promise<Output> {
    return outputOf(await this.wait(taskId, options)) as Output;
  }

  async cancel(taskId: string, reason = ""): Promise<Task> {
    const { task } = await this.#unary(TaskServiceService.cancelTask, { taskId, reason });
    return task as Task;
  }

  /** A FAILED or CANCELED task again, as a new generation; with another input where one is given. */
  async retry(taskId: string, input?: unknown): Promise<Task> {
    const request = RetryTaskRequest.create({
      taskId,
      input: input === undefined ? undefined : toPayload(input),
    });
    return (await this.#unary(TaskServiceService.retryTask, request)).task as Task;
  }

  /** Why a task waits: each thing, the most important first. */
  explain(taskId: string): Promise<ExplainTaskResponse> {
    return this.#read(TaskServiceService.explainTask, { taskId });
  }

  async queues(roles: readonly string[] = []): Promise<QueueStatus[]> {
    const request = ListQueuesRequest.create({ roles: [...roles] });
    return (await this.#read(TaskServiceService.listQueues, request)).queues;
  }

  /** The instances that live now, of one role or of all. */
  instances(role = ""): Promise<ListInstancesResponse> {
    return this.#unary(AgentServiceService.listInstances, { role });
  }

  /** How many replicas roles want, and why. */
  async scale(roles: readonly string[] = []): Promise<RoleScale[]> {
    return (await this.#read(ScaleServiceService.getScale, { roles: [...roles] })).roles;
  }

  close(): void {
    this.#connection.close();
  }

  #givenUp(taskId: string, { signal, timeoutMs }: WaitOptions): MeshError {
    if (signal?.aborted) return new MeshError("CALL_CANCELED", `waiting for ${taskId} was given up`);
    return new MeshError("DEADLINE_EXCEEDED", `${taskId} did not end within ${timeoutMs} ms; it goes on`);
  }

  /** A call that changes nothing. */
  #read<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    given?: AbortSignal,
  ): Promise<Response> {
    if (this.#hedge === undefined) return this.#unary(method, request, { signal: given });
    return hedged(this.#hedge, (losing, spentMs) => {
      const signal = given ? AbortSignal.any([losing, given]) : losing;
      return this.#unary(method, request, { signal, spentMs });
    });
  }

  async #unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    {
      spentMs = 0,
      ...options
    }: Pick<CallOptions, "idempotent" | "signal"> & { readonly spentMs?: number } = {},
  ): Promise<Response> {
    const response = await this.#connection.unary(method, request, {
      ...options,
      timeoutMs: Math.max(1, this.#timeoutMs - spentMs),
    });
    this.#answered = true;
    return response;
  }
}

/** A final task's output; throws for one that failed or was canceled. */
function outputOf(task: Task): unknown {
  if (task.state === TaskState.SUCCEEDED) return fromPayload(task.output);
  if (task.state === TaskState.CANCELED) throw new MeshError("TASK_CANCELED", `${task.id} was canceled`);
  const kind = task.error?.kind ?? "";
  throw new MeshError("TASK_FAILED", `${task.id} failed: ${kind}: ${task.error?.message ?? ""}`, {
    metadata: { task_id: task.id, kind },
  });
}
