/**
 * How a task lies in its hash. Short field names and few fields, since each costs some 40 bytes a task:
 *
 *   m  the small fields that change, packed by lua/include/task.lua      h  the header, unless it is plain
 *   s  the spec's bytes                    d  parents                    f  the request's fingerprint
 *   w  the worker of the last lease        o  output                     e  error
 *   p  progress        u  usage            r  resume state               l  the log while it is short
 */
import type { NewTask, Parent, TaskRecord } from "../store.ts";
import { type RetryPolicy, type TaskFailure, taskStates } from "../task.ts";
import { Reader, Writer } from "./bytes.ts";

/** The fields of a record, in the order of replies. */
export const recordFields = ["m", "h", "s", "d", "w", "o", "p", "u", "e", "r"] as const;
export type PackedRecord = readonly (Buffer | null | undefined)[];

type Header = Pick<TaskRecord, "tenant" | "workflowId" | "retry" | "labels">;

/** Empty for a plain header, which is then not stored: it saves 50 bytes a task. */
export function packHeader(task: NewTask): Buffer {
  if (isPlain(task)) return noBytes;
  const writer = new Writer(64).text(task.tenant).text(task.workflowId);
  packRetry(writer, task.retry);
  const labels = Object.entries(task.labels);
  writer.count(labels.length);
  for (const [name, value] of labels) writer.text(name).text(value);
  return writer.done();
}

export function unpackHeader(packed: Buffer | null | undefined): Header {
  if (!packed || packed.length === 0) return plainHeader;
  const reader = new Reader(packed);
  const tenant = reader.text();
  const workflowId = reader.text();
  const retry = unpackRetry(reader);
  const labels: [string, string][] = [];
  for (let left = reader.count(); left > 0; left--) labels.push([reader.text(), reader.text()]);
  return { tenant, workflowId, retry, labels: Object.fromEntries(labels) };
}

/** What is not stored. Part of the stored format: these stay as they are when the defaults change. */
const usualRetry: RetryPolicy = Object.freeze({
  attemptsMax: 3,
  backoffInitialMs: 1_000,
  backoffMaxMs: 60_000,
  backoffMultiplier: 2,
  errorsNotRetried: [],
});

const plainHeader: Header = Object.freeze({
  tenant: "default",
  workflowId: "",
  retry: usualRetry,
  labels: Object.freeze({}),
});

const noBytes = Buffer.alloc(0);

function isPlain({ tenant, workflowId, retry, labels }: NewTask): boolean {
  return (
    tenant === plainHeader.tenant && workflowId === "" && isUsual(retry) && Object.keys(labels).length === 0
  );
}

function isUsual(retry: RetryPolicy): boolean {
  return (
    retry.attemptsMax === usualRetry.attemptsMax &&
    retry.backoffInitialMs === usualRetry.backoffInitialMs &&
    retry.backoffMaxMs === usualRetry.backoffMaxMs &&
    retry.backoffMultiplier === usualRetry.backoffMultiplier &&
    retry.errorsNotRetried.length === 0
  );
}

function packRetry(writer: Writer, retry: RetryPolicy): void {
  writer.u8(isUsual(retry) ? 0 : 1);
  if (isUsual(retry)) return;
  writer
    .count(retry.attemptsMax)
    .f64(retry.backoffInitialMs)
    .f64(retry.backoffMaxMs)
    .f64(retry.backoffMultiplier);
  writer.count(retry.errorsNotRetried.length);
  for (const kind of retry.errorsNotRetried) writer.text(kind);
}

function unpackRetry(reader: Reader): RetryPolicy {
  if (reader.u8() === 0) return usualRetry;
  return {
    attemptsMax: reader.count(),
    backoffInitialMs: reader.f64(),
    backoffMaxMs: reader.f64(),
    backoffMultiplier: reader.f64(),
    errorsNotRetried: Array.from({ length: reader.count() }, () => reader.text()),
  };
}

/** Packed parents can be appended to packed parents. */
export function packParents(parents: readonly Parent[]): Buffer {
  const writer = new Writer(48 * parents.length);
  for (const { taskId, condition, name } of parents)
    writer
      .text(taskId)
      .u8(condition === "FINISHED" ? 1 : 0)
      .text(name);
  return writer.done();
}

