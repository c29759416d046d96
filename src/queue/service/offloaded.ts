/**
 * Where the services and the offload of payloads meet: bodies are written before the queue is told of a task or of its end,
 * and read before anybody else is. Without an offload everything passes as it is.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import type { Task, TaskSpec, WatchTaskResponse } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { TaskOutcome } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { systemClock } from "../../core/clock.ts";
import { MeshError } from "../../core/errors.ts";
import type { BodyOwner } from "../bodies.ts";
import { type NamedTask, named } from "../named.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type {
  Finish,
  FinishOutcome,
  FinishResult,
  NewTask,
  Retry,
  RetryOutcome,
  SubmitOutcome,
} from "../store.ts";
import { partSpec, specWith } from "./spec-input.ts";

type MaybeOffload = Offload | undefined;

/** The number of `blob` in Payload. */
const blobField = 3;

/** Submits tasks, the inputs that are too large for the store beside it. What fails before the store is asked leaves no task. */
export async function submitOffloaded(
  queue: Queue,
  offload: MaybeOffload,
  tasks: readonly NewTask[],
): Promise<SubmitOutcome[]> {
  if (!offload || tasks.every(({ spec }) => !offload.isOver(spec.length))) return queue.submit(tasks);
  // A body is named by its task.
  const all = tasks.map((task) => named(task, systemClock.now()));
  const stored = await allStored(offload, all);
  const submitted = stored.map(({ spec }, index) => ({ ...(all[index] as NamedTask), spec }));
  const references = stored.map(({ reference }) => reference);
  const outcomes = await unlessFull(offload, references, queue.submit(submitted));
  await offload.discard(references.filter((_, index) => outcomes[index]?.status !== "created"));
  return outcomes;
}

/** Takes a task back, with another input where there is one. */
export async function retryOffloaded(
  queue: Queue,
  offload: MaybeOffload,
  retry: Retry,
): Promise<RetryOutcome> {
  if (!offload || !retry.spec || !offload.isOver(retry.spec.length)) return queue.retry(retry);
  const { spec, reference } = await storedSpec(offload, retry.taskId, retry.spec);
  const outcome = await unlessFull(offload, [reference], queue.retry({ ...retry, spec }));
  if (!outcome.changed) await offload.discard([reference]);
  return outcome;
}

/** As {@link retryOffloaded}, for many; in one call to the store where all of it goes there. */
export async function retryAllOffloaded(
  queue: Queue,
  offload: MaybeOffload,
  retries: readonly Retry[],
): Promise<readonly RetryOutcome[]> {
  if (!offload || retries.every(({ spec }) => !spec || !offload.isOver(spec.length)))
    return queue.retryAll(retries);
  return Promise.all(retries.map((retry) => retryOffloaded(queue, offload, retry)));
}

/** Ends an attempt, an output or a state that is too large for the store beside it. */
export async function finishOffloaded(
  queue: Queue,
  offload: MaybeOffload,
  finish: Finish,
): Promise<FinishOutcome | undefined> {
  const encoded = payloadOf(finish.result);
  if (!offload || !encoded || !offload.isOver(encoded.bytes.length)) return (await queue.finish([finish]))[0];
  const reference = await offload.put(encoded.bytes, { taskId: finish.taskId, kind: encoded.kind });
  const result = encoded.with(Payload.encode(reference).finish());
  const [outcome] = await unlessFull(offload, [reference], queue.finish([{ ...finish, result }]));
  if (!outcome?.accepted || outcome.repeated) await offload.discard([reference]);
  return outcome;
}

/** Specs as a caller gave them, their inputs whole. */
export async function givenSpecs(
  offload: MaybeOffload,
  specs: readonly TaskSpec[],
  fieldOf: (index: number) => string,
): Promise<readonly TaskSpec[]> {
  if (!offload || !specs.some(({ input }) => isBlob(input))) return specs;
  return Promise.all(
    specs.map(async (spec, index) => {
      const field = `${fieldOf(index)}.input`;
      return spec.input ? { ...spec, input: await offload.readGiven(field, spec.input) } : spec;
    }),
  );
}

/** Whether a worker reported a payload by its address alone. */
export function liesElsewhere(offload: MaybeOffload, { result }: TaskOutcome): boolean {
  if (!offload) return false;
  return (
    (result?.$case === "succeeded" && isBlob(result.value.output)) ||
    (result?.$case === "suspended" && isBlob(result.value.state))
  );
}

/** Whether an end's payload is too large for the store. */
export function mustLieElsewhere(offload: MaybeOffload, { result }: Finish): boolean {
  return offload?.isOver(payloadOf(result)?.bytes.length ?? 0) ?? false;
}

