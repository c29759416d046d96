/** From a leased task to the contract's Lease: its spec decoded and its input's templates replaced. */

import { setTimeout as pause } from "node:timers/promises";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { Lease } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { MeshError } from "../../core/errors.ts";
import { encodePayload, fromPayload, toPayload } from "../../core/payload.ts";
import { msToDate, msToDuration } from "../../core/time.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { LeasedTask, TaskRecord } from "../store.ts";
import type { TaskFailure } from "../task.ts";
import { offloadedBytes, whole } from "./offloaded.ts";
import { renderTemplates } from "./template.ts";

const templateErrorKind = "TEMPLATE_ERROR";
const bodyErrorKind = "BODY_DAMAGED";
/** Before a task whose bodies cannot be read just now is queued again; its worker's credit waits as long. */
const unreadableMs = 500;

/** A lease and about how many bytes it has on the wire. */
export interface SizedLease {
  readonly lease: Lease;
  readonly bytes: number;
}

/** What a lease has besides its spec and its input. */
const leaseBytes = 128;

/**
 * The leases to hand over. A task whose input cannot be rendered is failed for good here, and one whose parents cannot be
 * read just now goes back to its queue; both are left out.
 */
export async function toLeases(
  queue: Queue,
  tasks: readonly LeasedTask[],
  payloadBytesMax: number,
  offload?: Offload,
): Promise<SizedLease[]> {
  const leases = await Promise.all(tasks.map((task) => toLease(queue, task, payloadBytesMax, offload)));
  return leases.filter((lease) => lease !== undefined);
}

async function toLease(
  queue: Queue,
  task: LeasedTask,
  payloadBytesMax: number,
  offload: Offload | undefined,
): Promise<SizedLease | undefined> {
  try {
    const spec = TaskSpec.decode(task.spec);
    const inputBytes = offloadedBytes(spec.input);
    spec.input = await whole(offload, spec.input);
    const rendered = spec.renderInput ? await renderedInput(queue, task, spec, offload) : undefined;
    const renderedBytes = rendered ? encodePayload("input", rendered, payloadBytesMax).length : 0;
    const { toFinishMs } = task.timeouts;
    const lease = {
      term: { taskId: task.id, fence: task.fence },
      attempt: task.attempt,
      spec: { ...spec, input: undefined },
      input: rendered ?? spec.input,
      lease: msToDuration(task.leaseMs),
      queueTime: msToDate(task.queuedMs),
      deadline: toFinishMs === undefined ? undefined : msToDuration(toFinishMs),
      resumeState: task.resumeState && Payload.decode(task.resumeState),
    };
    const elsewhereBytes = inputBytes + offloadedBytes(lease.resumeState);
    lease.resumeState = await whole(offload, lease.resumeState);
    const bytes =
      task.spec.length + renderedBytes + (task.resumeState?.length ?? 0) + elsewhereBytes + leaseBytes;
    return { lease, bytes };
  } catch (error) {
    const passes = error instanceof MeshError && error.code === "UNAVAILABLE";
    const isDamaged = error instanceof MeshError && error.reason === "BODY_DAMAGED";
    const failure: TaskFailure = {
      kind: isDamaged ? bodyErrorKind : templateErrorKind,
      message: error instanceof Error ? error.message : String(error),
      retryable: false,
      detail: "",
    };
    const result = passes
      ? ({ kind: "released", reason: "its input or its parents' outputs could not be read" } as const)
      : ({ kind: "failed", failure } as const);
    // At once it would come back at once, as long as a body store is away.
    if (passes) await pause(unreadableMs);
    // Where the store cannot take this either, the lease ends by itself.
    await queue.finish([{ taskId: task.id, fence: task.fence, result }]).catch(() => {});
    return undefined;
  }
}

async function renderedInput(
  queue: Queue,
  task: LeasedTask,
  spec: TaskSpec,
  offload: Offload | undefined,
): Promise<Payload> {
  const named = task.parents.filter((parent) => parent.name !== "");
  const parents = await queue.getAll(named.map((parent) => parent.taskId));
  const values = await Promise.all(named.map((_, index) => parentValue(parents[index], offload)));
  const scope = Object.fromEntries(named.map((parent, index) => [parent.name, values[index]]));
  return toPayload(renderTemplates(fromPayload(spec.input), scope));
}

/** What templates see of a parent: its output, or why there is none. */
async function parentValue(parent: TaskRecord | undefined, offload: Offload | undefined): Promise<unknown> {
  if (parent?.state === "SUCCEEDED")
    return parent.output ? fromPayload(await whole(offload, Payload.decode(parent.output))) : {};
  if (parent?.error) return { error: { kind: parent.error.kind, message: parent.error.message } };
  const kind = parent ? parent.state : "MISSING";
  return {
    error: { kind, message: parent ? `the task ended as ${parent.state}` : "the task is not kept any more" },
  };
}
