/** Puts a queue's FAILED tasks back page by page, the newest first; one that fails again meanwhile is not taken twice. */
import type { RedriveQueueRequest, RedriveQueueResponse } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { publicError } from "../../core/public-error.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { Retry, TaskRecord } from "../store.ts";
import { type InputContext, objectOf, withInput, withMembers } from "./changed-input.ts";
import { retryAllOffloaded } from "./offloaded.ts";

/** A page's inputs may all be held at once, whole, so it has to be small. */
const pageSize = 20;
const refusalsMax = 20;

export interface RedriveContext extends InputContext {
  readonly offload?: Offload;
}

/** Stops early when `signal` aborts. Throws INVALID_FIELD where the change is none that any input can take. */
export async function redrive(
  queue: Queue,
  request: RedriveQueueRequest,
  context: RedriveContext,
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
      const retry = await retryOf(task, specOf, answer);
      if (retry) retries.push(retry);
    }
    const outcomes = await retryAllOffloaded(queue, context.offload, retries);
    // One that somebody else retried meanwhile is not FAILED any more.
    answer.redriven += outcomes.filter(({ changed }) => changed).length;
    if (answer.redriven === tasksMax && cursor !== undefined) answer.more = true;
  } while (cursor !== undefined && !answer.more && !signal.aborted);
  return answer;
}

type SpecChange = (task: TaskRecord) => Promise<Uint8Array | undefined>;

function changeOf({ inputChange }: RedriveQueueRequest, context: RedriveContext): SpecChange {
  switch (inputChange?.$case) {
    case undefined:
      return async () => undefined;
    case "input":
      return async (task) => withInput(task, "input", inputChange.value, context);
    case "inputMerge": {
      const members = objectOf("input_merge", inputChange.value);
      return (task) => withMembers(task, "input_merge", members, context);
    }
  }
}

async function retryOf(
  task: TaskRecord,
  specOf: SpecChange,
  answer: RedriveQueueResponse,
): Promise<Retry | undefined> {
  try {
    return { taskId: task.id, spec: await specOf(task) };
  } catch (error) {
    answer.refused += 1;
    const { reason, message, metadata } = publicError(MeshError.from(error));
    if (answer.refusals.length < refusalsMax)
      answer.refusals.push({ taskId: task.id, refusal: { reason, message, metadata } });
    return undefined;
  }
}
