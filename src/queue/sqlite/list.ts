/** Listing, newest first. A state of a queue is read along an index; tenant and labels are compared row by row. */
import { badCursor } from "../bad-cursor.ts";
import type { ListPage, ListQuery } from "../store.ts";
import { type TaskState, taskStates } from "../task.ts";
import { type Found, plainOf, plainOfState, type Range } from "./list-plain.ts";
import { recordOf } from "./read.ts";
import type { TaskRow } from "./row.ts";
import { rowAt } from "./seat.ts";
import type { Shelf } from "./tx.ts";

/** Rows looked at for one page: bounds how long a rare filter keeps the event loop. */
const lookMax = 1_000;

type Kept = Pick<Shelf, "sql" | "queues" | "chunks">;

export function list(kept: Kept, query: ListQuery): ListPage {
  const { sql, queues } = kept;
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
  const names = query.queues?.length ? query.queues : undefined;
  const states = statesOf(query);
  const look = selective(query) ? lookMax : query.limit;
  const range = { before, limit: look };
  const seqs = query.workflowId
    ? sql.all<Found>("listWorkflow", { workflow_id: query.workflowId, ...range })
    : names === undefined && states.length === taskStates.length
      ? newest([sql.all<Found>("listAll", range), plainOf(kept.chunks, range)], look)
      : byState(kept, names ?? queues.names(), states, range);
  const tasks: TaskRow[] = [];
  let last: number | undefined;
  for (const { seq, seat } of seqs) {
    if (tasks.length === query.limit) break;
    last = seq;
    const row = seat === undefined ? sql.one<TaskRow>("taskBySeq", { seq }) : rowAt(seat);
    if (row !== undefined && matches(row, query, names, states)) tasks.push(row);
  }
  const more = last !== undefined && (seqs.length === look || last !== seqs.at(-1)?.seq);
  return { tasks: tasks.map((row) => recordOf(kept, row)), cursor: more ? formatCursor(last!) : undefined };
}

/** The kind of token, then the place of the last row that was looked at. */
const cursorPattern = /^s([1-9a-z][0-9a-z]{0,10})$/;

function formatCursor(seq: number): string {
  return `s${seq.toString(36)}`;
}

function readCursor(cursor: string): number {
  const seq = Number.parseInt(cursorPattern.exec(cursor)?.[1] ?? "", 36);
  if (Number.isSafeInteger(seq)) return seq;
  throw badCursor();
}

function statesOf({ states, deadLetter }: ListQuery): readonly TaskState[] {
  const wanted = states?.length ? states : taskStates;
  return deadLetter ? wanted.filter((state) => state === "FAILED") : wanted;
}

/** Whether rows may be passed over. */
function selective({ tenant, labels, workflowId }: ListQuery): boolean {
  return Boolean(tenant) || Boolean(workflowId) || Object.keys(labels ?? {}).length > 0;
}

function byState(
  { sql, chunks }: Kept,
  names: readonly string[],
  states: readonly TaskState[],
  range: Range,
): Found[] {
  const runs = names.flatMap((queue) =>
    states.flatMap((state) => [
      sql.all<Found>("listState", { queue, state, ...range }),
      plainOfState(chunks, queue, state, range),
    ]),
  );
  return newest(runs, range.limit);
}

/** The newest of several runs, each of which is in order. */
function newest(runs: readonly Found[][], limit: number): Found[] {
  return runs
    .flat()
    .sort((a, b) => b.seq - a.seq)
    .slice(0, limit);
}

function matches(
  row: TaskRow,
  query: ListQuery,
  names: readonly string[] | undefined,
  states: readonly TaskState[],
): boolean {
  if (names !== undefined && !names.includes(row.queue)) return false;
  if (!states.includes(row.state)) return false;
  if (query.tenant && row.tenant !== query.tenant) return false;
  const wanted = Object.entries(query.labels ?? {});
  if (wanted.length === 0) return true;
  const labels = JSON.parse(row.labels) as Record<string, string>;
  return wanted.every(([name, value]) => labels[name] === value);
}
