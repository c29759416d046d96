/** Puts a queue's FAILED tasks back page by page, the newest first; one that fails again meanwhile is not taken twice. */
import type { RedriveQueueRequest, RedriveQueueResponse } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { publicError } from "../../core/public-error.ts";
import type { Queue } from "../queue.ts";
import type { Retry, TaskRecord } from "../store.ts";
import { type InputContext, objectOf, withInput, withMembers } from "./changed-input.ts";

/** Records carry their inputs, so a page has to be small. */
const pageSize = 100;
const refusalsMax = 20;

/** Stops early when `signal` aborts. Throws INVALID_FIELD where the change is none that any input can take. */
export async function redrive(
  queue: Queue,
  request: RedriveQueueRequest,
  context: InputContext,
  signal: AbortSignal,
): Promise<RedriveQueueResponse> {
  const { role, errorKinds, tenant, labels } = request;
  const specOf = changeOf(request, context);
  const tasksMax = request.tasksMax || limits.redriveDefault;
  const answer: RedriveQueueResponse = { redriven: 0, refused: 0, refusals: [], more: false };
  let cursor: string | undefined;
  do {
    const filter = {
      tenant: tenant || undefined,
      labels: Object.keys(labels).length > 0 ? labels : undefined,
    };
    const page = await queue.list({ queues: [role], deadLetter: true, ...filter, limit: pageSize, cursor });
    cursor = page.cursor;
    const matching = page.tasks.filter(
      ({ error }) => errorKinds.length === 0 || errorKinds.includes(error?.kind ?? ""),
    );
    const retries: Retry[] = [];
    for (const task of matching) {
      if (answer.redriven + retries.length === tasksMax) {
        answer.more = true;
        break;
      }
      const retry = retryOf(task, specOf, answer);
      if (retry) retries.push(retry);
    }
    const outcomes = await queue.retryAll(retries);
    // One that somebody else retried meanwhile is not FAILED any more.
    answer.redriven += outcomes.filter(({ changed }) => changed).length;
    if (answer.redriven === tasksMax && cursor !== undefined) answer.more = true;
  } while (cursor !== undefined && !answer.more && !signal.aborted);
  return answer;
}

type SpecChange = (task: TaskRecord) => Uint8Array | undefined;

function changeOf({ inputChange }: RedriveQueueRequest, context: InputContext): SpecChange {
  switch (inputChange?.$case) {
    case undefined:
      return () => undefined;
    case "input":
      return (task) => withInput(task, "input", inputChange.value, context);
    case "inputMerge": {
      const members = objectOf("input_merge", inputChange.value);
      return (task) => withMembers(task, "input_merge", members, context);
    }
  }
}

function retryOf(task: TaskRecord, specOf: SpecChange, answer: RedriveQueueResponse): Retry | undefined {
  try {
    return { taskId: task.id, spec: specOf(task) };
  } catch (error) {
    answer.refused += 1;
    const { reason, message, metadata } = publicError(MeshError.from(error));
    if (answer.refusals.length < refusalsMax)
      answer.refusals.push({ taskId: task.id, refusal: { reason, message, metadata } });
    return undefined;
  }
}
