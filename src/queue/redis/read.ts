/** Reads tasks, logs and counts. */
import { queueOf } from "../../core/ids.ts";
import type { LogPage, LogQuery, LogRecord, QueueStats, TaskRecord } from "../store.ts";
import { type TaskState, taskStates } from "../task.ts";
import { Reader } from "./bytes.ts";
import { allOf, type Calls } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { type PackedRecord, plainBytes, recordFields, unpackRecord } from "./pack.ts";

export function get(calls: Calls, ids: readonly string[]): Promise<(TaskRecord | undefined)[]> {
  return allOf(ids.map((id) => getOne(calls, id)));
}

async function getOne(calls: Calls, id: string): Promise<TaskRecord | undefined> {
  const key = calls.keys.task(id);
  if (key === undefined) return undefined;
  const fields = (await calls.connection.call("HMGET", key, ...recordFields)) as PackedRecord;
  return fields[0] ? unpackRecord(id, queueOf(id) as string, fields) : undefined;
}

export async function readLog(calls: Calls, { taskId, from, limit }: LogQuery): Promise<LogPage | undefined> {
  const queue = queueOf(taskId);
  if (queue === undefined) return undefined;
  const reply = await calls.run("log", queue, uniqueOf(taskId), [Math.max(1, from), limit]);
  const [byte, lastSequence, firstKept, first, entries] = reply as [number, number, number, number, Buffer[]];
  const state = stateOf(byte);
  if (state === "MISSING") return undefined;
  return {
    entries: entries.map((entry, nth) => logRecord(entry, first + nth)),
    firstKept,
    lastSequence,
    state,
  };
}

/** A change: 1 B, time I6, state B, attempt I2, worker I2c0, reason. A body: 0 B, time I6, bytes. */
function logRecord(entry: Buffer, sequence: number): LogRecord {
  const reader = new Reader(entry);
  const isChange = reader.u8() === 1;
  const timeMs = reader.u48();
  if (!isChange) return { sequence, timeMs, body: plainBytes(reader.rest()) };
  const state = taskStates[reader.u8()] as TaskState;
  const attempt = reader.u16();
  const workerId = reader.text16();
  return { sequence, timeMs, change: { state, attempt, workerId, reason: reader.restText() } };
}

export async function queueNames(calls: Calls): Promise<string[]> {
  const names = (await calls.connection.call("SMEMBERS", calls.keys.queues)) as Iterable<Buffer>;
  return Array.from(names, String).sort();
}

export async function stats(calls: Calls, queues?: readonly string[]): Promise<QueueStats[]> {
  const names = queues ?? (await queueNames(calls));
  return allOf(names.map((queue) => statsOf(calls, queue)));
}

async function statsOf(calls: Calls, queue: string): Promise<QueueStats> {
  const reply = await calls.run("stats", queue, "");
  const [found, deadLetter, oldest] = reply as [number[], number, number];
  const counts = Object.fromEntries(taskStates.map((state, index) => [state, found[index] ?? 0]));
  return {
    queue,
    counts: counts as Record<TaskState, number>,
    deadLetter,
    oldestQueuedMs: oldest < 0 ? undefined : oldest,
  };
}