/** What a worker reported, its payload whole. */
export async function givenOutcome(offload: MaybeOffload, outcome: TaskOutcome): Promise<TaskOutcome> {
  const { result } = outcome;
  if (!offload) return outcome;
  if (result?.$case === "succeeded" && result.value.output) {
    const output = await offload.readGiven("output", result.value.output);
    return { ...outcome, result: { $case: "succeeded", value: { ...result.value, output } } };
  }
  if (result?.$case === "suspended" && result.value.state) {
    const state = await offload.readGiven("suspended.state", result.value.state);
    return { ...outcome, result: { $case: "suspended", value: { ...result.value, state } } };
  }
  return outcome;
}

/** A payload that a task carries, whole. */
export async function whole<Maybe extends Payload | undefined>(
  offload: MaybeOffload,
  payload: Maybe,
): Promise<Maybe | Payload> {
  return offload && payload?.body?.$case === "blob" ? offload.read(payload) : payload;
}

/** As {@link whole}, for a payload that is encoded. */
export async function wholeBytes<Maybe extends Uint8Array | undefined>(
  offload: MaybeOffload,
  payload: Maybe,
): Promise<Maybe | Uint8Array> {
  if (!offload || !payload || !isBlobBytes(payload)) return payload;
  return Payload.encode(await offload.read(Payload.decode(payload))).finish();
}

/** Whether an encoded payload is a reference to a body elsewhere. */
export function isBlobBytes(payload: Uint8Array | undefined): boolean {
  if (payload === undefined) return false;
  const reader = new BinaryReader(payload);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === blobField) return true;
    reader.skip(type, field);
  }
  return false;
}

/**
 * The task with its input and its output whole. An input that is lost is left as a reference: how the task ended, and its
 * output, can still be told. Throws BODY_DAMAGED for a lost output, STORE_UNAVAILABLE.
 */
export async function wholeTask(offload: MaybeOffload, task: Task): Promise<Task> {
  if (!isBlob(task.spec?.input) && !isBlob(task.output)) return task;
  const [input, output] = await Promise.all([
    whole(offload, task.spec?.input).catch((error) => {
      if (MeshError.from(error).reason === "BODY_DAMAGED") return task.spec?.input;
      throw error;
    }),
    whole(offload, task.output),
  ]);
  return { ...task, output, spec: task.spec && { ...task.spec, input } };
}

function isBlob(payload: Payload | undefined): boolean {
  return payload?.body?.$case === "blob";
}

/** As {@link wholeTask}; what cannot be read is left as a reference, where the answer tells of a change that was made. */
export async function wholeWhereReadable(offload: MaybeOffload, task: Task): Promise<Task> {
  return wholeTask(offload, task).catch(() => task);
}

export async function wholeResponse(
  offload: MaybeOffload,
  response: WatchTaskResponse,
): Promise<WatchTaskResponse> {
  if (response.event?.$case !== "final") return response;
  return { event: { $case: "final", value: await wholeTask(offload, response.event.value) } };
}

interface StoredSpec {
  readonly spec: Uint8Array;
  /** What stands for the input where that lies elsewhere. */
  readonly reference?: Payload;
}

async function storedSpec(offload: Offload, taskId: string, spec: Uint8Array): Promise<StoredSpec> {
  if (!offload.isOver(spec.length)) return { spec };
  const { input, rest } = partSpec(spec);
  if (!input || !offload.isOver(input.length)) return { spec };
  const reference = await offload.put(input, { taskId, kind: "input" });
  return { spec: specWith(rest, reference), reference };
}

/** All or none: where one body cannot be written, those that were are deleted. */
async function allStored(offload: Offload, tasks: readonly NamedTask[]): Promise<StoredSpec[]> {
  const settled = await Promise.allSettled(tasks.map(({ id, spec }) => storedSpec(offload, id, spec)));
  const stored = settled.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  const failed = settled.find((one) => one.status === "rejected");
  if (!failed) return stored;
  await offload.discard(stored.map(({ reference }) => reference));
  throw failed.reason;
}

interface EncodedPayload {
  readonly kind: BodyOwner["kind"];
  readonly bytes: Uint8Array;
  readonly with: (bytes: Uint8Array) => FinishResult;
}

function payloadOf(result: FinishResult): EncodedPayload | undefined {
  if (result.kind === "succeeded")
    return { kind: "output", bytes: result.output, with: (output) => ({ ...result, output }) };
  if (result.kind === "suspended")
    return { kind: "state", bytes: result.resumeState, with: (resumeState) => ({ ...result, resumeState }) };
  return undefined;
}

/** A store that has no room did nothing, so the bodies go; after any other fault a task may be there and keeps its body. */
async function unlessFull<Value>(
  offload: Offload,
  references: readonly (Payload | undefined)[],
  call: Promise<Value>,
): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    if (MeshError.from(error).reason === "STORE_FULL") await offload.discard(references);
    throw error;
  }
}
