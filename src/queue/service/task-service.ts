/** TaskService over the queue: checks what comes in, and puts the store's answers in the contract's words. */
import {
  type SubmitResult,
  type SubmitStreamRequest,
  type SubmitStreamResponse,
  Task,
  type TaskServiceServer,
  type TaskSpec,
  type WatchTaskRequest,
  type WatchTaskResponse,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { CallContext, HandlersOf } from "../../core/call.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { queueOf } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { SubmitOutcome, TaskRecord } from "../store.ts";
import { roleOf } from "./catalog.ts";
import { withInput } from "./changed-input.ts";
import { taskOf, watchResponseOf } from "./convert.ts";
import { explanationOf } from "./explanation.ts";
import { inOrder } from "./in-order.ts";
import {
  givenSpecs,
  retryOffloaded,
  submitOffloaded,
  wholeResponse,
  wholeTask,
  wholeWhereReadable,
} from "./offloaded.ts";
import { pageOf } from "./page.ts";
import { queueControl } from "./queue-control.ts";
import { stateName } from "./state-name.ts";
import { newTask } from "./submission.ts";
import { refusedAll, submitError, submitResultOf } from "./submit-results.ts";
import type { TaskServiceOptions } from "./task-service-options.ts";

export type { TaskServiceOptions };

export function taskService(options: TaskServiceOptions): HandlersOf<TaskServiceServer> {
  const { queue, catalog, clock, payloadBytesMax, offload } = options;

  const submit = async (
    specs: readonly TaskSpec[],
    fieldOf: (index: number) => string,
  ): Promise<SubmitOutcome[]> => {
    const context = { catalog, payloadBytesMax, roleDefault: options.roleDefault, nowMs: clock.now() };
    const given = await givenSpecs(offload, specs, fieldOf);
    const tasks = given.map((spec, index) => newTask(spec, fieldOf(index), context));
    return submitOffloaded(queue, offload, tasks);
  };
  const submitBatch = async (specs: readonly TaskSpec[]): Promise<SubmitResult[]> => {
    const check = new FieldCheck();
    if (specs.length === 0) check.fault("specs", "is empty; send 1 or more");
    check.done();
    if (specs.length > limits.batchMax)
      throw new MeshError(
        "BATCH_TOO_LARGE",
        `specs: has ${specs.length} entries; at most ${limits.batchMax} are allowed. Split it, or use SubmitStream`,
        { metadata: { specs: String(specs.length), specs_max: String(limits.batchMax) } },
      );
    return (await submit(specs, (index) => `specs[${index}]`)).map(submitResultOf);
  };
  const get = async (taskId: string): Promise<TaskRecord> => {
    requireTaskId(taskId);
    const record = await queue.get(taskId);
    if (!record) throw taskNotFound(taskId);
    return record;
  };

  return {
    async submitTask(request) {
      if (!request.spec) throw MeshError.invalid([{ field: "spec", description: "is required" }]);
      const [outcome] = await submit([request.spec], () => "spec");
      const result = submitResultOf(outcome as SubmitOutcome);
      if (result.refusal) throw submitError(outcome as SubmitOutcome);
      return { task: Task.create({ id: result.taskId, state: result.state }), existing: result.existing };
    },

    async submitTasks(request) {
      return { results: await submitBatch(request.specs) };
    },

    async *submitStream(requests: AsyncIterable<SubmitStreamRequest>): AsyncIterable<SubmitStreamResponse> {
      yield* inOrder(requests, async ({ batchId, specs }) => ({
        batchId,
        results: await submitBatch(specs).catch((error) => refusedAll(specs.length, error)),
      }));
    },

    async getTask(request) {
      return { task: await wholeTask(offload, taskOf(await get(request.taskId))) };
    },

    async listTasks(request) {
      const check = new FieldCheck();
      if (request.pageSize !== 0) check.whole("page_size", request.pageSize, 1, limits.pageSizeMax);
      check.done();
      if (request.role !== "") roleOf(catalog, "role", request.role);
      return pageOf(queue, {
        queues: request.role === "" ? undefined : [request.role],
        states: request.states.length > 0 ? request.states.map(stateName) : undefined,
        tenant: request.tenant || undefined,
        workflowId: request.workflowId || undefined,
        deadLetter: request.deadLetter || undefined,
        labels: Object.keys(request.labels).length > 0 ? request.labels : undefined,
        limit: request.pageSize || limits.pageSizeDefault,
        cursor: request.pageToken || undefined,
      });
    },

    async *watchTask(request: WatchTaskRequest, call: CallContext): AsyncIterable<WatchTaskResponse> {
      requireTaskId(request.taskId);
      if (request.fromSequence < 0)
        throw MeshError.invalid([
          { field: "from_sequence", description: `is ${request.fromSequence}; it must be 0 or more` },
        ]);
      for await (const event of queue.watch(request.taskId, request.fromSequence, call.signal)) {
        const response = watchResponseOf(event);
        if (!response) throw taskNotFound(request.taskId);
        yield await wholeResponse(offload, response);
      }
    },

    async cancelTask(request) {
      requireTaskId(request.taskId);
      const check = new FieldCheck();
      check.text("reason", request.reason, limits.reasonBytesMax);
      check.done();
      const outcome = await queue.cancel({ taskId: request.taskId, reason: request.reason });
      if (outcome.state === "MISSING") throw taskNotFound(request.taskId);
      return { task: await wholeWhereReadable(offload, taskOf(await get(request.taskId))) };
    },

    async retryTask(request) {
      const record = await get(request.taskId);
      const input = request.input && (await offload?.readGiven("input", request.input));
      const given = input ?? request.input;
      const spec = given && withInput(record, "input", given, options);
      const outcome = await retryOffloaded(queue, offload, { taskId: record.id, spec });
      if (outcome.state === "MISSING") throw taskNotFound(record.id);
      if (!outcome.changed)
        throw new MeshError(
          "TASK_NOT_FINAL",
          `task_id: ${record.id} is ${outcome.state}; only FAILED and CANCELED tasks can be retried`,
        );
      return { task: await wholeWhereReadable(offload, taskOf(await get(record.id))) };
    },

    async explainTask(request) {
      return explanationOf(queue, await get(request.taskId), clock.now());
    },

    ...queueControl(options),
    provideInput: notYet("ProvideInput"),
  };
}

/** A handler for an RPC of the contract that this version does not serve yet. */
function notYet(rpc: string): () => Promise<never> {
  return async () => {
    throw new MeshError(
      "NOT_YET_SUPPORTED",
      `${rpc} is in the contract and is not served by this version yet`,
    );
  };
}

function taskNotFound(taskId: string): MeshError {
  return new MeshError(
    "TASK_NOT_FOUND",
    `task_id: there is no task ${taskId}; it was never submitted, or its retention has ended`,
  );
}

export function requireTaskId(taskId: string, field = "task_id"): void {
  if (taskId === "") throw MeshError.invalid([{ field, description: "is required" }]);
  if (queueOf(taskId) === undefined)
    throw MeshError.invalid([
      { field, description: `"${taskId.slice(0, 80)}" is not a task id; ids look like testing.01kabc…` },
    ]);
}
