/**
 * How a task's fields are packed. Each kind lies in a hash of the queue, named by its letter, and only where there is one:
 *
 *   t  the head (lua/include/base.lua has its format), or where a task with a name lives in its row (lua/include/task.lua)
 *   h  the header, unless it is plain             s  a spec that replaced the first one
 *   f  the request's fingerprint   d  parents     g  the lane, unless it is plain     z  timeouts
 *   o  output     e  error         p  progress    u  usage     r  resume state        l  the log while it is short
 */

import { isEmpty } from "../../core/is-empty.ts";
import { laneName, laneOf } from "../lane.ts";
import type { NewTask, Parent, TaskRecord } from "../store.ts";
import { type RetryPolicy, type TaskFailure, type Timeouts, taskStates } from "../task.ts";
import { Reader, Writer } from "./bytes.ts";

export type Header = Pick<TaskRecord, "tenant" | "workflowId" | "retry" | "labels">;

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
  return tenant === plainHeader.tenant && workflowId === "" && isUsual(retry) && isEmpty(labels);
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

/** Empty for a plain lane, which is known from the priority. */
export function packLane(task: NewTask): string {
  const name = laneName(task);
  return name.length === 1 ? "" : name;
}

/** To start, to finish, between heartbeats (0: none), the last lease's length and the last sign of life: 6 bytes each. */
export function packTimeouts({ toStartMs = 0, toFinishMs = 0, heartbeatMs = 0 }: Timeouts): Buffer {
  if (toStartMs === 0 && toFinishMs === 0 && heartbeatMs === 0) return noBytes;
  return new Writer(30).delay(toStartMs).delay(toFinishMs).delay(heartbeatMs).u48(0).u48(0).done();
}

/** A task's timeouts, and its last sign of life. */
export function unpackTimeouts(packed: Buffer | undefined): { timeouts: Timeouts; signMs: number } {
  if (packed === undefined || packed.length === 0) return { timeouts: noTimeouts, signMs: 0 };
  const reader = new Reader(packed);
  const [toStartMs, toFinishMs, heartbeatMs] = [reader.u48(), reader.u48(), reader.u48()].map(
    (ms) => ms || undefined,
  );
  reader.skip(6);
  return { timeouts: { toStartMs, toFinishMs, heartbeatMs }, signMs: reader.u48() };
}

const noTimeouts: Timeouts = Object.freeze({});

/** Reads tasks as lua/include/record.lua packs them: heads, and the values from beside them, in order. */
export class RecordReader {
  readonly #heads: Reader;
  readonly #values: readonly Buffer[];
  readonly #queue: string;
  #next = 0;

  constructor(heads: Reader, values: readonly Buffer[], queue: string) {
    this.#heads = heads;
    this.#values = values;
    this.#queue = queue;
  }

  read(): TaskRecord {
    const heads = this.#heads;
    const id = `${this.#queue}.${heads.text8()}`;
    const head = heads.view(headBytes);
    const mask = heads.u16();
    const spec = this.value();
    return unpackRecord({ id, queue: this.#queue, head, spec, fields: this.#fields(mask) });
  }

  /** The next value. */
  value(): Buffer {
    return this.#values[this.#next++] as Buffer;
  }

  #fields(mask: number): Fields {
    if (mask === 0) return noFields;
    const fields: { -readonly [K in keyof Fields]: Buffer } = {};
    replyFields.forEach((field, index) => {
      if (mask & (1 << index)) fields[field] = this.value();
    });
    return fields;
  }
}

/** In the order of the mask's bits; w is the worker's name. */
const replyFields = ["h", "d", "g", "z", "o", "p", "u", "e", "r", "w"] as const;
type Fields = { readonly [K in (typeof replyFields)[number]]?: Buffer };
const noFields: Fields = Object.freeze({});

const headBytes = 66;

interface Packed {
  readonly id: string;
  readonly queue: string;
  readonly head: Buffer;
  readonly spec: Buffer;
  readonly fields: Fields;
}

function unpackRecord({ id, queue, head, spec, fields }: Packed): TaskRecord {
  const { tenant, workflowId, retry, labels } = unpackHeader(fields.h);
  const lane = fields.g === undefined ? undefined : laneOf(fields.g.toString());
  const state = taskStates[head[0] as number] as TaskRecord["state"];
  const startedMs = head.readUIntBE(42, 6) || undefined;
  const dueMs = head.readUIntBE(32, 6);
  return {
    id,
    queue,
    tenant,
    priority: head[1] as number,
    state,
    attempt: head.readUInt16BE(6),
    fence: head.readUInt32BE(12),
    generation: head.readUInt16BE(8),
    retry,
    timeouts: unpackTimeouts(fields.z).timeouts,
    concurrencyKey: lane?.concurrencyKey ?? "",
    workerLabels: lane?.workerLabels ?? noLabels,
    parents: fields.d ? unpackParents(fields.d) : [],
    parentsPending: state === "BLOCKED" ? head.readUInt16BE(10) : 0,
    workflowId,
    labels,
    createdMs: head.readUIntBE(54, 6),
    queuedMs: head.readUIntBE(60, 6) || undefined,
    startedMs,
    finishedMs: head.readUIntBE(26, 6) || undefined,
    runAtMs: state === "SCHEDULED" ? dueMs : undefined,
    leaseExpiresMs: state === "RUNNING" ? dueMs : undefined,
    workerId: fields.w?.toString(),
    spec: plainBytes(spec),
    output: fields.o ? plainBytes(fields.o) : state === "SUCCEEDED" ? noOutput : undefined,
    error: fields.e ? unpackFailure(fields.e) : undefined,
    progress: fields.p ? plainBytes(fields.p) : undefined,
    usage: fields.u ? { tokens: fields.u.readDoubleBE(0), usd: fields.u.readDoubleBE(8) } : noUsage,
    resumeState: fields.r ? plainBytes(fields.r) : undefined,
    lastSequence: head.readUInt32BE(16),
  };
}

const noOutput = new Uint8Array(0);
export const noLabels = Object.freeze({});
export const noUsage = Object.freeze({ tokens: 0, usd: 0 });

/** A plain view of the same memory. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
