/**
 * Lists tasks, newest created first, over several queues: a page of each is read, filtered, and merged as far as all of them
 * have been looked at. The cursor holds where each queue goes on.
 */
import { rolePattern } from "../../core/ids.ts";
import { badCursor } from "../bad-cursor.ts";
import type { ListPage, ListQuery, TaskRecord } from "../store.ts";
import { taskStates } from "../task.ts";
import { Reader } from "./bytes.ts";
import { allOf, bytesMax, type Calls } from "./calls.ts";
import { RecordReader } from "./pack.ts";
import { queueNames } from "./read.ts";

/** Tasks that one page looks at in each queue, at least. */
const lookMin = 100;

interface Candidate {
  readonly number: number;
  readonly task: TaskRecord;
}

/** What was read of a queue. */
interface Slice {
  readonly queue: string;
  readonly candidates: readonly Candidate[];
  /** Before which number the queue goes on, once all candidates are told. */
  readonly number: number;
  /** When the last task that was looked at was created; what was not looked at is not newer. */
  readonly createdMs: number;
  readonly exhausted: boolean;
}

/** Before which number each queue goes on; 0: from its newest. */
type Positions = Readonly<Record<string, number>>;

export async function list(calls: Calls, query: ListQuery): Promise<ListPage> {
  const queues = query.queues?.length ? query.queues : await queueNames(calls);
  const positions =
    query.cursor === undefined ? firstPositions(queues) : parseCursor(query.cursor, new Set(queues));
  const slices = await allOf(
    Object.entries(positions).map(([queue, before]) => readSlice(calls, query, queue, before)),
  );
  const horizon = Math.max(...slices.filter((slice) => !slice.exhausted).map((slice) => slice.createdMs), -1);
  const told = slices
    .flatMap((slice) => slice.candidates)
    .filter(({ task }) => task.createdMs >= horizon)
    .sort((a, b) => b.task.createdMs - a.task.createdMs || compare(a, b))
    .slice(0, query.limit);
  const next: Record<string, number> = {};
  for (const slice of slices) {
    const ofQueue = told.filter(({ task }) => task.queue === slice.queue);
    if (ofQueue.length < slice.candidates.length)
      next[slice.queue] = ofQueue.at(-1)?.number ?? (positions[slice.queue] as number);
    else if (!slice.exhausted) next[slice.queue] = slice.number;
  }
  const tasks = told.map(({ task }) => task);
  return Object.keys(next).length === 0 ? { tasks } : { tasks, cursor: formatCursor(next) };
}

function compare(a: Candidate, b: Candidate): number {
  if (a.task.queue === b.task.queue) return b.number - a.number;
  return a.task.queue < b.task.queue ? -1 : 1;
}

function firstPositions(queues: readonly string[]): Positions {
  return Object.fromEntries(queues.map((queue) => [queue, 0]));
}

async function readSlice(calls: Calls, query: ListQuery, queue: string, before: number): Promise<Slice> {
  const states = query.states?.length ? query.states : taskStates;
  const mask = states.reduce((bits, state) => bits | (1 << taskStates.indexOf(state)), 0);
  const look = Math.max(lookMin, query.limit);
  const reply = await calls.run("page", queue, before, [look, mask, query.deadLetter ? 1 : 0, bytesMax]);
  const [packed, number, createdMs, exhausted, values] = reply as [Buffer, number, number, number, Buffer[]];
  const reader = new Reader(packed);
  const records = new RecordReader(reader, values, queue);
  const candidates: Candidate[] = [];
  while (!reader.ended) {
    const candidate = { number: reader.u40(), task: records.read() };
    if (matches(candidate.task, query)) candidates.push(candidate);
  }
  return { queue, candidates, number, createdMs, exhausted: exhausted === 1 };
}

function matches(task: TaskRecord, { tenant, workflowId, labels = {} }: ListQuery): boolean {
  return (
    (tenant === undefined || tenant === task.tenant) &&
    (workflowId === undefined || workflowId === task.workflowId) &&
    Object.entries(labels).every(([name, value]) => task.labels[name] === value)
  );
}

/** The kind of token, then positions as JSON. */
const cursorPattern = /^r([\w-]+)$/;
/** Numbers of tasks have five bytes. */
const numberMax = 2 ** 40;

function formatCursor(positions: Positions): string {
  return `r${Buffer.from(JSON.stringify(positions)).toString("base64url")}`;
}

/** Refuses what is not as {@link formatCursor} made it, and a queue that the query does not look into. */
function parseCursor(cursor: string, queues: ReadonlySet<string>): Positions {
  const text = Buffer.from(cursorPattern.exec(cursor)?.[1] ?? "", "base64url").toString();
  const positions = parseJson(text);
  if (typeof positions !== "object" || positions === null || Array.isArray(positions)) throw badCursor();
  const entries = Object.entries(positions);
  const areOurs = entries.every(
    ([queue, before]) => rolePattern.test(queue) && queues.has(queue) && isNumber(before),
  );
  if (entries.length === 0 || !areOurs) throw badCursor();
  return Object.fromEntries(entries);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badCursor();
  }
}

function isNumber(before: unknown): boolean {
  return Number.isInteger(before) && 0 <= (before as number) && (before as number) <= numberMax;
}
