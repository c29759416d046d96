/** Reads tasks, logs and counts. */
import { queueOf } from "../../core/ids.ts";
import {
  type LogPage,
  type LogQuery,
  type LogRecord,
  type QueueStats,
  soonMs,
  soonTasksMax,
  type TaskRecord,
} from "../store.ts";
import { type RetryPolicy, type TaskState, taskStates } from "../task.ts";
import { Reader, Writer } from "./bytes.ts";
import { allOf, type Calls, eachBy, itemsMax } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { plainBytes, RecordReader, unpackHeader } from "./pack.ts";
import { readSettings } from "./settings.ts";

export function get(calls: Calls, ids: readonly string[]): Promise<(TaskRecord | undefined)[]> {
  return askOfEach(calls, "get", ids, (reply, queue) => {
    const [heads, values] = reply as [Buffer, Buffer[]];
    const reader = new Reader(heads);
    const records = new RecordReader(reader, values, queue);
    return () => (reader.u8() === 1 ? records.read() : undefined);
  });
}

/** What decisions about a task's attempt are made by. */
export interface Term {
  readonly state: TaskState;
  readonly attempt: number;
  readonly fence: number;
  readonly retry: RetryPolicy;
}

/** The terms of tasks, as far as these are there. */
export function readTerms(calls: Calls, ids: readonly string[]): Promise<(Term | undefined)[]> {
  return askOfEach(calls, "terms", ids, (reply) => {
    const reader = new Reader(reply as Buffer);
    return () => {
      const state = stateOf(reader.u8());
      const [attempt, fence, header] = [reader.u16(), reader.u32(), reader.blob32()];
      return state === "MISSING" ? undefined : { state, attempt, fence, retry: unpackHeader(header).retry };
    };
  });
}

/** Asks a function that reads for tasks, queue by queue; `answers` gives the next one's answer each time. */
async function askOfEach<Answer>(
  calls: Calls,
  script: "get" | "terms",
  ids: readonly string[],
  answers: (reply: unknown, queue: string) => () => Answer | undefined,
): Promise<(Answer | undefined)[]> {
  const found = new Array<Answer | undefined>(ids.length).fill(undefined);
  await allOf(
    chunksByQueue(ids).map(async ({ queue, places }) => {
      const input = new Writer(32 * places.length);
      for (const place of places) input.text8(uniqueOf(ids[place] as string));
      const next = answers(await calls.run(script, queue, input.done()), queue);
      for (const place of places) found[place] = next();
    }),
  );
  return found;
}

/** Deletes final tasks. */
export async function remove(calls: Calls, ids: readonly string[]): Promise<boolean[]> {
  const { outcomes } = await calls.batch({
    script: "remove",
    items: ids,
    idOf: (id) => id,
    packer: eachBy((writer, id) => writer.text8(uniqueOf(id))),
    width: 1,
    read: (outcome) => outcome[0] === 1,
    missing: false,
  });
  return outcomes;
}

interface IdChunk {
  readonly queue: string;
  readonly places: number[];
}

function chunksByQueue(ids: readonly string[]): IdChunk[] {
  const chunks: IdChunk[] = [];
  const open = new Map<string, IdChunk>();
  ids.forEach((id, place) => {
    const queue = queueOf(id);
    if (queue === undefined) return;
    let chunk = open.get(queue);
    if (chunk === undefined || chunk.places.length >= itemsMax) {
      chunk = { queue, places: [] };
      chunks.push(chunk);
      open.set(queue, chunk);
    }
    chunk.places.push(place);
  });
  return chunks;
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
  const reply = (await calls.run("stats", queue, String(soonMs), [soonTasksMax])) as StatsReply;
  const [found, deadLetter, oldest, scheduledSoon, arrived, ended, settings] = reply;
  const counts = Object.fromEntries(taskStates.map((state, index) => [state, found[index] ?? 0]));
  return {
    queue,
    counts: counts as Record<TaskState, number>,
    deadLetter,
    oldestQueuedMs: oldest < 0 ? undefined : oldest,
    scheduledSoon,
    arrived,
    ended,
    ...readSettings(settings),
  };
}

type StatsReply = [
  counts: number[],
  deadLetter: number,
  oldest: number,
  scheduledSoon: number,
  arrived: number,
  ended: number,
  settings: Buffer[],
];
