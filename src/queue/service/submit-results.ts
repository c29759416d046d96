/** The answers to submits: what was taken in, and what was refused with the reason. */
import { type SubmitResult, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../core/errors.ts";
import type { SubmitOutcome } from "../store.ts";

/** Faults that end a stream: the server's own, and a batch whose refusals could not be told one by one. */
export const endsStream: ReadonlySet<string> = new Set(["INTERNAL", "BATCH_TOO_LARGE"]);
const refusalCharactersMax = 1_500;

/** A batch at fault, or one that the store could not take, is refused by itself: the stream goes on. */
export function refusedAll(count: number, thrown: unknown): SubmitResult[] {
  const { reason, message, metadata } = MeshError.from(thrown);
  if (endsStream.has(reason)) throw thrown;
  const refusal = { reason, message: message.slice(0, refusalCharactersMax).toWellFormed(), metadata };
  return Array.from({ length: count }, () => ({
    taskId: "",
    state: TaskState.UNSPECIFIED,
    existing: false,
    refusal,
  }));
}

export function submitResultOf(outcome: SubmitOutcome): SubmitResult {
  if (outcome.status === "created" || outcome.status === "existing") {
    const { id, state, status } = outcome;
    return { taskId: id, state: TaskState[state], existing: status === "existing", refusal: undefined };
  }
  const { reason, message, metadata } = submitError(outcome);
  return {
    taskId: "",
    state: TaskState.UNSPECIFIED,
    existing: false,
    refusal: { reason, message, metadata },
  };
}

/** The error that stands for a refused submit. */
export function submitError(outcome: SubmitOutcome): MeshError {
  switch (outcome.status) {
    case "conflict":
      return new MeshError(
        "IDEMPOTENCY_CONFLICT",
        `idempotency_key: was used with another request, by task ${outcome.id}`,
        {
          metadata: { task_id: outcome.id },
        },
      );
    case "unknownParent":
      return new MeshError(
        "INVALID_DEPENDENCY",
        `dependencies: there is no task ${outcome.parentId}; submit parents first`,
      );
    case "full":
      return new MeshError(
        "QUEUE_FULL",
        `role: its queue holds ${outcome.tasksMax} unfinished tasks, which is its limit (queue.maxTasks)`,
        {
          metadata: { tasks_max: String(outcome.tasksMax) },
        },
      );
    default:
      return new MeshError("INTERNAL", `submit: ${outcome.status} is no refusal`);
  }
}
