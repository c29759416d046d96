/** Listing, newest first. A state of a queue is read along an index; tenant and labels are compared row by row. */
import { badCursor } from "../bad-cursor.ts";
import type { ListPage, ListQuery } from "../store.ts";
import { type TaskState, taskStates } from "../task.ts";
import { recordOf, type TaskRow } from "./row.ts";
import type { Shelf } from "./tx.ts";

/** Rows looked at for one page: bounds how long a rare filter keeps the event loop. */
const lookMax = 1_000;

export function list({ sql, queues }: Pick<Shelf, "sql" | "queues">, query: ListQuery): ListPage {
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
  const names = query.queues?.length ? query.queues : undefined;
  const states = statesOf(query);
  const look = selective(query) ? lookMax : query.limit;
  const seqs = query.workflowId
    ? sql.all<{ seq: number }>("listWorkflow", { workflow_id: query.workflowId, before, limit: look })
    : names === undefined && states.length === taskStates.length
      ? sql.all<{ seq: number }>("listAll", { before, limit: look })
      : byState({ sql, queues }, names ?? queues.names(), states, { before, limit: look });
  const tasks: TaskRow[] = [];
  let last: number | undefined;
  for (const { seq } of seqs) {
    if (tasks.length === query.limit) break;
    last = seq;
    const row = sql.one<TaskRow>("taskBySeq", { seq });
    if (row !== undefined && matches(row, query, names, states)) tasks.push(row);
  }
  const more = last !== undefined && (seqs.length === look || last !== seqs.at(-1)?.seq);
  return { tasks: tasks.map((row) => recordOf(sql, row)), cursor: more ? formatCursor(last!) : undefined };
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

/** The newest of several runs, each of which is in order. */
function byState(
  { sql }: Pick<Shelf, "sql" | "queues">,
  names: readonly string[],
  states: readonly TaskState[],
  range: { readonly before: number; readonly limit: number },
): { seq: number }[] {
  const runs = names.flatMap((queue) =>
    states.flatMap((state) => sql.all<{ seq: number }>("listState", { queue, state, ...range })),
  );
  return runs.sort((a, b) => b.seq - a.seq).slice(0, range.limit);
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
