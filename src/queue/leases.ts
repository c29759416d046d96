/** From a leased task to the contract's Lease: its spec decoded and its input's templates replaced. */

import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Lease } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { fromPayload, toPayload } from "../core/payload.ts";
import { msToDate, msToDuration } from "../core/time.ts";
import type { Queue } from "./queue.ts";
import type { LeasedTask, TaskRecord } from "./store.ts";
import type { TaskFailure } from "./task.ts";
import { renderTemplates, TemplateFault } from "./template.ts";

export const templateErrorKind = "TEMPLATE_ERROR";

/** The leases to hand over. A task whose input cannot be rendered is failed for good here, and left out. */
export async function toLeases(queue: Queue, tasks: readonly LeasedTask[]): Promise<Lease[]> {
  const leases = await Promise.all(tasks.map((task) => toLease(queue, task)));
  return leases.filter((lease) => lease !== undefined);
}

async function toLease(queue: Queue, task: LeasedTask): Promise<Lease | undefined> {
  const spec = TaskSpec.decode(task.spec);
  try {
    const input = spec.renderInput ? await renderedInput(queue, task, spec) : spec.input;
    return {
      term: { taskId: task.id, fence: task.fence },
      attempt: task.attempt,
      spec: { ...spec, input: undefined },
      input,
      lease: msToDuration(task.leaseMs),
      queueTime: msToDate(task.queuedMs),
      deadline: undefined,
      resumeState: task.resumeState && Payload.decode(task.resumeState),
    };
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    const failure: TaskFailure = {
      kind: templateErrorKind,
      message: error.message,
      retryable: false,
      detail: "",
    };
    await queue.finish([{ taskId: task.id, fence: task.fence, result: { kind: "failed", failure } }]);
    return undefined;
  }
}

async function renderedInput(queue: Queue, task: LeasedTask, spec: TaskSpec): Promise<Payload> {
  const named = task.parents.filter((parent) => parent.name !== "");
  const parents = await queue.getAll(named.map((parent) => parent.taskId));
  const scope = Object.fromEntries(named.map((parent, index) => [parent.name, parentValue(parents[index])]));
  return toPayload(renderTemplates(fromPayload(spec.input), scope));
}

/** What templates see of a parent: its output, or why there is none. */
function parentValue(parent: TaskRecord | undefined): unknown {
  if (parent?.state === "SUCCEEDED") return parent.output ? fromPayload(Payload.decode(parent.output)) : {};
  if (parent?.error) return { error: { kind: parent.error.kind, message: parent.error.message } };
  const kind = parent ? parent.state : "MISSING";
  return {
    error: { kind, message: parent ? `the task ended as ${parent.state}` : "the task is not kept any more" },
  };
}