function unpackParents(packed: Buffer): Parent[] {
  const reader = new Reader(packed);
  const parents: Parent[] = [];
  while (!reader.ended) {
    const taskId = reader.text();
    const condition = reader.u8() === 1 ? "FINISHED" : "SUCCEEDED";
    parents.push({ taskId, name: reader.text(), condition });
  }
  return parents;
}

/** Parents to wait for, each once, as scripts read them; one that is named twice is waited for by the stricter condition. */
export function packPending(writer: Writer, parents: readonly Parent[]): void {
  const conditions = new Map<string, string>();
  for (const { taskId, condition } of parents)
    if (condition === "SUCCEEDED") conditions.set(taskId, "S");
    else if (!conditions.has(taskId)) conditions.set(taskId, "F");
  writer.u32(conditions.size);
  for (const [taskId, condition] of conditions) writer.text32(taskId).u8(condition.charCodeAt(0));
}

export function packFailure(failure: TaskFailure): Buffer {
  const writer = new Writer().text(failure.kind).u8(failure.retryable ? 1 : 0);
  return writer.text32(failure.message).text32(failure.detail).done();
}

function unpackFailure(packed: Buffer): TaskFailure {
  const reader = new Reader(packed);
  const kind = reader.text();
  const retryable = reader.u8() === 1;
  return { kind, message: reader.text32(), retryable, detail: reader.text32() };
}

/** The small fields that decisions are made by. */
export function unpackTerm(small: Buffer): { state: TaskRecord["state"]; attempt: number; fence: number } {
  return {
    state: taskStates[small[0] as number] as TaskRecord["state"],
    attempt: small.readUInt16BE(4),
    fence: small.readUInt32BE(10),
  };
}

/** Reads a task as lua/include/record.lua packs it: its head from `heads`, the values from beside it, in order. */
export function readRecord(heads: Reader, values: Iterator<Buffer>, queue: string): TaskRecord {
  const id = `${queue}.${heads.text8()}`;
  const mask = heads.u16();
  const small = heads.blob8();
  const fields = recordFields.map((field, index) => {
    if (field === "m") return small;
    return mask & (1 << index) ? (values.next().value as Buffer) : undefined;
  });
  return unpackRecord(id, queue, fields);
}

/** The record of a task from its fields, in the order of {@link recordFields}. */
export function unpackRecord(id: string, queue: string, fields: PackedRecord): TaskRecord {
  const [small, header, spec, parents, worker, output, progress, usage, error, resumeState] = fields;
  const reader = new Reader(small as Buffer);
  const { tenant, workflowId, retry, labels } = unpackHeader(header);
  const state = taskStates[reader.u8()] as TaskRecord["state"];
  const priority = reader.u8();
  reader.skip(2);
  const attempt = reader.u16();
  const generation = reader.u16();
  const pending = reader.u16();
  const fence = reader.u32();
  const lastSequence = reader.u32();
  reader.skip(5 + 7);
  const createdMs = reader.u48();
  const queuedMs = reader.u48() || undefined;
  const startedMs = reader.u48() || undefined;
  const finishedMs = reader.u48() || undefined;
  const dueMs = reader.u48();
  return {
    id,
    queue,
    tenant,
    priority,
    state,
    attempt,
    fence,
    generation,
    retry,
    parents: parents ? unpackParents(parents) : [],
    parentsPending: state === "BLOCKED" ? pending : 0,
    workflowId,
    labels,
    createdMs,
    queuedMs,
    startedMs,
    finishedMs,
    runAtMs: state === "SCHEDULED" ? dueMs : undefined,
    leaseExpiresMs: state === "RUNNING" ? dueMs : undefined,
    workerId: worker?.toString(),
    spec: plainBytes(spec as Buffer),
    output: output ? plainBytes(output) : undefined,
    error: error ? unpackFailure(error) : undefined,
    progress: progress ? plainBytes(progress) : undefined,
    usage: usage ? { tokens: usage.readDoubleBE(0), usd: usage.readDoubleBE(8) } : { tokens: 0, usd: 0 },
    resumeState: resumeState ? plainBytes(resumeState) : undefined,
    lastSequence,
  };
}

/** A plain view of the same memory. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
