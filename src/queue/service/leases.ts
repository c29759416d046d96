/** From leased tasks to what their workers are handed: bodies that lie elsewhere are read, and templates replaced. */

import { setTimeout as pause } from "node:timers/promises";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { MeshError } from "../../core/errors.ts";
import { encodePayload, fromPayload, toPayload } from "../../core/payload.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { LeasedTask, TaskRecord } from "../store.ts";
import type { TaskFailure } from "../task.ts";
import type { ReadyLease } from "./lease-frame.ts";
import { isBlobBytes, whole, wholeBytes } from "./offloaded.ts";
import { partSpec } from "./spec-input.ts";
import { renderTemplates } from "./template.ts";

const templateErrorKind = "TEMPLATE_ERROR";
const bodyErrorKind = "BODY_DAMAGED";
/** Before a task whose bodies cannot be read just now is queued again; its worker's credit waits as long. */
const unreadableMs = 500;

export interface LeasesOptions {
  readonly queue: Queue;
  readonly payloadBytesMax: number;
  readonly offload?: Offload;
}

/**
 * What can be handed over as it is, in order. `later`: the rest, where there is any, once it has been read. A task whose input
 * cannot be rendered is failed for good, and one whose parents cannot be read just now goes back to its queue; both are left out.
 */
export interface Readied {
  readonly leases: readonly ReadyLease[];
  readonly later?: Promise<readonly ReadyLease[]>;
}

export function readied(options: LeasesOptions, tasks: readonly LeasedTask[]): Readied {
  const leases: ReadyLease[] = [];
  const others: LeasedTask[] = [];
  for (const task of tasks) {
    const lease = readyAtOnce(task, options.offload);
    if (lease) leases.push(lease);
    else others.push(task);
  }
  return { leases, later: others.length === 0 ? undefined : allReady(options, others) };
}

function readyAtOnce(task: LeasedTask, offload: Offload | undefined): ReadyLease | undefined {
  const { input, rest, rendersInput } = partSpec(task.spec);
  const { resumeState } = task;
  if (rendersInput || (offload && (isBlobBytes(input) || isBlobBytes(resumeState)))) return undefined;
  return { task, spec: rest, input, resumeState };
}

async function allReady(options: LeasesOptions, tasks: readonly LeasedTask[]): Promise<ReadyLease[]> {
  const leases = await Promise.all(tasks.map((task) => readyWhenRead(options, task)));
  return leases.filter((lease) => lease !== undefined);
}

async function readyWhenRead(options: LeasesOptions, task: LeasedTask): Promise<ReadyLease | undefined> {
  const { queue, offload, payloadBytesMax } = options;
  try {
    const { input, rest, rendersInput } = partSpec(task.spec);
    const given = await wholeBytes(offload, input);
    const rendered = rendersInput
      ? encodePayload("input", await renderedInput(options, task, given), payloadBytesMax)
      : given;
    return { task, spec: rest, input: rendered, resumeState: await wholeBytes(offload, task.resumeState) };
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
  { queue, offload }: LeasesOptions,
  task: LeasedTask,
  input: Uint8Array | undefined,
): Promise<Payload> {
  const named = task.parents.filter((parent) => parent.name !== "");
  const parents = await queue.getAll(named.map((parent) => parent.taskId));
  const values = await Promise.all(named.map((_, index) => parentValue(parents[index], offload)));
  const scope = Object.fromEntries(named.map((parent, index) => [parent.name, values[index]]));
  return toPayload(renderTemplates(fromPayload(input && Payload.decode(input)), scope));
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
