/** The queues' counts and order: kept in memory by the one owner, written in the transaction that changes them. */
import { type QueueStats, soonMs, soonTasksMax } from "../store.ts";
import { isFinal, type TaskState, taskStates } from "../task.ts";
import type { Statements } from "./statements.ts";

interface QueueFacts {
  readonly name: string;
  front: number;
  back: number;
  clock_ms: number;
  fence_floor: number;
  last_seq: number;
  arrived: number;
  ended: number;
}

type QueueRow = QueueFacts & Record<TaskState, number>;

const unfinishedStates = taskStates.filter((state) => !isFinal(state));
const finalStates = taskStates.filter(isFinal);

function newRow(name: string): QueueRow {
  const counts = Object.fromEntries(taskStates.map((state) => [state, 0])) as Record<TaskState, number>;
  const facts = { front: 0, back: 0, clock_ms: 0, fence_floor: 0, last_seq: 0, arrived: 0, ended: 0 };
  return { name, ...facts, ...counts };
}

export class Queues {
  readonly #sql: Statements;
  readonly #rows = new Map<string, QueueRow>();
  readonly #dirty = new Set<QueueRow>();
  #lastSeq: number;

  constructor(sql: Statements) {
    this.#sql = sql;
    this.#lastSeq = sql.one<{ seq: number | null }>("lastSeq")?.seq ?? 0;
  }

  /** Tasks of the queue moved; `from` is undefined for new ones, `to` for deleted ones. */
  count(queue: string, from: TaskState | undefined, to: TaskState | undefined, tasks = 1): void {
    const row = this.#change(queue);
    if (from === undefined) row.arrived += tasks;
    else row[from] -= tasks;
    if (to === undefined) return;
    row[to] += tasks;
    if (isFinal(to)) row.ended += tasks;
  }

  /** A number for a new task, in the order in which those of all queues came; each is given once. */
  nextSeq(queue: string): number {
    this.#lastSeq += 1;
    this.#change(queue).last_seq = this.#lastSeq;
    return this.#lastSeq;
  }

  /** The first of so many places behind every QUEUED task: they are positive. */
  placesBehind(queue: string, tasks: number): number {
    const row = this.#change(queue);
    row.back += tasks;
    return row.back - tasks + 1;
  }

  /** The next place before every QUEUED task: it is negative. */
  placeBefore(queue: string): number {
    const row = this.#change(queue);
    row.front -= 1;
    return row.front;
  }

  /** Where a new task's fence begins: at or above that of any task which had its id before and was deleted. */
  fenceFloor(queue: string): number {
    return this.#read(queue).fence_floor;
  }

  raiseFenceFloor(queue: string, fence: number): void {
    const row = this.#change(queue);
    row.fence_floor = Math.max(row.fence_floor, fence);
  }

  /** Keeps a queue that has no task yet. */
  know(queue: string): void {
    this.#change(queue);
  }

  waiting(queue: string): number {
    return this.#read(queue).QUEUED;
  }

  running(queue: string): number {
    return this.#read(queue).RUNNING;
  }

  unfinished(queue: string): number {
    return sum(this.#read(queue), unfinishedStates);
  }

  finished(queue: string): number {
    return sum(this.#read(queue), finalStates);
  }

  names(): string[] {
    return this.#sql.all<{ name: string }>("queueNames").map((row) => row.name);
  }

  stats(queue: string, nowMs: number): Omit<QueueStats, "policy" | "pause"> {
    const row = this.#read(queue);
    const counts = Object.fromEntries(taskStates.map((state) => [state, row[state]])) as Record<
      TaskState,
      number
    >;
    const oldest =
      row.QUEUED > 0 ? this.#sql.one<{ ms: number | null }>("oldestQueued", { queue }) : undefined;
    return {
      queue,
      counts,
      deadLetter: row.FAILED,
      oldestQueuedMs: oldest?.ms ?? undefined,
      scheduledSoon: row.SCHEDULED > 0 ? this.#soon(queue, nowMs) : 0,
      arrived: row.arrived,
      ended: row.ended,
    };
  }

  #soon(queue: string, nowMs: number): number {
    const asked = { queue, soon: nowMs + soonMs, max: soonTasksMax };
    return this.#sql.one<{ count: number }>("scheduledSoon", asked)?.count ?? 0;
  }

  /** Writes what has changed into the open transaction. */
  flush(nowMs: number): void {
    for (const row of this.#dirty) {
      row.clock_ms = nowMs;
      this.#sql.run("putQueue", row);
    }
    this.#dirty.clear();
  }

  /** After a rollback: what is in memory may not be so. */
  forget(): void {
    this.#rows.clear();
    this.#dirty.clear();
  }

  #change(queue: string): QueueRow {
    const row = this.#read(queue);
    this.#rows.set(queue, row);
    this.#dirty.add(row);
    return row;
  }

  /** A queue that was only asked for is not kept in memory: names come from callers. */
  #read(queue: string): QueueRow {
    const known = this.#rows.get(queue);
    if (known !== undefined) return known;
    const stored = this.#sql.one<QueueRow>("queueByName", { name: queue });
    if (stored === undefined) return newRow(queue);
    const row = { ...stored };
    this.#rows.set(queue, row);
    return row;
  }
}

function sum(row: QueueRow, states: readonly TaskState[]): number {
  return states.reduce((total, state) => total + row[state], 0);
}
