/** What an operator does with whole queues. Every method answers with the queue as it is then. */
import type { MethodDefinition } from "@grpc/grpc-js";
import {
  ConfigureQueueRequest,
  PauseQueueRequest,
  PurgeQueueRequest,
  type QueuePolicy,
  type QueueStatus,
  RedriveQueueRequest,
  type RedriveQueueResponse,
  TaskServiceService,
  type TaskState,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import { toPayload } from "../core/payload.ts";
import type { Connection } from "../rpc/connection.ts";

/** A policy by its parts; what is not named does not limit. */
export type PolicyParts = Partial<QueuePolicy>;

export interface PurgeFilter {
  /** At least one, but with `deadLetter`; RUNNING is refused. */
  readonly states?: readonly TaskState[];
  readonly deadLetter?: boolean;
}

export interface RedriveOptions {
  /** Kinds of error; default: every kind. */
  readonly errorKinds?: readonly string[];
  readonly tenant?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default 10,000. */
  readonly tasksMax?: number;
  /** In place of each task's own input; or `inputMerge`: members to add to it. */
  readonly input?: unknown;
  readonly inputMerge?: Readonly<Record<string, unknown>>;
}

/** Purging and redriving go through a queue page by page. */
const longCallMs = 10 * 60_000;

export class QueueControl {
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /** Hands out no more of the queue's tasks; those that run go on. */
  pause(role: string, { reason = "", actor = "" } = {}): Promise<QueueStatus> {
    return this.#changed(TaskServiceService.pauseQueue, PauseQueueRequest.create({ role, reason, actor }));
  }

  resume(role: string): Promise<QueueStatus> {
    return this.#changed(TaskServiceService.resumeQueue, { role });
  }

  /** The whole policy, in place of the role's own. */
  configure(role: string, policy: PolicyParts): Promise<QueueStatus> {
    const request = ConfigureQueueRequest.fromPartial({ role, change: { $case: "policy", value: policy } });
    return this.#changed(TaskServiceService.configureQueue, request);
  }

  /** Back to the role's own policy. */
  reset(role: string): Promise<QueueStatus> {
    const change = { $case: "reset", value: true } as const;
    return this.#changed(TaskServiceService.configureQueue, { role, change });
  }

  /** Deletes tasks, and answers how many. What is not final is canceled first. */
  async purge(role: string, { states = [], deadLetter = false }: PurgeFilter): Promise<number> {
    const request = PurgeQueueRequest.create({ role, states: [...states], deadLetter });
    return (await this.#unary(TaskServiceService.purgeQueue, request, longCallMs)).purged;
  }

  /** Puts FAILED tasks back, each as a new generation. */
  redrive(role: string, options: RedriveOptions = {}): Promise<RedriveQueueResponse> {
    const { errorKinds = [], tenant, labels, tasksMax, input, inputMerge } = options;
    const request = RedriveQueueRequest.fromPartial({
      role,
      errorKinds: [...errorKinds],
      tenant,
      labels: { ...labels },
      tasksMax,
    });
    if (input !== undefined) request.inputChange = { $case: "input", value: toPayload(input) };
    else if (inputMerge !== undefined)
      request.inputChange = { $case: "inputMerge", value: toPayload(inputMerge) };
    return this.#unary(TaskServiceService.redriveQueue, request, longCallMs);
  }

  async #changed<Request>(
    method: MethodDefinition<Request, { queue: QueueStatus | undefined }>,
    request: Request,
  ): Promise<QueueStatus> {
    return (await this.#unary(method, request, this.#timeoutMs)).queue as QueueStatus;
  }

  #unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    return this.#connection.unary(method, request, { timeoutMs });
  }
}
